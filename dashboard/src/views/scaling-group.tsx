// One group: what was decided and why, how its signals stand, and both over time.

import type { JSX } from "preact";
import { useMemo } from "preact/hooks";
import { number } from "../lib/format.ts";
import { useLive } from "../lib/live.ts";
import { type Range, useRange } from "../lib/range.ts";
import { href, route, show } from "../lib/route.ts";
import { Ago, Badge, Choices, Panel, Stat, Stats, Time } from "../ui/basics.tsx";
import { Chart, type ChartLine, type Mark } from "../ui/chart.tsx";
import { RangeChoice } from "../ui/range.tsx";
import { Loaded } from "../ui/states.tsx";
import { Table } from "../ui/table.tsx";
import { ActionBadge, type Decision, Doing, type Group, type Signal, SignalBadge, levelOf, signalName, valueOf } from "./scaling-figures.tsx";
import { ScalingSimulation } from "./scaling-simulation.tsx";

const EVERY_MS = 30_000;
const FINE_MS = 6 * 3_600_000; // so much is told minute by minute; of longer times what changed
const MOST = 1_000;
const MOST_MARKS = 20; // more hide what they mark

export function ScalingGroup({ group }: { group: Group }): JSX.Element {
  const range = useRange("6h");
  const part = route.value.query.part === "simulate" ? "simulate" : "decisions";
  return (
    <>
      <p class="path"><a href={href("scaling")}>Scaling</a> / {group.group}</p>
      <Panel title={group.group} aside={<><Doing group={group} />{group.tags ? <span class="soft">{group.tags}</span> : null}</>}>
        <p class="why">{group.reason}</p>
        {group.limits.map((one) => <p key={one} class="soft">Held back: {one}</p>)}
        {group.target ? <Target target={group.target} /> : null}
      </Panel>
      <Stats label="The last decision">
        <Stat label="desired" value={number(group.desired)} note={`${number(group.min)} to ${number(group.max)} allowed`} />
        <Stat label="alive" value={number(group.current)} />
        <Stat label="wanted by signals" value={number(group.wanted)} note="before steps, cooldowns and bounds" />
        <Stat label="last change" value={<Ago at={group.changed} />} />
        <Stat label="as of" value={<Ago at={group.asOf} />} {...(group.stale ? { tone: "warn" as const, note: "autoscalers keep what they have" } : {})} />
      </Stats>
      <Signals signals={group.signals} paging={group.paging} />
      <div class="bar parts">
        <Choices label="Part" value={part} options={[{ value: "decisions", label: "Decisions" }, { value: "simulate", label: "Simulate" }]} onChoose={(name) => show({ part: name === "decisions" ? undefined : name })} />
        {part === "decisions" ? <RangeChoice range={range} ranges={["1h", "6h", "24h", "7d", "14d"]} /> : null}
      </div>
      {part === "decisions" ? <Decisions group={group.group} range={range} /> : <ScalingSimulation group={group.group} />}
    </>
  );
}

function Target({ target }: { target: NonNullable<Group["target"]> }): JSX.Element {
  return (
    <p>Auto Scaling group <b>{target.asg}</b>: capacity {number(target.capacity)}{" "}
      {target.error ? <Badge tone="bad">{target.error}</Badge> : target.done ? <Badge tone="good">set <Ago at={target.done} /></Badge> : <Badge tone="idle">waits</Badge>}
    </p>
  );
}

function Signals({ signals, paging }: { signals: readonly Signal[]; paging: readonly string[] }): JSX.Element {
  return (
    <Panel title="Signals">
      <Table label="Signals" rows={signals} id={(one) => one.signal} empty="Nothing is known of the signals now." columns={[
        { key: "signal", label: "Signal", render: (one) => <>{signalName(one.signal)} {paging.includes(one.signal) ? <Badge tone="bad">people were told</Badge> : null}</> },
        { key: "zone", label: "Stands", render: (one) => <SignalBadge signal={one} /> },
        { key: "vote", label: "Asks for", render: (one) => ({ up: "↑ more", down: "↓ fewer", none: "nothing" })[one.vote] ?? one.vote },
        { key: "level", label: "Level", render: (one) => levelOf(one.signal, one.level), numeric: true },
        { key: "value", label: "Measured", render: (one) => valueOf(one.signal, one.value), numeric: true, minor: true },
        { key: "baseline", label: "Usual", render: (one) => valueOf(one.signal, one.baseline), numeric: true, minor: true },
        { key: "since", label: "Since", render: (one) => <Ago at={one.since} suffix="" />, numeric: true, minor: true },
        { key: "reason", label: "Why", render: (one) => one.reason, minor: true, wrap: true },
      ]} />
    </Panel>
  );
}

function Decisions({ group, range }: { group: string; range: Range }): JSX.Element {
  const every = range.length <= FINE_MS;
  const found = useLive<{ decisions: Decision[] }>(`api/scaling/${encodeURIComponent(group)}/history`, { ...range.query, every, limit: MOST }, { every: EVERY_MS, keep: true });
  return <Loaded live={found} what="decisions">{({ decisions }) => <History decisions={decisions} fine={every} range={range} />}</Loaded>;
}

function History({ decisions, fine, range }: { decisions: readonly Decision[]; fine: boolean; range: Range }): JSX.Element {
  const { times, lines } = useMemo(() => counts(decisions), [decisions]);
  const changes = useMemo(() => decisions.filter((one) => one.before !== one.desired || one.told.length), [decisions]);
  const marks = useMemo((): Mark[] => changes.map((one) => ({ at: Date.parse(one.time), label: one.action })), [changes]);
  const zoom = { onZoom: range.zoom, onUnzoom: () => range.choose("6h") };
  return (
    <>
      <Panel><Chart title="Agents" unit="count" times={times} lines={lines} height={220} {...zoom} note={fine ? "" : "at each change"} /></Panel>
      {fine ? <Levels decisions={decisions} marks={marks.length > MOST_MARKS ? [] : marks} zoom={zoom} /> : null}
      <Panel title="Decisions that changed something" aside={decisions.length >= MOST ? <span class="soft">the newest {number(MOST)}</span> : null}>
        <Table label="Decisions" rows={changes} id={(one) => one.time} empty="Nothing changed in this time." columns={[
          { key: "time", label: "At", render: (one) => <Time at={one.time} /> },
          { key: "count", label: "Desired", render: (one) => `${number(one.before)} → ${number(one.desired)}`, numeric: true },
          { key: "action", label: "Decision", render: (one) => <ActionBadge action={one.action} /> },
          { key: "alive", label: "Alive", render: (one) => number(one.current), numeric: true, minor: true },
          { key: "wanted", label: "Wanted", render: (one) => number(one.wanted), numeric: true, minor: true },
          { key: "reason", label: "Why", render: (one) => one.reason, wrap: true },
          { key: "limits", label: "Held back", render: (one) => one.limits.join("; "), minor: true, wrap: true },
          { key: "told", label: "Told", render: (one) => one.told.map((told) => told.text).join("; "), minor: true, wrap: true },
        ]} />
      </Panel>
    </>
  );
}

const LEVELS: readonly { signal: Signal["signal"]; title: string; unit: "count" | "fraction" | "per_minute"; note: string }[] = [
  { signal: "queue", title: "Queue", unit: "count", note: "waiting tasks for each agent" },
  { signal: "latency", title: "Latency", unit: "count", note: "times the usual p95" },
  { signal: "saturation", title: "Saturation", unit: "fraction", note: "active over greatest concurrency" },
  { signal: "rate_limited", title: "Rate limited", unit: "per_minute", note: "429s of providers" },
  { signal: "cost", title: "Cost", unit: "count", note: "times the usual USD an hour" },
];

function Levels({ decisions, marks, zoom }: { decisions: readonly Decision[]; marks: readonly Mark[]; zoom: { onZoom: Range["zoom"]; onUnzoom: () => void } }): JSX.Element {
  const drawn = useMemo(() => LEVELS.map((one) => levels(decisions, one.signal)), [decisions]);
  return (
    <div class="columns">
      {LEVELS.map(({ signal, title, unit, note }, index) => {
        const found = drawn[index] as ReturnType<typeof levels>;
        return found.known ? <Panel key={signal}><Chart title={title} unit={unit} times={found.times} lines={found.lines} marks={marks} height={140} note={note} {...zoom} /></Panel> : null;
      })}
    </div>
  );
}

function levels(decisions: readonly Decision[], signal: Signal["signal"]): { times: number[]; lines: ChartLine[]; known: boolean } {
  const points = [...decisions].reverse().map((one) => one.signals.find((found) => found.signal === signal)?.level ?? null);
  return { times: [...decisions].reverse().map((one) => Date.parse(one.time)), lines: [{ name: "level", points, color: 1 }], known: points.some((level) => level !== null) };
}

// Counts go in steps: just before a change the old one holds.
export function counts(decisions: readonly Decision[]): { times: number[]; lines: ChartLine[] } {
  const steps = [...decisions].reverse().flatMap((one) => {
    const at = Date.parse(one.time);
    const after = { at, desired: one.desired, alive: one.current, wanted: one.wanted };
    return one.before === one.desired ? [after] : [{ at: at - 1, desired: one.before, alive: one.current, wanted: one.wanted }, after];
  });
  return {
    times: steps.map((one) => one.at),
    lines: [
      { name: "desired", points: steps.map((one) => one.desired), color: 1 },
      { name: "alive", points: steps.map((one) => one.alive), color: 2 },
      { name: "wanted", points: steps.map((one) => one.wanted), color: "grey", dashed: true },
    ],
  };
}
