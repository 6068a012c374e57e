// The fleet as tiles: one button an agent, as large as the window allows; a card tells all of the one under pointer or focus.

import { Component, type JSX, type TargetedKeyboardEvent } from "preact";
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import type { Agent } from "../lib/fleet.ts";
import { HEALTH, SYMBOL, milliseconds, number, since } from "../lib/format.ts";
import { Card } from "./fleet-card.tsx";
import { neighbour } from "./fleet-keys.ts";
import { type Compare, ORDERS, type OrderName, byText } from "./fleet-order.tsx";

// Tile sizes, largest first: [name, least width, height] in px at a root font of 15 px; the same as in style.css, which has them in rem.
const SIZES = [["large", 168, 74], ["medium", 104, 44], ["small", 52, 34], ["dot", 18, 18]] as const;
const ROOT_FONT = 15;
const GAP = 4;
const GROUP_HEAD = 34;

type Group = readonly [value: string, members: readonly Agent[]];

// The largest size at which all groups fit a place of this width and height, at a root font of 15 px.
export function sizeFor(counts: readonly number[], width: number, height: number, grouped: boolean): string {
  const fits = ([, tileWidth, tileHeight]: (typeof SIZES)[number]): boolean => {
    const columns = Math.max(1, Math.floor((width + GAP) / (tileWidth + GAP)));
    const rows = counts.reduce((sum, count) => sum + Math.ceil(count / columns), 0);
    return rows * (tileHeight + GAP) + (grouped ? counts.length * GROUP_HEAD : 0) <= height;
  };
  return (SIZES.find(fits) ?? SIZES[3])[0];
}

// Agents by the value of a tag, groups by name; one group without a name when no tag is given.
export function grouped(agents: readonly Agent[], by: string, compare: Compare): Group[] {
  const groups = new Map<string, Agent[]>();
  for (const agent of agents) {
    const value = Object.hasOwn(agent.tags, by) ? (agent.tags[by] as string) : "";
    const members = groups.get(value);
    members ? members.push(agent) : groups.set(value, [agent]);
  }
  for (const members of groups.values()) members.sort(compare);
  return [...groups].sort(([a], [b]) => Number(a === "") - Number(b === "") || byText(a, b));
}

export function Tiles({ agents, by, now, order }: { agents: readonly Agent[]; by: string; now: number; order: OrderName }): JSX.Element {
  const root = useRef<HTMLDivElement>(null);
  const groups = useMemo(() => grouped(agents, by, ORDERS[order][1]), [agents, by, order]);
  const size = useSize(root, groups, Boolean(by));
  const [stop, setStop] = useState<string | null>(null);
  const [hovered, setHovered] = useState<string | null>(null);
  const [pinned, setPinned] = useState<string | null>(null);
  const first = groups[0]?.[1][0]?.id ?? null;
  const tabStop = agents.some((agent) => agent.id === stop) ? stop : first;
  const shown = agents.find((agent) => agent.id === (pinned ?? hovered)) ?? null;
  useClosing(root, pinned !== null, () => { setPinned(null); setHovered(null); });
  const idOf = (event: Event): string | null => (event.target as Element).closest<HTMLElement>(".tile")?.dataset.agent ?? null;
  return (
    <>
      <p id="hint" class="unseen">Arrow keys move between agents, Enter keeps the details open, Escape closes them.</p>
      <div id="groups" ref={root} data-size={size} aria-describedby="hint"
        onPointerOver={(event) => { if (event.pointerType === "mouse") setHovered(idOf(event)); }} onPointerLeave={() => setHovered(null)}
        onFocusIn={(event) => {
          const id = idOf(event);
          setStop(id);
          if ((event.target as Element).matches(":focus-visible")) setHovered(id);
        }}
        onFocusOut={() => setHovered(null)} onKeyDown={move}
        onClick={(event) => { const id = idOf(event); if (id) setPinned(pinned === id ? null : id); }}>
        {groups.map(([value, members]) => (
          <section key={value} class="group">
            {by ? <h3>{`${value ? `${by}=${value}` : `no ${by}`} · ${summaryOf(members)}`}</h3> : null}
            <div class="grid" role="list">
              {members.map((agent) => <Tile key={agent.id} agent={agent} stop={agent.id === tabStop} label={`${agent.name}, ${agent.status}: ${agent.reason}, since ${since(agent.since, now)}`} />)}
            </div>
          </section>
        ))}
      </div>
      {shown ? <Card agent={shown} pinned={pinned !== null} now={now} /> : null}
    </>
  );
}

interface TileProps {
  agent: Agent;
  stop: boolean;
  label: string;
}

// Drawn anew only when its agent changed. A class, for `memo` comes with React's other ways of events, which all inputs would get.
class Tile extends Component<TileProps> {
  override shouldComponentUpdate(next: TileProps): boolean {
    return next.agent !== this.props.agent || next.stop !== this.props.stop || next.label !== this.props.label;
  }

  override render({ agent, stop, label }: TileProps): JSX.Element {
    const busy = agent.status === "green" && agent.tasksPerMinute != null;
    return (
      <div class="tile" role="listitem" data-agent={agent.id} data-health={agent.status}>
        <button type="button" tabIndex={stop ? 0 : -1} aria-label={label}>
          <span class="symbol" aria-hidden="true">{SYMBOL[agent.status]}</span>
          <span class="name" aria-hidden="true">{agent.name}</span>
          <span class="figures" aria-hidden="true">{busy ? `${number(agent.tasksPerMinute)}/min · p95 ${milliseconds(agent.p95)}` : agent.reason}</span>
        </button>
      </div>
    );
  }
}

function summaryOf(members: readonly Agent[]): string {
  const counts = HEALTH.map((status) => [status, members.filter((agent) => agent.status === status).length] as const);
  return counts.filter(([, count]) => count).map(([status, count]) => `${SYMBOL[status]} ${count}`).join("  ");
}

function useSize(root: { current: HTMLElement | null }, groups: readonly Group[], heads: boolean): string {
  const [size, setSize] = useState("large");
  const counts = groups.map(([, members]) => members.length);
  const key = counts.join();
  useLayoutEffect(() => {
    const fit = (): void => {
      if (!root.current) return;
      const top = root.current.getBoundingClientRect().top + scrollY;
      const scale = parseFloat(getComputedStyle(document.documentElement).fontSize) / ROOT_FONT;
      setSize(sizeFor(counts, root.current.clientWidth / scale, Math.max(240, innerHeight - top - 16) / scale, heads));
    };
    const soon = (): void => { requestAnimationFrame(fit); };
    fit();
    addEventListener("resize", soon);
    return () => removeEventListener("resize", soon);
  }, [key, heads]);
  return size;
}

// Escape, and a click elsewhere, close the card.
function useClosing(root: { current: HTMLElement | null }, open: boolean, close: () => void): void {
  useEffect(() => {
    const key = (event: KeyboardEvent): void => { if (event.key === "Escape") close(); };
    const click = (event: MouseEvent): void => {
      const target = event.target as Element;
      if (open && !target.closest("#details") && !root.current?.contains(target)) close();
    };
    document.addEventListener("keydown", key);
    document.addEventListener("click", click);
    return () => {
      document.removeEventListener("keydown", key);
      document.removeEventListener("click", click);
    };
  }, [open]);
}

// Arrow keys by geometry, because rows differ with the width of the window.
function move(event: TargetedKeyboardEvent<HTMLDivElement>): void {
  const from = (event.target as Element).closest<HTMLElement>(".tile");
  if (!from) return;
  const all = [...event.currentTarget.querySelectorAll<HTMLElement>(".tile")];
  const to = neighbour(all, all.indexOf(from), event.key);
  if (!to) return;
  event.preventDefault();
  to.querySelector("button")?.focus();
  to.scrollIntoView({ block: "nearest" });
}
