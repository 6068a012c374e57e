/**
 * Errors in words that may leave the host: what kind, and a short text without secrets and without what people said. A provider's
 * error can quote the request, so long quotations go, too.
 */

const MAX_CHARS = 200;
const MAX_SCANNED_CHARS = 4_096;

/** @type {ReadonlyArray<readonly [RegExp, string]>} None has two unbounded parts that could match the same text. */
const HIDDEN = [
  [/\b(bearer|basic|token|api[-_ ]?key|password|secret|authorization)(["']?\s*[:=]\s*["']?|\s+)(?:(?:bearer|basic) +)?\S+/gi, "$1 ***"],
  [/\b(?:sk|pk|rk|xox[a-z]|gh[a-z]|cp|AKIA|AIza|eyJ)[-_A-Za-z0-9.…]{6,}/g, "***"],
  [/\bhttps?:\/\/\S+/gi, "<url>"],
  [/[^\s@]{1,64}@[^\s@]{1,255}/g, "<address>"],
  [/[A-Za-z0-9+/_=-]{32,}/g, "***"],
  [/\+?\d[\d ()-]{7,30}\d/g, "<number>"],
  [/"[^"]{24,}"?|'[^']{24,}'?|`[^`]{24,}`?|“[^”]{24,}”?/g, "<text>"],
  [/[{[][^]*$/, "<data>"],
];

/**
 * @param {unknown} message
 * @returns {string} at most 200 characters on one line; empty when there was no text
 */
export function errorText(message) {
  if (typeof message !== "string") return "";
  let text = message.slice(0, MAX_SCANNED_CHARS).replace(/[\s\u0000-\u001f\u007f-\u009f\ud800-\udfff]+/g, " ");
  for (const [pattern, words] of HIDDEN) text = text.replace(pattern, words);
  text = text.trim();
  return text.length > MAX_CHARS ? `${text.slice(0, MAX_CHARS - 1)}…` : text;
}

/** @type {Readonly<Record<string, string>>} */
const BY_STATUS = { 401: "auth", 403: "auth", 408: "timeout", 429: "rate_limited", 504: "timeout" };

/**
 * The kind of an error, one of few values: it becomes a tag.
 * @param {{code?: unknown, failure?: unknown, message?: unknown}} error what is known of it: the HTTP status of the provider's
 *   answer, OpenClaw's own kind of failure, the text
 * @returns {string}
 */
export function errorKind({ code, failure, message }) {
  const status = /^[45]\d\d$/.exec(String(code ?? ""))?.[0];
  if (status) return BY_STATUS[status] ?? `http_${status}`;
  if (typeof failure === "string" && /^[a-z_]{1,32}$/.test(failure)) return failure;
  const text = typeof message === "string" ? message.slice(0, MAX_SCANNED_CHARS) : "";
  if (/timed? ?out|timeout/i.test(text)) return "timeout";
  if (/\babort/i.test(text)) return "aborted";
  return "error";
}
