// Draws with uPlot. A file of its own, so that pages without a chart do not load it.

import uPlot from "uplot";
import { type Unit, figure } from "../lib/format.ts";
import type { ChartProps } from "./chart.tsx";

const dark = matchMedia("(prefers-color-scheme: dark)");

// A colour of the scheme that holds: a canvas does not know light-dark().
function css(name: string): string {
  const value = getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const pair = /^light-dark\(([^,]+),\s*([^)]+)\)$/.exec(value);
  return (pair ? pair[dark.matches ? 2 : 1] : value) as string;
}

export const colorOf = (color: string | number | undefined, index: number): string => css(`--${typeof color === "string" ? color : `line-${color ?? (index % 6) + 1}`}`);

export function draw(place: HTMLElement, latest: { current: ChartProps }, data: uPlot.AlignedData, onCursor: (index: number | null) => void): uPlot {
  const props = latest.current;
  const plot = new uPlot(options(place, latest, onCursor), data, place);
  const sized = new ResizeObserver(() => { if (place.clientWidth) plot.setSize({ width: place.clientWidth, height: props.height ?? 180 }); });
  sized.observe(place);
  const redraw = (): void => plot.redraw(false);
  dark.addEventListener("change", redraw);
  const destroy = plot.destroy.bind(plot);
  plot.destroy = () => {
    sized.disconnect();
    dark.removeEventListener("change", redraw);
    destroy();
  };
  return plot;
}

function options(place: HTMLElement, latest: { current: ChartProps }, onCursor: (index: number | null) => void): uPlot.Options {
  const { lines, unit, band, bars, height = 180 } = latest.current;
  const soft = (): string => css("--soft");
  const grid = { stroke: () => css("--line"), width: 1 };
  return {
    width: place.clientWidth || 600,
    height,
    legend: { show: false },
    cursor: { drag: { x: true, y: false, setScale: false }, points: { size: 6 } },
    scales: { y: { range: (_plot, low, high) => rangeOf(low, high, unit) } },
    series: [
      {},
      ...lines.map((line, index): uPlot.Series => ({
        label: line.name,
        stroke: () => colorOf(line.color, index),
        width: 1.5,
        spanGaps: false,
        ...(line.dashed ? { dash: [5, 4] } : {}),
        ...(bars && uPlot.paths.bars ? { paths: uPlot.paths.bars({ size: [0.7, 40] }), fill: () => colorOf(line.color, index) } : {}),
        points: { show: (drawn, of) => !bars && (drawn.data[of]?.length ?? 0) < FEW, filter: (drawn, of, shown) => (shown || bars ? null : alone(drawn.data[of] ?? [])) },
      })),
    ],
    ...(band && lines.length > 1 ? { bands: [{ series: [lines.length, 1], fill: () => `${colorOf(lines[0]?.color, 0)}22` }] } : {}),
    axes: [
      { stroke: soft, grid, ticks: grid, font: FONT, size: 34, incrs: STEPS_S, values: (_plot, splits, _axis, _space, step) => splits.map((second) => tick(second * 1000, step)) },
      { stroke: soft, grid, ticks: grid, font: FONT, size: (_plot, labels) => roomFor(labels), values: (_plot, splits) => splits.map((value) => figure(value, unit)) },
    ],
    hooks: {
      setCursor: [(plot) => onCursor(plot.cursor.idx ?? null)],
      setSelect: [(plot) => {
        const { left, width } = plot.select;
        if (width < 4) return;
        const [start, end] = [plot.posToVal(left, "x"), plot.posToVal(left + width, "x")];
        plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
        latest.current.onZoom?.(start * 1000, end * 1000);
      }],
      ready: [(plot) => plot.over.addEventListener("dblclick", () => latest.current.onUnzoom?.())],
      drawAxes: [(plot) => drawShades(plot, latest.current)],
      draw: [(plot) => drawMarks(plot, latest.current)],
    },
  };
}

const FONT = "12px system-ui, sans-serif";
const LETTER_PX = 7.2;
const FEW = 40; // points that are all marked
const [MINUTE_S, HOUR_S, DAY_S] = [60, 3_600, 86_400];
// Between two times of the axis: they are told by the minute, so none is less.
const STEPS_S = [...[1, 2, 5, 10, 15, 30].map((many) => many * MINUTE_S), ...[1, 2, 3, 4, 6, 8, 12].map((many) => many * HOUR_S), ...[1, 2, 3, 7, 14, 30, 90, 365].map((many) => many * DAY_S)];

// Values that a line does not reach, for there are none beside them: without a mark nobody saw them.
function alone(values: ArrayLike<number | null | undefined>): number[] {
  const found: number[] = [];
  for (let at = 0; at < values.length; at++) if (values[at] != null && values[at - 1] == null && values[at + 1] == null) found.push(at);
  return found;
}

// Room for the longest label beside the plot.
function roomFor(labels: readonly string[] | null): number {
  return 20 + LETTER_PX * Math.max(5, ...(labels ?? []).map((label) => label.length));
}

const HOURS = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const DAYS = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });

// A moment of the axis, in the viewer's zone: the day where one begins or where steps are days, else the time.
function tick(ms: number, step: number): string {
  const at = new Date(ms);
  return step >= DAY_S || (at.getHours() === 0 && at.getMinutes() === 0) ? DAYS.format(at) : HOURS.format(at);
}

function rangeOf(low: number | null, high: number | null, unit: Unit): [number, number] {
  if (low === null || high === null) return [0, 1];
  const most = high === low ? high + (Math.abs(high) || 1) : high;
  const least = Math.min(0, low);
  return [least, unit === "fraction" && most <= 1 && most > 0.95 ? 1 : most * 1.05];
}

// Below the lines.
function drawShades(plot: uPlot, { shades }: ChartProps): void {
  const { ctx, bbox } = plot;
  const [left, right] = [bbox.left, bbox.left + bbox.width];
  ctx.save();
  ctx.globalAlpha = 0.22;
  for (const { start, end, color } of shades ?? []) {
    const from = Math.max(left, plot.valToPos(start / 1000, "x", true));
    const to = end === null ? right : Math.min(right, plot.valToPos(end / 1000, "x", true));
    if (to < left || from > right) continue;
    ctx.fillStyle = css(`--${color}`);
    ctx.fillRect(from, bbox.top, Math.max(2, to - from), bbox.height);
  }
  ctx.restore();
}

function drawMarks(plot: uPlot, { marks }: ChartProps): void {
  const { ctx, bbox } = plot;
  ctx.save();
  ctx.strokeStyle = css("--accent");
  ctx.setLineDash([3, 3]);
  for (const { at } of marks ?? []) {
    const x = plot.valToPos(at / 1000, "x", true);
    if (x < bbox.left || x > bbox.left + bbox.width) continue;
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
  }
  ctx.restore();
}
