// What scaling answers with, and how its parts are shown.

import type { JSX } from "preact";
import { type Maybe, MISSING, dollars, milliseconds, number, percent } from "../lib/format.ts";
import { Badge, type Tone } from "../ui/basics.tsx";

export interface Signal {
  signal: "queue" | "latency" | "saturation" | "rate_limited" | "cost";
  zone: "high" | "middle" | "low" | "silent" | "unreadable";
  since: string;
  value: number | null;
  baseline: number | null;
  level: number | null;
  vote: "up" | "down" | "none";
  reason: string;
}

export interface Group {
  group: string;
  tags: string;
  stale: boolean;
  asOf: string | null;
  decided: string | null;
  desired: number | null;
  current: number | null;
  wanted: number | null;
  min: number | null;
  max: number | null;
  action: "grow" | "shrink" | "hold" | null;
  changed: string | null;
  reason: string;
  limits: string[];
  signals: Signal[];
  paging: string[];
  target: { asg: string; capacity: number; done: string | null; error: string | null } | null;
}

export interface Decision {
  time: string;
  action: "grow" | "shrink" | "hold";
  before: number;
  desired: number;
  current: number;
  wanted: number;
  reason: string;
  limits: string[];
  told: { signal: string; began: boolean; since: string; text: string }[];
  signals: Signal[];
}

const ACTIONS: Record<string, [Tone, string]> = { grow: ["info", "↑ grow"], shrink: ["info", "↓ shrink"], hold: ["good", "hold"] };
const ZONES: Record<Signal["zone"], [Tone, string]> = { high: ["bad", "high"], middle: ["good", "in between"], low: ["info", "low"], silent: ["idle", "silent"], unreadable: ["warn", "unreadable"] };

export const signalName = (name: string): string => name.replace("_", " ");

export function Doing({ group }: { group: Group }): JSX.Element {
  if (group.stale) return <Badge tone="warn" title="Autoscalers are answered 503 and keep what they have.">nothing known now</Badge>;
  const [tone, word] = ACTIONS[group.action ?? "hold"] ?? ["idle", group.action ?? MISSING];
  return <Badge tone={tone} title={group.reason}>{word}</Badge>;
}

export function ActionBadge({ action }: { action: string }): JSX.Element {
  const [tone, word] = ACTIONS[action] ?? ["idle", action];
  return <Badge tone={tone}>{word}</Badge>;
}

export function SignalBadge({ signal, named = false }: { signal: Signal; named?: boolean }): JSX.Element {
  const [tone, word] = ZONES[signal.zone] ?? ["idle", signal.zone];
  return <Badge tone={tone} title={signal.reason}>{named ? `${signalName(signal.signal)} ` : ""}{word}</Badge>;
}

// What is measured, in its unit.
export function valueOf(name: string, value: Maybe): string {
  if (value == null) return MISSING;
  switch (name) {
    case "queue": return `${number(value)} waiting`;
    case "latency": return milliseconds(value);
    case "saturation": return percent(value);
    case "rate_limited": return `${number(value)}/min`;
    case "cost": return `${dollars(value)}/h`;
    default: return number(value);
  }
}

// What thresholds are compared with.
export function levelOf(name: string, level: Maybe): string {
  if (level == null) return MISSING;
  switch (name) {
    case "queue": return `${number(level)} an agent`;
    case "saturation": return percent(level);
    case "rate_limited": return `${number(level)}/min`;
    default: return `${number(level)} × usual`;
  }
}
