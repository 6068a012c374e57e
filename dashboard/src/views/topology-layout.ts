// Who stands where on the map of the fleet. Pure.

import type { Agent } from "../lib/fleet.ts";
import { HEALTH, type Health, type Maybe } from "../lib/format.ts";
import type { SeriesAnswer } from "../ui/series.tsx";

export type Layout = "flat" | "tiered" | "sharded";

export const layoutOf = (text: string | undefined): Layout | null => (text === "flat" || text === "tiered" || text === "sharded" ? text : null);

// The layout that the fleet's tags speak of.
export function usual(agents: readonly Agent[], by: string): Layout {
  const has = (key: string): boolean => agents.some((agent) => Object.hasOwn(agent.tags, key));
  return has("shard") || (by !== "" && by !== "tier") ? "sharded" : has("tier") ? "tiered" : "flat";
}

const order = new Intl.Collator("en", { numeric: true }).compare;

// Agents by the value of a tag; those without it last, under "".
export function split(agents: readonly Agent[], key: string): [value: string, members: Agent[]][] {
  const found = new Map<string, Agent[]>();
  for (const agent of agents) {
    const value = Object.hasOwn(agent.tags, key) ? (agent.tags[key] as string) : "";
    const members = found.get(value);
    members ? members.push(agent) : found.set(value, [agent]);
  }
  return [...found].sort(([a], [b]) => Number(a === "") - Number(b === "") || order(a, b));
}

export interface Sums {
  health: Record<Health, number>;
  tasksPerMinute: Maybe;
  errorRate: Maybe;
  tokensPerMinute: Maybe;
  costPerHour: Maybe;
  queueDepth: Maybe;
}

// What is not known of an agent is left out; what is known of none is null. Errors are weighted by tasks.
export function sums(agents: readonly Agent[]): Sums {
  const health = Object.fromEntries(HEALTH.map((status) => [status, agents.filter((agent) => agent.status === status).length])) as Record<Health, number>;
  const working = agents.filter((agent) => agent.tasksPerMinute && agent.errorRate != null);
  const tasks = total(working, (agent) => agent.tasksPerMinute);
  const failed = total(working, (agent) => (agent.errorRate as number) * (agent.tasksPerMinute as number));
  return {
    health,
    tasksPerMinute: total(agents, (agent) => agent.tasksPerMinute),
    errorRate: tasks && failed != null ? failed / tasks : null,
    tokensPerMinute: total(agents, (agent) => agent.tokensPerMinute),
    costPerHour: total(agents, (agent) => agent.costPerHour),
    queueDepth: total(agents, (agent) => agent.queueDepth),
  };
}

function total(agents: readonly Agent[], of: (agent: Agent) => Maybe): Maybe {
  const known = agents.map(of).filter((value): value is number => value != null);
  return known.length ? known.reduce((sum, value) => sum + value, 0) : null;
}

// The last known value of each combination of tags; of a step that is over if there is one: the quick tasks of one that has just begun
// come first, and would make it look fast.
export function latencies(answer: SeriesAnswer | null, keys: readonly string[], now: number): (values: readonly string[]) => Maybe {
  const whole = now - (answer?.step ?? 0) * 1000;
  const valueOf = (points: SeriesAnswer["series"][number]["points"]): Maybe => {
    const known = points.filter(([, value]) => value !== null);
    return (known.findLast(([at]) => at <= whole) ?? known.at(-1))?.[1];
  };
  const found = new Map((answer?.series ?? []).map((line) => [JSON.stringify(keys.map((key) => line.tags[key] ?? "")), valueOf(line.points)]));
  return (values) => found.get(JSON.stringify(values));
}

// Hosts on which agents of more than one value of a tag run, with those values.
export function sharedHosts(agents: readonly Agent[], key: string): Map<string, string[]> {
  const found = new Map<string, Set<string>>();
  for (const agent of agents) if (agent.host) {
    const values = found.get(agent.host) ?? new Set();
    found.set(agent.host, values.add(agent.tags[key] ?? ""));
  }
  return new Map([...found].filter(([, values]) => values.size > 1).map(([host, values]) => [host, [...values].sort(order)]));
}
