/** What becomes of a batch after a try to deliver it. Pure: chance is an argument. */

/**
 * @typedef {Object} Answer
 * @property {number} status 0 when there was no answer
 * @property {string} reason what the server said, or what kept it from answering
 * @property {number | null} retryAfter seconds, if the server named any
 * @property {Readonly<Record<string, unknown>>} content
 */

/** @typedef {{action: "delivered" | "drop" | "retry", delayMs: number}} Verdict */

const BACKOFF_MS = 1_000;
const MAX_BACKOFF_MS = 60_000;
const MAX_RETRY_AFTER_MS = 300_000;
const AGAIN = Object.freeze([408, 425, 429]);

/**
 * @param {Answer} answer
 * @param {number} failures tries in a row that failed before this one
 * @param {number} chance in [0, 1)
 * @returns {Verdict}
 */
export function judge({ status, retryAfter }, failures, chance) {
  if (status >= 200 && status < 300) return { action: "delivered", delayMs: 0 };
  const passing = status === 0 || status >= 500 || AGAIN.includes(status);
  if (passing && retryAfter !== null) {
    return { action: "retry", delayMs: Math.min(retryAfter * 1_000, MAX_RETRY_AFTER_MS) * (1 + 0.1 * chance) };
  }
  if (passing) return { action: "retry", delayMs: chance * Math.min(MAX_BACKOFF_MS, BACKOFF_MS * 2 ** Math.min(failures, 16)) };
  // Somebody has to mend the token or the address: no use in hurrying.
  if (refused(status) || elsewhere(status)) return { action: "retry", delayMs: MAX_BACKOFF_MS * (0.5 + 0.5 * chance) };
  return { action: "drop", delayMs: 0 };
}

/**
 * Whether who answered is not the API: a wrong address, or a proxy in between.
 * @param {number} status
 */
export function elsewhere(status) {
  return (status >= 300 && status < 400) || [404, 405, 407].includes(status);
}

/** @param {number} status */
export function refused(status) {
  return status === 401 || status === 403;
}
