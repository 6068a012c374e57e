// The planner's figures of one tier, and how they are written.

import type { JSX } from "preact";
import { type Maybe, number, plural } from "../lib/format.ts";
import { Badge } from "../ui/basics.tsx";

export interface Wait {
  probability: number;
  mean_s: number;
  p95_s: number;
}

// As the planner names its figures, on the command line too.
export interface TierPlan {
  tags: Record<string, string>;
  agents: number | null;
  with_headroom: number | null;
  exact: number | null;
  wanted: number | null;
  arrival_rate: number | null;
  service_time: number | null;
  utilization: number | null;
  headroom: number | null;
  concurrency: number | null;
  load: number | null;
  wait: Wait | null;
  wait_with_headroom: Wait | null;
  intervals: { agents: [number, number]; with_headroom: [number, number]; arrival_rate: [number, number]; service_time: [number, number] } | null;
  tail: { index: number | null; low: number | null; high: number | null; tasks: number; heavy: boolean } | null;
  bursts: { index: number; limit: number; minutes: number; bursty: boolean } | null;
  ceiling: { limit: string; quantity: string; amount: number; used: number; arrival_rate: number } | null;
  limited: boolean;
  current: number | null;
  change: number | null;
  usd_per_month: number | null;
  reasons: string[];
}

const fine = new Intl.NumberFormat("en", { maximumSignificantDigits: 3 });

export const rate = (value: Maybe): string => (value == null ? number(null) : `${fine.format(value)}/s`);
export const seconds = (value: Maybe): string => (value == null ? number(null) : `${fine.format(value)} s`);
export const tierName = (tags: Record<string, string>): string => Object.values(tags).join(" · ") || "without a tier";
export const signed = (value: Maybe): string => (value == null ? number(null) : value > 0 ? `+${number(value)}` : value < 0 ? `−${number(-value)}` : "±0");
export const agents = (count: number): string => plural(count, "agent");

export function Corrections({ tier }: { tier: TierPlan }): JSX.Element | null {
  const found = [
    tier.limited ? <Badge key="limited" tone="bad" title="More agents change nothing: the provider's limit holds.">limited by {tier.ceiling?.limit ?? "a provider"}</Badge> : null,
    tier.tail?.heavy ? <Badge key="tail" tone="warn" title="The 95th percentile stands in the place of the mean.">heavy tail</Badge> : null,
    tier.bursts?.bursty ? <Badge key="bursts" tone="warn" title="The utilisation is lowered by 0.1.">bursts</Badge> : null,
  ].filter(Boolean);
  return found.length ? <span class="tags">{found}</span> : null;
}
