// A chart of one metric of the API, under one or more aggregations: asks, draws, zooms.

import type { JSX } from "preact";
import { useMemo, useRef } from "preact/hooks";
import { type Live, useLive } from "../lib/live.ts";
import type { Maybe, Unit } from "../lib/format.ts";
import type { Range } from "../lib/range.ts";
import { Chart, type ChartLine, type Mark } from "./chart.tsx";

export interface SeriesAnswer {
  start: string;
  step: number; // seconds
  series: { tags: Record<string, string>; points: [number, number | null][] }[];
}

export interface Wanted {
  metric: string;
  aggregation: string;
  name: string;
  color?: ChartLine["color"];
  dashed?: boolean;
}

interface Props {
  title: string;
  unit: Unit;
  wanted: readonly Wanted[];
  tags: string;
  range: Range;
  band?: boolean;
  bars?: boolean;
  marks?: readonly Mark[];
  height?: number;
  // From what the API counts in to what is shown: a rate of a second to one of a minute.
  times?: number;
  note?: string;
}

const SLOW_MS = 30_000;

export function SeriesChart({ title, unit, wanted, tags, range, times: factor = 1, note, ...rest }: Props): JSX.Element {
  // As many questions each time: hooks go by their order.
  const answers = wanted.map((one) => useLive<SeriesAnswer>("api/series", { metric: one.metric, aggregation: one.aggregation, tags, ...range.query }, { every: SLOW_MS, keep: true }));
  const drawn = useRef<Drawn>(NOTHING);
  const { times, lines } = useMemo(() => (alike(answers) ? (drawn.current = joined(wanted, answers, factor)) : drawn.current), [...answers.map((one) => one.data), factor]);
  const waiting = answers.some((one) => one.data === null && !one.error);
  const failed = answers.find((one) => one.error)?.error;
  return <Chart title={title} unit={unit} times={times} lines={lines} onZoom={range.zoom} onUnzoom={() => range.choose(range.name || "24h")} note={failed ? failed.message : note} waiting={waiting} {...rest} />;
}

interface Drawn {
  times: number[];
  lines: ChartLine[];
}

const NOTHING: Drawn = { times: [], lines: [] };

// Whether all lines are there, and of the same time: not some of a range that was chosen before.
function alike(answers: readonly Live<SeriesAnswer>[]): boolean {
  const found = answers.flatMap(({ data, error }) => (data ? [[data.step, Math.round(Date.parse(data.start) / 1000 / data.step)] as const] : error ? [] : [null]));
  return found.every((one) => one !== null && one[0] === found[0]?.[0] && Math.abs(one[1] - (found[0]?.[1] ?? 0)) <= 1);
}

function joined(wanted: readonly Wanted[], answers: readonly Live<SeriesAnswer>[], factor: number): Drawn {
  const found = answers.map((one) => one.data?.series[0]?.points ?? []);
  const times = [...new Set(found.flatMap((points) => points.map(([at]) => at)))].sort((a, b) => a - b);
  const lines = wanted.map(({ name, color, dashed }, index): ChartLine => {
    const values = new Map<number, Maybe>(found[index]);
    const scaled = (value: Maybe): Maybe => (value == null ? value : value * factor);
    return { name, points: times.map((at) => scaled(values.get(at))), ...(color ? { color } : {}), ...(dashed ? { dashed } : {}) };
  });
  return { times, lines };
}
