// Agents that belong together: their health, each as a dot, and their figures.

import type { JSX } from "preact";
import type { Agent } from "../lib/fleet.ts";
import { HEALTH, type Maybe, SYMBOL, dollars, milliseconds, number, percent, plural } from "../lib/format.ts";
import { go, href, narrow } from "../lib/route.ts";
import { Stack } from "../ui/stack.tsx";
import { type Sums, sums } from "./topology-layout.ts";

const MOST_DOTS = 120; // more are a bar alone
const NAMED = 4;

interface Props {
  name: string;
  agents: readonly Agent[];
  p95: Maybe;
  // Tags that mean these agents.
  pick: readonly (readonly [key: string, value: string])[];
  wide?: boolean;
}

export function Cell({ name, agents, p95, pick, wide }: Props): JSX.Element {
  const found = sums(agents);
  const worst = HEALTH.find((status) => found.health[status] && status !== "grey") ?? "grey";
  // Agents without a tag cannot be asked for by it.
  const tags = pick.every(([, value]) => value) ? pick.map(([key, value]) => `${key}=${value}`).join(",") : null;
  return (
    <section class={wide ? "cell wide" : "cell"} data-health={worst} role="group" aria-label={name}>
      <header>
        {tags ? <button type="button" class="quiet" title={`Show the fleet of ${tags}`} onClick={() => { narrow({ tags }); go("fleet"); }}>{name}</button> : <b>{name}</b>}
        <span class="soft">{plural(agents.length, "agent")}</span>
      </header>
      <HealthBar sums={found} />
      {agents.length <= MOST_DOTS ? <Dots agents={agents} /> : null}
      <dl class="cell-figures">
        <div><dt>tasks/min</dt><dd>{number(found.tasksPerMinute)}</dd></div>
        <div><dt>errors</dt><dd>{percent(found.errorRate)}</dd></div>
        <div><dt>p95</dt><dd>{milliseconds(p95)}</dd></div>
        <div><dt>$/hour</dt><dd>{dollars(found.costPerHour)}</dd></div>
        <div><dt>tokens/min</dt><dd>{number(found.tokensPerMinute)}</dd></div>
        <div><dt>queue</dt><dd>{number(found.queueDepth)}</dd></div>
      </dl>
      <Troubled agents={agents} />
    </section>
  );
}

export function HealthBar({ sums: { health } }: { sums: Sums }): JSX.Element {
  const there = HEALTH.filter((status) => health[status]);
  return (
    <>
      <Stack parts={there.map((status) => ({ word: status, health: status, count: health[status] }))} label={there.map((status) => `${health[status]} ${status}`).join(", ") || "no agents"} />
      <p class="cell-health">{there.map((status) => <span key={status} data-health={status}><span class="symbol" aria-hidden="true">{SYMBOL[status]}</span> {health[status]} {status}</span>)}</p>
    </>
  );
}

function Dots({ agents }: { agents: readonly Agent[] }): JSX.Element {
  const sorted = [...agents].sort((a, b) => HEALTH.indexOf(a.status) - HEALTH.indexOf(b.status));
  return (
    <span class="dots" aria-hidden="true">
      {sorted.map((agent) => <span key={agent.id} data-health={agent.status} title={`${agent.name}: ${agent.reason}`}>{SYMBOL[agent.status]}</span>)}
    </span>
  );
}

function Troubled({ agents }: { agents: readonly Agent[] }): JSX.Element | null {
  const found = ["red", "yellow"].flatMap((status) => agents.filter((agent) => agent.status === status));
  if (!found.length) return null;
  return (
    <ul class="troubled">
      {found.slice(0, NAMED).map((agent) => <li key={agent.id} data-health={agent.status}><span class="symbol" aria-hidden="true">{SYMBOL[agent.status]}</span><span class="unseen">{agent.status}: </span> <a href={href("agents", [agent.id])}>{agent.name}</a> {agent.reason}</li>)}
      {found.length > NAMED ? <li class="soft">and {found.length - NAMED} more</li> : null}
    </ul>
  );
}
