// The boundary around a shard: what it is alone with, and what it shares with others.

import type { ComponentChildren, JSX } from "preact";
import type { Agent } from "../lib/fleet.ts";
import { dollars, number, percent, plural } from "../lib/format.ts";
import { Badge } from "../ui/basics.tsx";
import { HealthBar } from "./topology-cell.tsx";
import { sums } from "./topology-layout.ts";

export interface KeysOfShards {
  providers: { provider: string; keys: { shard: string; alias: string }[] }[];
}

interface Props {
  tag: string;
  value: string;
  agents: readonly Agent[];
  of: readonly Agent[];
  // Hosts that more than one boundary runs on.
  hosts: ReadonlyMap<string, readonly string[]>;
  // Null when it is not known, or not asked.
  vault: KeysOfShards | null;
  children: ComponentChildren;
}

export function Boundary({ tag, value, agents, of, hosts, vault, children }: Props): JSX.Element {
  const found = sums(agents), all = sums(of).tasksPerMinute;
  const share = found.tasksPerMinute != null && all ? found.tasksPerMinute / all : null;
  const name = value ? `${tag} ${value}` : `no ${tag}`;
  return (
    <section class="boundary" aria-label={name} data-open={value ? undefined : ""}>
      <header>
        <h3>{name}</h3>
        <span>{plural(agents.length, "agent")} · {number(found.tasksPerMinute)} tasks/min{share === null ? "" : ` (${percent(share)} of all)`} · {percent(found.errorRate)} errors · {dollars(found.costPerHour)}/hour</span>
      </header>
      <HealthBar sums={found} />
      <div class="cells">{children}</div>
      {value ? <Isolation value={value} agents={agents} hosts={hosts} vault={vault} /> : null}
    </section>
  );
}

function Isolation({ value, agents, hosts, vault }: Pick<Props, "value" | "agents" | "hosts" | "vault">): JSX.Element {
  const mine = [...new Set(agents.map((agent) => agent.host).filter((host): host is string => host !== null))];
  const shared = mine.filter((host) => hosts.has(host));
  const others = [...new Set(shared.flatMap((host) => hosts.get(host) ?? []))].filter((other) => other !== value).map((other) => other || "agents without one");
  const own = vault?.providers.filter((one) => one.keys.some((key) => key.shard === value)).map((one) => one.provider) ?? [];
  return (
    <p class="isolation">
      {mine.length ? <Badge tone={shared.length ? "info" : "good"}>{shared.length ? `${shared.length} of ${plural(mine.length, "host")} shared with ${others.join(", ")}` : `${plural(mine.length, "host")} of its own`}</Badge> : <Badge tone="idle">hosts not known</Badge>}
      {vault === null ? null : own.length ? <Badge tone="good">own keys: {own.join(", ")}</Badge> : <Badge tone="idle">the workspace's keys</Badge>}
    </p>
  );
}
