/**
 * What the plugin sends: points of metrics, and events. Names and tags are made fit for the wire here, once, so that nothing
 * that OpenClaw calls something can make the server refuse a point.
 */

/**
 * @typedef {Object} Metric A value of a metric.
 * @property {"metric"} kind
 * @property {string} name
 * @property {number} value
 * @property {number} time ms since 1970
 * @property {Readonly<Record<string, string>>} tags few-valued, make a series
 * @property {Readonly<Record<string, string>>} attributes unique to a task, make none
 */

/**
 * @typedef {Object} Event Something that happened.
 * @property {"event"} kind
 * @property {string} name
 * @property {number} time ms since 1970
 * @property {Readonly<Record<string, string>>} tags
 * @property {Readonly<Record<string, string>>} attributes
 * @property {Readonly<Record<string, string | number>> | null} payload
 */

/** @typedef {Metric | Event} Record_ */

/** @typedef {Readonly<Record<string, unknown>>} Labels Values that are no texts or empty are left out. */

/** Less than the wire takes, so that a full batch of the longest is still small enough. */
const MAX_VALUE_CHARS = 128;
const MAX_VALUE = 1e290;
const NONE = Object.freeze({});
// Control characters are refused everywhere, the operators of selectors in values of dimensions.
const UNFIT = /[\u0000-\u001f\u007f-\u009f\ud800-\udfff,=|!]/g;

/**
 * @param {string} name
 * @param {number} value
 * @param {number} time
 * @param {Labels} [tags]
 * @param {Labels} [attributes]
 * @returns {Metric | null} null for a value that is none: missing is not zero
 */
export function metric(name, value, time, tags = NONE, attributes = NONE) {
  if (typeof value !== "number" || !(Math.abs(value) <= MAX_VALUE)) return null;
  return { kind: "metric", name, value, time: Math.round(time), tags: labels(tags), attributes: labels(attributes) };
}

/**
 * @param {string} name
 * @param {number} time
 * @param {Labels} [tags]
 * @param {Labels} [attributes]
 * @param {Record<string, string | number> | null} [payload]
 * @returns {Event}
 */
export function event(name, time, tags = NONE, attributes = NONE, payload = null) {
  return { kind: "event", name, time: Math.round(time), tags: labels(tags), attributes: labels(attributes), payload };
}

/**
 * Whether two records speak of one task: what it used and what it cost are only known to belong together within a batch.
 * @param {Record_} one
 * @param {Record_} other
 */
export function sameTask(one, other) {
  return one.attributes.task_id !== undefined && one.attributes.task_id === other.attributes.task_id;
}

/**
 * The labels that can be sent, each as a text that the wire takes.
 * @param {Labels} given
 * @returns {Record<string, string>}
 */
export function labels(given) {
  /** @type {Record<string, string>} */
  const fit = {};
  for (const [key, value] of Object.entries(given)) {
    const text = typeof value === "string" ? value.replace(UNFIT, "_").slice(0, MAX_VALUE_CHARS).trim() : "";
    if (text) fit[key] = text;
  }
  return fit;
}
