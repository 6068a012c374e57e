// The picture of a replay: what was measured of one series against its threshold, shaded where it fired; below it all series that fired.

import type { JSX } from "preact";
import { useMemo, useState } from "preact/hooks";
import { seriesText } from "../lib/alerts.ts";
import { type Unit, duration, figure, plural, time } from "../lib/format.ts";
import { Chart, type Shade } from "../ui/chart.tsx";
import { type Bar, type Lane, Lanes } from "../ui/lanes.tsx";
import type { RuleDocument } from "./rules-store.ts";
import type { Backtest, Episode } from "./rules-trial.ts";

export function RulePicture({ found, document }: { found: Backtest; document: RuleDocument }): JSX.Element {
  const lines = found.picture?.lines ?? [];
  const [wanted, setWanted] = useState("");
  const line = lines.find((one) => seriesText(one.series) === wanted) ?? lines[0];
  const unit = useMemo(() => unitOf(document), [document]);
  const lanes = useMemo(() => lines.map((one): Lane => {
    const label = seriesText(one.series);
    return { id: label, label, bars: found.episodes.filter((episode) => seriesText(episode.series) === label).map((episode) => barOf(episode, unit)) };
  }), [found]);
  const drawn = useMemo(() => (line ? { times: line.points.map(([at]) => at), values: line.points.map(([, value]) => value), bounds: line.points.map(([, , bound]) => bound) } : null), [line]);
  if (!line || !drawn) return <p class="nothing">Nothing that it measures was reported in this time.</p>;
  const label = seriesText(line.series);
  const [start, end] = [time(found.start) ?? 0, time(found.end) ?? 0];
  return (
    <>
      <RuleChart title={label} {...drawn} unit={unit} shades={shadesOf(found.episodes, label)} note={`each point the value nearest to firing within ${duration(found.picture?.step ?? 0)}`} />
      <Lanes label={`When each of ${plural(lanes.length, "series", "series")} would have fired`} start={start} end={end} lanes={lanes} {...(lanes.length > 1 ? { chosen: label, onChoose: setWanted } : {})} />
      {(time(found.minutesFrom) ?? 0) > start ? <p class="soft">Before the last 3 days only hours are stored: times there are true to the hour.</p> : null}
    </>
  );
}

interface ChartOf {
  title: string;
  times: number[];
  values: (number | null)[];
  bounds: (number | null)[];
  unit: Unit;
  shades: readonly Shade[];
  note: string;
}

function RuleChart({ title, times, values, bounds, unit, shades, note }: ChartOf): JSX.Element {
  const known = bounds.some((bound) => bound !== null);
  const lines = [{ name: "measured", points: values, color: 1 as const }, ...(known ? [{ name: "threshold", points: bounds, color: "red" as const, dashed: true }] : [])];
  return <Chart title={title} unit={unit} times={times} lines={lines} shades={shades} note={note} height={200} />;
}

const COLORS: Record<string, Shade["color"]> = { critical: "red", warning: "yellow", info: "info" };

const shadesOf = (episodes: readonly Episode[], label: string): Shade[] =>
  episodes.filter((one) => seriesText(one.series) === label).map((one) => ({ start: time(one.fired) ?? 0, end: time(one.resolved), color: COLORS[one.severity] ?? "grey" }));

function barOf(one: Episode, unit: Unit): Bar {
  const [start, end] = [time(one.fired) ?? 0, time(one.resolved)];
  return { start, end, tone: one.severity as Bar["tone"], title: `${end === null ? "fires still" : `fired for ${duration((end - start) / 1000)}`}, ${figure(one.value, unit)}: ${one.reason}` };
}

// By what is measured; a rule does not tell.
function unitOf(document: RuleDocument): Unit {
  const when = (document.when ?? {}) as Record<string, unknown>;
  const name = String(when.metric ?? when.budget ?? "");
  if ("budget" in when || name === "task.error_rate" || when.change === "relative") return "fraction";
  if (when.aggregation === "count" || "divided_by" in when) return "count";
  return /_ms$/.test(name) ? "ms" : /usd/.test(name) ? "usd" : /_s$/.test(name) ? "seconds" : /bytes/.test(name) ? "bytes" : "count";
}
