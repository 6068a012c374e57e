/** The batch that is posted, as sdk/WIRE.md has it: columnar, the same input makes the same text. */

/** @typedef {import("./records.js").Record_} Record_ */

/**
 * @typedef {Object} Header What a batch says of its sender; (agent, epoch, seq) is its id.
 * @property {string} agent
 * @property {string} epoch
 * @property {number} seq
 * @property {number} time ms since 1970
 * @property {Readonly<Record<string, string>>} tags
 * @property {Readonly<Record<string, unknown>>} info
 */

export const MAX_POINTS = 1_000;

/**
 * @param {Header} header
 * @param {readonly Record_[]} records at most `MAX_POINTS`
 * @returns {string} JSON
 */
export function document({ agent, epoch, seq, time, tags, info }, records) {
  /** @type {Record<string, unknown>} */
  const batch = { v: 1, agent, epoch, seq, time, tags, info };
  const series = columns(records.filter((record) => record.kind === "metric"), time);
  const events = columns(records.filter((record) => record.kind === "event"), time);
  if (series.length) batch.series = series;
  if (events.length) batch.events = events;
  return JSON.stringify(batch);
}

/** @param {readonly Record_[]} records @param {number} now */
function columns(records, now) {
  /** @type {Map<string, Record_[]>} records of one series with the same attributes, so that no column has holes */
  const groups = new Map();
  for (const record of records) {
    const key = JSON.stringify([record.name, record.tags, Object.keys(record.attributes)]);
    const group = groups.get(key);
    if (group) group.push(record);
    else groups.set(key, [record]);
  }
  return [...groups.values()].map((group) => column(group, now));
}

/** @param {readonly Record_[]} group @param {number} now */
function column(group, now) {
  const [{ kind, name, tags, attributes }] = group;
  /** @type {Record<string, unknown>} */
  const result = { name, tags, times: group.map((record) => record.time - now) };
  if (kind === "metric") result.values = group.map((record) => record.kind === "metric" && record.value);
  const keys = Object.keys(attributes);
  if (keys.length) result.attributes = Object.fromEntries(keys.map((key) => [key, group.map((record) => record.attributes[key])]));
  const payloads = group.map((record) => record.kind === "event" ? record.payload : null);
  if (payloads.some(Boolean)) result.payloads = payloads;
  return result;
}
