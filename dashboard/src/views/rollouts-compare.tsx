// Canary against control over time, a chart for each metric that the gate looks at.

import type { JSX } from "preact";
import { useMemo } from "preact/hooks";
import { type Maybe, type Unit, moment, plural, time } from "../lib/format.ts";
import { useLive } from "../lib/live.ts";
import { Panel } from "../ui/basics.tsx";
import { Chart, type ChartLine } from "../ui/chart.tsx";
import { Loaded } from "../ui/states.tsx";

interface Side {
  agents: number;
  lookedAt: number;
  tasks: number[];
  errorRate: Maybe[];
  p50: Maybe[];
  p95: Maybe[];
  costPerTask: Maybe[];
  tokensPerTask: Maybe[];
}

interface Comparison {
  wave: number;
  changed: string | null;
  step: number;
  times: number[];
  origin: string;
  canary: Side | null;
  control: Side | null;
}

// The sides are of unequal size: all is by task or by agent.
const CHARTS: readonly (readonly [title: string, unit: Unit, points: (side: Side) => Maybe[]])[] = [
  ["Errors", "fraction", (side) => side.errorRate],
  ["Latency, p95", "ms", (side) => side.p95],
  ["Latency, p50", "ms", (side) => side.p50],
  ["Cost a task", "usd", (side) => side.costPerTask],
  ["Tokens out a task", "tokens", (side) => side.tokensPerTask],
  ["Tasks an agent", "count", (side) => side.tasks.map((tasks) => tasks / side.lookedAt)],
];
const SLOW_MS = 30_000;

export function Compare({ path, wave }: { path: string; wave: number }): JSX.Element {
  const found = useLive<Comparison>(`${path}/comparison`, { wave }, { every: SLOW_MS });
  return (
    <Panel title="Canary against control">
      <Loaded live={found} what="the comparison">
        {(data) => data.changed && data.canary ? <Charts data={data} canary={data.canary} changed={data.changed} /> : <p class="nothing">No agent of this wave has the new configuration yet: there is nothing to compare.</p>}
      </Loaded>
    </Panel>
  );
}

const sizeOf = (side: Side): string => `${plural(side.agents, "agent")}${side.lookedAt < side.agents ? ` (${side.lookedAt} looked at)` : ""}`;

function Charts({ data, canary, changed }: { data: Comparison; canary: Side; changed: string }): JSX.Element {
  const at = time(changed) as number;
  const marks = useMemo(() => [{ at, label: "changed" }], [at]);
  const lines = useMemo(() => CHARTS.map(([, , points]): ChartLine[] => [
    { name: "canary", points: points(canary), color: 2 },
    ...(data.control ? [{ name: "control", points: points(data.control), color: 5 as const, dashed: true }] : []),
  ]), [data]);
  return (
    <>
      <p class="soft">
        Canary: {sizeOf(canary)} of this wave, changed {moment(at)} (the dashed upright line). {data.control ? `Control: ${sizeOf(data.control)}: ${data.origin}.` : "There is no control: no agent like these is left."}
      </p>
      <div class="columns three">
        {CHARTS.map(([title, unit], index) => <Chart key={title} title={title} unit={unit} times={data.times} lines={lines[index] as ChartLine[]} marks={marks} height={150} note={unit === "count" ? `in ${data.step / 60} min` : undefined} />)}
      </div>
    </>
  );
}
