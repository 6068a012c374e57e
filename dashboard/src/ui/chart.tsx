// A chart over time: uPlot, loaded when the first chart is drawn. Drag to zoom, double click to go back.

import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type uPlot from "uplot";
import { type Maybe, type Unit, figure, moment, utc } from "../lib/format.ts";

export interface ChartLine {
  name: string;
  points: readonly Maybe[];
  // Names a colour of the scheme: 1 to 6, or what it stands for.
  color?: 1 | 2 | 3 | 4 | 5 | 6 | "red" | "yellow" | "green" | "grey";
  dashed?: boolean;
}

export interface Mark {
  at: number; // ms
  label: string;
}

// A stretch of time that is shaded; null goes on.
export interface Shade {
  start: number; // ms
  end: number | null;
  color: "red" | "yellow" | "info" | "grey";
}

export interface ChartProps {
  title: string;
  unit: Unit;
  times: readonly number[]; // ms, ascending
  lines: readonly ChartLine[];
  // Fills the room between the first and the last line: percentiles.
  band?: boolean;
  bars?: boolean;
  marks?: readonly Mark[];
  shades?: readonly Shade[];
  height?: number;
  // A range was chosen by dragging (ms).
  onZoom?: (start: number, end: number) => void;
  onUnzoom?: () => void;
  note?: string;
  // The answer is still to come: not the same as none.
  waiting?: boolean;
}

export function Chart(props: ChartProps): JSX.Element {
  const { title, times, lines, note, height = 180 } = props;
  const place = useRef<HTMLDivElement>(null);
  const drawn = useRef<{ plot: uPlot; shape: string } | null>(null);
  const latest = useRef(props);
  latest.current = props;
  const [under, setUnder] = useState<number | null>(null);
  const empty = !lines.some((line) => line.points.some((value) => value != null));
  const shape = JSON.stringify([lines.map((line) => [line.name, line.color, line.dashed]), props.unit, props.band, props.bars, height, empty]);
  useEffect(() => {
    if (empty || !place.current) return;
    let gone = false;
    void import("./plot.ts").then(({ draw }) => {
      if (gone || !place.current) return;
      const data = [times.map((ms) => ms / 1000), ...lines.map((line) => line.points.map((value) => value ?? null))] as unknown as uPlot.AlignedData;
      if (drawn.current?.shape === shape) return drawn.current.plot.setData(data);
      drawn.current?.plot.destroy();
      drawn.current = { shape, plot: draw(place.current, latest, data, setUnder) };
    });
    return () => { gone = true; };
  }, [times, lines, shape, props.marks, props.shades]);
  useEffect(() => () => drawn.current?.plot.destroy(), []);
  const at = under ?? null;
  return (
    <figure class="chart" role="group" aria-label={`${title}: ${describe(props)}`}>
      <figcaption><b>{title}</b>{note ? <span class="soft"> {note}</span> : null}</figcaption>
      {empty ? <p class="nothing">{props.waiting ? "Asking the API…" : "No data in this range."}</p> : <div class="plot" ref={place} aria-hidden="true" />}
      {empty ? null : (
        <p class="legend">
          {lines.map((line, index) => (
            <span key={line.name} class="key"><i data-color={line.color ?? (index % 6) + 1} data-dashed={line.dashed} /> {line.name} <b>{figure(line.points[at ?? lastIndex(line.points)], props.unit)}</b></span>
          ))}
          <span class="soft when">{at === null ? "" : <time title={utc(times[at] as number)}>{moment(times[at] as number)}</time>}</span>
        </p>
      )}
    </figure>
  );
}

function lastIndex(points: readonly Maybe[]): number {
  for (let index = points.length - 1; index >= 0; index--) if (points[index] != null) return index;
  return 0;
}

// What a chart shows, for whoever does not see it.
function describe({ lines, unit }: ChartProps): string {
  return lines.map((line) => {
    const known = line.points.filter((value): value is number => value != null);
    return known.length ? `${line.name} between ${figure(Math.min(...known), unit)} and ${figure(Math.max(...known), unit)}, last ${figure(known.at(-1), unit)}` : `${line.name} without data`;
  }).join("; ");
}
