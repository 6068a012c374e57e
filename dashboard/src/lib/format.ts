// Figures and times for people. Missing is a dash, never zero; every figure has its unit.

export type Health = "red" | "yellow" | "green" | "grey";
export const HEALTH: readonly Health[] = ["red", "yellow", "green", "grey"]; // worst first
export const SYMBOL: Record<Health, string> = { red: "■", yellow: "▲", green: "●", grey: "○" };
export const MISSING = "–";

export type Maybe = number | null | undefined;

const plain = new Intl.NumberFormat("en", { maximumFractionDigits: 1 });
const fine = new Intl.NumberFormat("en", { maximumSignificantDigits: 3 });
const small = new Intl.NumberFormat("en", { maximumSignificantDigits: 2 });
const compact = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });
const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });

// To one digit; below 1 to two that count, for what is little is not 0; from 1,000 on to whole ones.
const rounded = (value: number): string => (Math.abs(value) < 1 ? small : Math.abs(value) < 1_000 ? plain : whole).format(value);

export const number = (value: Maybe): string =>
  value == null ? MISSING : Math.abs(value) >= 10_000 ? compact.format(value) : rounded(value);
export const percent = (value: Maybe): string => (value == null ? MISSING : `${rounded(value * 100)} %`);
export const change = (value: Maybe): string =>
  value == null ? MISSING : `${value > 0 ? "+" : value < 0 ? "−" : "±"}${plain.format(Math.abs(value) * 100)} %`;
export const milliseconds = (value: Maybe): string =>
  value == null ? MISSING : value >= 10_000 ? `${plain.format(value / 1000)} s` : `${whole.format(value)} ms`;
export const bytes = (value: Maybe): string => (value == null ? MISSING : `${compact.format(value)}B`);

export function dollars(value: Maybe): string {
  if (value == null) return MISSING;
  const size = Math.abs(value);
  const text = size >= 10_000 ? compact.format(size) : size >= 100 ? whole.format(size) : size >= 0.01 || size === 0 ? size.toFixed(2) : fine.format(size);
  return `${value < 0 ? "−" : ""}$${text}`;
}

// Of one task: cents tell too little.
export const price = (value: Maybe): string => (value == null || Math.abs(value) >= 100 ? dollars(value) : `${value < 0 ? "−" : ""}$${fine.format(Math.abs(value))}`);

export type Unit = "count" | "usd" | "ms" | "fraction" | "percent" | "tokens" | "seconds" | "per_minute" | "bytes";

// A figure with its unit.
export function figure(value: Maybe, unit: Unit): string {
  switch (unit) {
    case "usd": return dollars(value);
    case "ms": return milliseconds(value);
    case "fraction": return percent(value);
    case "percent": return value == null ? MISSING : `${rounded(value)} %`;
    case "seconds": return value == null ? MISSING : duration(value);
    case "per_minute": return value == null ? MISSING : `${number(value)}/min`;
    case "bytes": return bytes(value);
    default: return number(value);
  }
}

// A time of the API (RFC 3339, or ms) as ms; null when there is none.
export function time(value: string | number | null | undefined): number | null {
  if (value == null) return null;
  const ms = typeof value === "number" ? value : Date.parse(value);
  return Number.isNaN(ms) ? null : ms;
}

export function since(ms: number | null, now: number): string {
  return ms == null ? MISSING : duration(Math.max(0, now - ms) / 1000);
}

export function duration(seconds: number): string {
  if (seconds >= 2 * 86_400) return `${Math.floor(seconds / 86_400)} d`;
  if (seconds >= 2 * 3_600) return `${Math.floor(seconds / 3_600)} h`;
  if (seconds >= 120) return `${Math.floor(seconds / 60)} min`;
  if (seconds > 0 && seconds < 10) return `${plain.format(seconds)} s`;
  return `${Math.floor(seconds)} s`;
}

const local = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
const localDay = new Intl.DateTimeFormat(undefined, { weekday: "short", hour: "2-digit", minute: "2-digit", hourCycle: "h23" });

// In the viewer's zone.
export const moment = (ms: number): string => local.format(ms);
export const shortMoment = (ms: number): string => localDay.format(ms);
export const utc = (ms: number): string => new Date(ms).toISOString().replace("T", " ").replace(/\.\d+Z/, " UTC");
export const plural = (count: number, one: string, many = `${one}s`): string => `${number(count)} ${count === 1 ? one : many}`;
