// The fleet as most views need it: asked for once, by the frame, whatever views are open.

import { signal } from "@preact/signals";
import type { ApiError } from "./api.ts";
import { type Health, time } from "./format.ts";

export interface Agent {
  id: string;
  name: string;
  tags: Record<string, string>;
  status: Health;
  reason: string;
  since: number | null;
  lastSeen: number | null;
  owner: string | null;
  model: string | null;
  host: string | null;
  versions: Record<string, string>;
  shadow: string | null;
  retired?: boolean;
  tasksPerMinute: number | null;
  errorRate: number | null;
  tokensPerMinute: number | null;
  costPerHour: number | null;
  queueDepth: number | null;
  p50: number | null;
  p95: number | null;
  p99: number | null;
  config?: { desired: string | null; written: string | null; applied: string | null; error: string | null };
  keys?: Record<string, { assigned: string | null; reported: string | null; error: string | null; used: string | null }>;
}

export interface Instance extends Omit<Agent, "status" | "reason" | "since" | "lastSeen" | "p50" | "p95" | "p99"> {
  health: { status: Health; reason: string; since: string | null };
  lastSeen: string | null;
  latency: { p50: number | null; p95: number | null; p99: number | null };
}

export interface Budget {
  group: string;
  budget: string;
  used: number | null;
  limit: number;
  share: number | null;
  forecast: number | null;
  level: "ok" | "warn" | "alert" | "act" | null;
  reason: string;
  agent: string | null;
  act: { does: string; state: string | null; detail: string | null } | null;
}

export interface Totals {
  tasks: number;
  errors: number;
  errorRate: number | null;
  latency: { p50: number | null; p95: number | null; p99: number | null };
  tokensIn: number;
  tokensOut: number;
  costUsd: number | null;
  pricedTasks: number;
}

export interface Figures {
  agents: number;
  health: Record<string, number>;
  tasksPerMinute: number | null;
  errorRate1m: number | null;
  latency: { p50: number | null; p95: number | null; p99: number | null };
  tokensPerMinute: number | null;
  costPerHour: number | null;
  queueDepth: number | null;
  saturation: number | null;
}

export interface Summary extends Figures {
  tiers: Record<string, Figures>;
  window: (Totals & { range: string; start: string; end: string; tiers: Record<string, Totals> }) | null;
  minute: string | null;
  asOf: string | null;
  stale: boolean;
  warnings: string[];
  budgets: Budget[];
}

export const agentOf = ({ health, lastSeen, latency, ...rest }: Instance): Agent => ({
  ...rest, ...latency, status: health.status, reason: health.reason, since: time(health.since), lastSeen: time(lastSeen),
});

// What the frame shows of the connection: the last failure of the fleet's own poll, and how old its figures are.
export const failure = signal<ApiError | null>(null);
export const asOf = signal<number | null>(null);

// Tag keys, and key=value pairs, that agents have: offered for grouping and filtering. Keys with too many values are no help.
export const known = signal<{ keys: string[]; pairs: string[] }>({ keys: [], pairs: [] });

export function knownTags(agents: readonly Agent[], most = 40): { keys: string[]; pairs: string[] } {
  const values = new Map<string, Set<string>>();
  for (const agent of agents) for (const [key, value] of Object.entries(agent.tags)) {
    const found = values.get(key);
    found ? found.add(value) : values.set(key, new Set([value]));
  }
  const keys = [...values.keys()].sort();
  const pairs = keys.flatMap((key) => {
    const found = values.get(key) as Set<string>;
    return found.size > most ? [] : [...found].sort().map((value) => `${key}=${value}`);
  });
  return { keys, pairs };
}
