// What each action does to a rollout, in the order in which they stand.

import type { Rollout } from "../lib/rollout.ts";
import type { Order } from "../ui/steer.tsx";

const ORDERS: readonly Order[] = [
  { action: "approve", label: "Approve", effect: "Lets this wave begin." },
  { action: "resume", label: "Resume", effect: "Goes on where it was. A held wave bakes once more, from the start." },
  { action: "retry", label: "Retry", effect: "Tells the failed agents of this wave anew; a gate follows as always." },
  { action: "pause", label: "Pause", effect: "Nobody else is told until it is resumed. A bake's time goes on.", second: true },
  { action: "skip", label: "Skip gate", effect: "Takes the current wave as passed, whatever its gate says. What has not been told yet still is.", second: true },
  { action: "promote", label: "Promote", effect: "No more gates: all remaining agents get it as fast as the policy lets them, and failures turn nothing around.", second: true },
  { action: "stop", label: "Stop here", effect: "Ends it where it is: agents that were told keep the new configuration, nobody else gets it.", second: true },
  { action: "abort", label: "Abort", effect: "Everybody who was told goes back to what they had before.", danger: true },
];

// Only those that the API says are possible now. Held because an agent refuses to go back, the same words mean something else.
export function ordersOf({ actions, hold, reversibility }: Rollout): Order[] {
  const back: Record<string, string> = {
    resume: "Asks the agents that refuse to go back once more.",
    retry: "Asks the agents that refuse to go back once more.",
    skip: "Leaves those that refuse as they are, and ends the rollout as reverted.",
  };
  return ORDERS.filter((order) => actions.includes(order.action)).map((order) => {
    if (hold?.cause === "revert" && back[order.action]) return { ...order, effect: back[order.action] as string };
    if (order.action === "abort" && reversibility === "irreversible") return { ...order, effect: `${order.effect} This change is irreversible: going back does not undo all of it.` };
    return order;
  });
}
