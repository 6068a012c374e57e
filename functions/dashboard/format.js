// Figures and times for people. Missing is a dash, never zero.

export const HEALTH = ["red", "yellow", "green", "grey"]; // worst first
export const SYMBOL = { red: "■", yellow: "▲", green: "●", grey: "○" };
const MISSING = "–";

const plain = new Intl.NumberFormat("en", { maximumFractionDigits: 1 });
const compact = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });

export const number = (value) => (value == null ? MISSING : Math.abs(value) >= 10_000 ? compact.format(value) : plain.format(value));
export const percent = (value) => (value == null ? MISSING : `${plain.format(value * 100)} %`);
export const milliseconds = (value) => (value == null ? MISSING : value >= 10_000 ? `${plain.format(value / 1000)} s` : `${Math.round(value).toLocaleString("en")} ms`);
export const dollars = (value) => (value == null ? MISSING : `$${value.toFixed(value >= 100 ? 0 : 2)}`);

// A time of the API (RFC 3339, or ms) as ms; null when there is none.
export function time(value) {
  if (value == null) return null;
  const ms = typeof value === "number" ? value : Date.parse(value);
  return Number.isNaN(ms) ? null : ms;
}

export function since(ms, now) {
  return ms == null ? MISSING : duration(Math.max(0, now - ms) / 1000);
}

export function duration(seconds) {
  if (seconds >= 2 * 86_400) return `${Math.floor(seconds / 86_400)} d`;
  if (seconds >= 2 * 3_600) return `${Math.floor(seconds / 3_600)} h`;
  if (seconds >= 120) return `${Math.floor(seconds / 60)} min`;
  return `${Math.floor(seconds)} s`;
}

export function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

// Writes only what differs, so that an update moves nothing that did not change.
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}
