// What groups did: arrivals, times, load and waiting, hour by hour; and what slow tasks have in common.

import type { JSX } from "preact";
import { useMemo } from "preact/hooks";
import { number, percent } from "../lib/format.ts";
import { useLive } from "../lib/live.ts";
import type { Range } from "../lib/range.ts";
import { filter, route, show } from "../lib/route.ts";
import { ByField, groupName } from "../ui/by.tsx";
import { Badge, Panel } from "../ui/basics.tsx";
import { Chart } from "../ui/chart.tsx";
import { Loaded, State } from "../ui/states.tsx";
import { type Column, Table } from "../ui/table.tsx";
import { rate, seconds } from "./capacity-figures.tsx";

interface Track {
  tags: Record<string, string>;
  agents: number;
  tasks: number;
  errors: number;
  arrivals: number;
  arrivalRate: number;
  service: { tasks: number; mean: number; p50: number; p95: number; p99: number; spread: number; tail: { heavy: boolean } | null } | null;
  concurrency: number | null;
  workers: number | null;
  utilization: number | null;
  utilizationSource: "workers" | "tasks" | null;
  queueDepth: number | null;
  wait: { mean: number; p95: number | null; source: string } | null;
  bands: { start: string; p50: number | null; p95: number | null; p99: number | null }[] | null;
}

interface Tracker {
  start: string;
  end: string;
  groups: Track[];
  leftOut: number;
  slow: { tier: string | null; factor: string; value: string; tasks: number; slow: number; threshold: number; times: number; text: string }[];
  notes: string[];
}

const EVERY_MS = 60_000;

export function CapacityTracker({ range }: { range: Range }): JSX.Element {
  const { tags, by: grouped } = filter.value;
  const by = route.value.query.group ?? (grouped || "tier");
  return (
    <>
      <div class="bar parts"><ByField value={by} offered={["tier", "model", "agent", "host"]} onChoose={(group) => show({ group, of: undefined })} /></div>
      <Groups key={by} tags={tags} by={by} range={range} />
    </>
  );
}

// With `by` as its key: what was grouped otherwise is not kept.
function Groups({ tags, by, range }: { tags: string; by: string; range: Range }): JSX.Element {
  const found = useLive<Tracker>("api/tracker", { tags, by, bands: true, ...range.query }, { every: EVERY_MS, keep: true });
  return <Loaded live={found} what="the tracker">{(tracker) => <Tracked found={tracker} by={by} range={range} />}</Loaded>;
}

function Tracked({ found, by, range }: { found: Tracker; by: string; range: Range }): JSX.Element {
  if (!found.groups.length) return <State symbol="○" title="No task in these hours" text="The hour under way does not count. Choose a longer time, or another filter." />;
  const name = (one: Track): string => groupName(one.tags, by);
  const chosen = found.groups.find((one) => name(one) === route.value.query.of) ?? found.groups[0] as Track;
  return (
    <>
      {found.notes.map((note) => <p key={note} class="notice">{note}</p>)}
      <Panel title={`By ${by || "nothing"}`} aside={found.leftOut ? <span class="soft">{number(found.leftOut)} more are left out</span> : null}>
        <Table label="What groups did" columns={columnsOf(by, chosen)} rows={found.groups} id={name} sorted={route.value.query.sort ?? "-rate"} onSort={(sort) => show({ sort })} />
      </Panel>
      <Panel title={`Time of a task: ${name(chosen)}`}><Bands of={chosen} range={range} /></Panel>
      <Panel title="What slow tasks have in common">
        <Table label="What slow tasks have in common" rows={found.slow} id={(one) => `${one.tier} ${one.factor} ${one.value}`} empty="No model or host is slow more often than the others." columns={[
          { key: "value", label: "Model or host", render: (one) => `${one.factor} ${one.value}`, sort: (one) => one.value },
          { key: "tier", label: "Tier", render: (one) => one.tier ?? "none", sort: (one) => one.tier },
          { key: "slow", label: "Slow tasks", render: (one) => `${number(one.slow)} of ${number(one.tasks)}`, sort: (one) => one.slow, numeric: true },
          { key: "times", label: "As often as others", render: (one) => `${number(one.times)} ×`, sort: (one) => one.times, numeric: true },
          { key: "threshold", label: "Slow is beyond", render: (one) => seconds(one.threshold), sort: (one) => one.threshold, numeric: true, minor: true },
          { key: "text", label: "In words", render: (one) => one.text, minor: true },
        ]} />
      </Panel>
    </>
  );
}

function columnsOf(by: string, chosen: Track): Column<Track>[] {
  const name = (one: Track): string => groupName(one.tags, by);
  return [
    { key: "group", label: by || "Group", render: (one) => <button type="button" class="chip" aria-pressed={one === chosen} onClick={() => show({ of: name(one) })}>{name(one)}</button>, sort: name },
    { key: "rate", label: "λ arrivals", render: (one) => rate(one.arrivalRate), sort: (one) => one.arrivalRate, numeric: true },
    { key: "mean", label: "s mean", render: (one) => seconds(one.service?.mean), sort: (one) => one.service?.mean, numeric: true },
    { key: "p95", label: "s p95", render: (one) => seconds(one.service?.p95), sort: (one) => one.service?.p95, numeric: true },
    { key: "use", label: "U busy", render: (one) => <span title={one.utilizationSource === "tasks" ? "from the time of tasks" : "from reported workers"}>{percent(one.utilization)}</span>, sort: (one) => one.utilization, numeric: true },
    { key: "at-a-time", label: "Under way", render: (one) => number(one.concurrency), sort: (one) => one.concurrency, numeric: true, minor: true },
    { key: "queue", label: "Queue", render: (one) => number(one.queueDepth), sort: (one) => one.queueDepth, numeric: true, minor: true },
    { key: "wait", label: "Wait", render: (one) => <span title={one.wait ? `from ${one.wait.source}` : ""}>{seconds(one.wait?.mean)}</span>, sort: (one) => one.wait?.mean, numeric: true, minor: true },
    { key: "tasks", label: "Tasks", render: (one) => number(one.tasks), sort: (one) => one.tasks, numeric: true, minor: true },
    { key: "errors", label: "Errors", render: (one) => percent(one.tasks ? one.errors / one.tasks : null), sort: (one) => (one.tasks ? one.errors / one.tasks : null), numeric: true, minor: true },
    { key: "agents", label: "Agents", render: (one) => number(one.agents), sort: (one) => one.agents, numeric: true, minor: true },
    { key: "tail", label: "Tail", render: (one) => (one.service?.tail?.heavy ? <Badge tone="warn">heavy</Badge> : ""), minor: true },
  ];
}

function Bands({ of, range }: { of: Track; range: Range }): JSX.Element {
  const bands = of.bands;
  const times = useMemo(() => bands?.map((band) => Date.parse(band.start)) ?? [], [bands]);
  const lines = useMemo(() => (["p50", "p95", "p99"] as const).map((name, index) => ({
    name, points: bands?.map((band) => (band[name] === null ? null : (band[name] as number) * 1000)) ?? [], color: ([1, 2, 4] as const)[index] ?? 1,
  })), [bands]);
  if (bands === null) return <p class="nothing">Percentiles are kept of the 50 busiest groups.</p>;
  return <Chart title="p50, p95 and p99" unit="ms" times={times} lines={lines} band onZoom={range.zoom} onUnzoom={() => range.choose("24h")} note="hour by hour" />;
}
