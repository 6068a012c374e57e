// The range of time that a view shows: `range=24h` back from now, or `start` and `end` (ms) after zooming. In the address, so that links share it.

import type { Query } from "./api.ts";
import { route, show } from "./route.ts";

const LENGTHS: Record<string, number> = { m: 60_000, h: 3_600_000, d: 86_400_000 };
export const RANGES = ["1h", "6h", "24h", "7d", "30d"] as const;

export interface Range {
  query: Query;
  // Empty when it was zoomed into.
  name: string;
  length: number; // ms
  zoom: (start: number, end: number) => void;
  choose: (name: string) => void;
}

export function useRange(usual: string = "24h"): Range {
  const { start, end, range } = route.value.query;
  const choose = (name: string): void => show({ range: name === usual ? undefined : name, start: undefined, end: undefined });
  const zoom = (from: number, to: number): void => {
    // Whole minutes, of which at least two: rollups have no less.
    const first = Math.floor(from / 60_000) * 60_000;
    show({ start: String(first), end: String(Math.max(first + 120_000, Math.ceil(to / 60_000) * 60_000)) });
  };
  if (start && end && Number(end) > Number(start)) {
    return { query: { start: new Date(Number(start)).toISOString(), end: new Date(Number(end)).toISOString() }, name: "", length: Number(end) - Number(start), zoom, choose };
  }
  const name = range && /^[1-9]\d{0,4}[mhd]$/.test(range) ? range : usual;
  return { query: { range: name }, name, length: lengthOf(name), zoom, choose };
}

// What a link carries to show the same range.
export function rangeInAddress(): Record<string, string | undefined> {
  const { start, end, range } = route.value.query;
  return { start, end, range };
}

export const lengthOf = (name: string): number => parseInt(name, 10) * (LENGTHS[name.slice(-1)] ?? 0);
