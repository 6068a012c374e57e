// Alerts and incidents as their views need them: shapes of the API, and what a severity or a series is called.

import type { Tone } from "../ui/basics.tsx";

export type Severity = "info" | "warning" | "critical";
export const SEVERITIES: readonly Severity[] = ["critical", "warning", "info"]; // gravest first
export const SEVERITY_TONES: Record<string, Tone> = { critical: "bad", warning: "warn", info: "info" };

// As a number to sort by, the gravest greatest.
export const gravity = (severity: string): number => SEVERITIES.length - Math.max(0, SEVERITIES.indexOf(severity as Severity));

// `tier=fast, shard=acme`; a group as a whole has no tags of its own.
export const seriesText = (series: Record<string, string>): string => Object.entries(series).map(([key, value]) => `${key}=${value}`).join(", ") || "all together";

// A selector that means exactly these labels. What a selector cannot say (values with its own signs) is left out.
export const matchersOf = (labels: Record<string, string>): string =>
  Object.entries(labels).filter(([, value]) => value !== "" && !/[,=|!]/.test(value)).map(([key, value]) => `${key}=${value}`).join(",");

// Links that rules bring may be anything that was stored: only those of the web are links.
export const webLink = (text: string | null): string | null => (text && /^https?:\/\//i.test(text) ? text : null);

export interface Delivery {
  id: string;
  channel: string;
  incident: string;
  kind: string;
  title: string;
  created: string;
  state: string;
  reason: string;
  attempts: number;
  failures: { at: string; reason: string }[];
  retryAt: string | null;
  ended: string | null;
  reference: string;
}

export const DELIVERY_TONES: Record<string, Tone> = { sent: "good", pending: "info", undelivered: "bad", superseded: "idle" };
