// The card with all that is known of one agent, beside its tile.

import type { JSX } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";
import type { Agent } from "../lib/fleet.ts";
import { MISSING, SYMBOL, dollars, milliseconds, number, percent, since } from "../lib/format.ts";
import { href } from "../lib/route.ts";

const MARGIN = 8;

export function Card({ agent, pinned, now }: { agent: Agent; pinned: boolean; now: number }): JSX.Element {
  const node = useRef<HTMLElement>(null);
  useLayoutEffect(() => {
    const tile = document.querySelector(`.tile[data-agent="${CSS.escape(agent.id)}"]`)?.getBoundingClientRect();
    const card = node.current;
    if (!tile || !card) return;
    const { height, width } = card.getBoundingClientRect();
    const below = tile.bottom + MARGIN + height <= innerHeight;
    card.style.setProperty("--top", `${Math.max(MARGIN, below ? tile.bottom + MARGIN : tile.top - MARGIN - height)}px`);
    card.style.setProperty("--left", `${Math.max(MARGIN, Math.min(tile.left, innerWidth - width - MARGIN))}px`);
  }, [agent.id, pinned]);
  return (
    <aside id="details" ref={node} data-health={agent.status} data-pinned={pinned ? "" : undefined} aria-live="off">
      <h3><span class="symbol">{SYMBOL[agent.status]}</span> {agent.name}</h3>
      <p class="why">{agent.reason} · {agent.status} for {since(agent.since, now)}</p>
      <dl>{rowsOf(agent, now).filter(([, value]) => value).map(([label, value]) => <><dt>{label}</dt><dd>{value}</dd></>)}</dl>
      {pinned ? <p class="more"><a href={href("agents", [agent.id])}>All of this agent</a></p> : null}
    </aside>
  );
}

function rowsOf(agent: Agent, now: number): [string, string | null][] {
  const pairs = (map: Record<string, string>): string => Object.entries(map).map(([key, value]) => `${key}=${value}`).join("  ");
  return [
    ["Id", agent.id === agent.name ? "" : agent.id],
    ["Last seen", agent.lastSeen == null ? "never" : `${since(agent.lastSeen, now)} ago`],
    ["Tasks/min", number(agent.tasksPerMinute)],
    ["Error rate", percent(agent.errorRate)],
    ["Latency", agent.p95 == null ? MISSING : `p50 ${milliseconds(agent.p50)}, p95 ${milliseconds(agent.p95)}, p99 ${milliseconds(agent.p99)}`],
    ["Tokens/min", number(agent.tokensPerMinute)],
    ["Cost/h", dollars(agent.costPerHour)],
    ["Queue", agent.queueDepth == null ? "" : number(agent.queueDepth)],
    ["Tags", pairs(agent.tags)],
    ["Owner", agent.owner],
    ["Model", agent.model],
    ["Host", agent.host],
    ["Versions", pairs(agent.versions)],
    ["Shadow", agent.shadow],
  ];
}
