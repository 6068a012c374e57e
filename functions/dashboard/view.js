// What the page shows, kept in the address so that it can be shared and survives a reload: ?tags=…&by=…&health=…

import { HEALTH } from "./format.js";

export function readView() {
  const query = new URLSearchParams(location.search);
  const health = (query.get("health") ?? "").split(",").filter((status) => HEALTH.includes(status));
  return { tags: query.get("tags") ?? "", by: query.get("by") ?? "", health };
}

export function writeView({ tags, by, health }) {
  const query = new URLSearchParams(location.search);
  for (const [key, value] of Object.entries({ tags, by, health: health.join(",") })) value ? query.set(key, value) : query.delete(key);
  const text = query.toString();
  history.replaceState(null, "", location.pathname + (text ? `?${text}` : ""));
}

// Tag keys, and key=value pairs, that agents have: offered for grouping and filtering. Keys with too many values are no help.
export function knownTags(agents, most = 40) {
  const values = new Map();
  for (const agent of agents) for (const [key, value] of Object.entries(agent.tags)) {
    if (!values.has(key)) values.set(key, new Set());
    values.get(key).add(value);
  }
  const keys = [...values.keys()].sort();
  const pairs = keys.flatMap((key) => (values.get(key).size > most ? [] : [...values.get(key)].sort().map((value) => `${key}=${value}`)));
  return { keys, pairs };
}
