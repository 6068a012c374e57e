// The fleet's figures against the same hour a week ago.

import type { Summary } from "../lib/fleet.ts";
import { type Maybe, change } from "../lib/format.ts";
import { useLive } from "../lib/live.ts";

export type Compared = "tasks/min" | "error rate" | "p50" | "p95" | "p99" | "tokens/min" | "$/hour";

const HOURLY = { tags: "", range: "1h", ago: "7d" };
const HOUR_MINUTES = 60;
const EVERY_MS = 300_000;

// What each figure was then; empty when nothing is known of that hour.
export function useWeekAgo(tags: string): Partial<Record<Compared, Maybe>> {
  const window = useLive<Summary>("api/dashboard/summary", { ...HOURLY, tags }, { every: EVERY_MS, keep: true }).data?.window;
  if (!window?.tasks) return {};
  const { latency, tasks, errorRate, tokensIn, tokensOut, costUsd } = window;
  return {
    "tasks/min": tasks / HOUR_MINUTES, "error rate": errorRate, ...latency, "tokens/min": tokensIn + tokensOut ? (tokensIn + tokensOut) / HOUR_MINUTES : null, "$/hour": costUsd,
  };
}

// How much more or less it is now, in whole percent; in points for a rate that is a share. Empty when one of them is not known.
export function against(now: Maybe, then: Maybe, share: boolean): string {
  if (now == null || then == null) return "";
  if (share) return change(now - then).replace("%", "points");
  return then > 0 ? change(Math.round((now / then - 1) * 100) / 100) : "";
}
