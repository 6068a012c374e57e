/** One POST over node's own HTTP: not `fetch`, which OpenClaw gives proxies and guards of its own. */

import { request as insecure } from "node:http";
import { request as secure } from "node:https";

/** @typedef {import("./verdict.js").Answer} Answer */

const MAX_ANSWER_BYTES = 65_536;

/**
 * Post a batch. Never rejects: what keeps the server from answering is an answer with status 0. The process may end meanwhile.
 * @param {string} url
 * @param {string} token
 * @param {Buffer} body gzip
 * @param {number} timeoutMs for all of it
 * @returns {Promise<Answer>}
 */
export function post(url, token, body, timeoutMs) {
  return new Promise((resolve) => {
    const failed = (/** @type {string} */ reason) => resolve({ status: 0, reason, retryAfter: null, content: {} });
    /** @type {NodeJS.Timeout | undefined} */
    let deadline;
    try {
      const send = url.startsWith("https:") ? secure : insecure;
      const sent = send(url, { method: "POST", agent: false, headers: headers(token, body) }, (response) => {
        /** @type {Buffer[]} */
        const parts = [];
        let size = 0;
        response.on("data", (part) => {
          size += part.length;
          if (size <= MAX_ANSWER_BYTES) parts.push(part);
        });
        response.on("end", () => resolve(answer(response, Buffer.concat(parts).toString())));
        response.on("error", (error) => failed(error.message));
      });
      deadline = setTimeout(() => sent.destroy(new Error(`no answer within ${timeoutMs / 1_000} s`)), timeoutMs);
      deadline.unref();
      sent.on("socket", (socket) => socket.unref());
      sent.on("error", (error) => failed(error.message || String(/** @type {NodeJS.ErrnoException} */ (error).code)));
      sent.on("close", () => {
        clearTimeout(deadline);
        failed("the connection was closed");
      });
      sent.end(body);
    } catch (error) {
      clearTimeout(deadline);
      failed(error instanceof Error ? error.message : String(error));
    }
  });
}

/** @param {string} token @param {Buffer} body */
function headers(token, body) {
  return {
    "Authorization": `Bearer ${token}`,
    "Content-Type": "application/json",
    "Content-Encoding": "gzip",
    "Content-Length": body.length,
    "User-Agent": "clawpulse-openclaw-plugin",
  };
}

/** @param {import("node:http").IncomingMessage} response @param {string} text @returns {Answer} */
function answer({ statusCode: status = 0, headers: given }, text) {
  const content = parsed(text), words = content.detail ?? content.title;
  const reason = typeof words === "string" ? `${status} ${words}` : String(status);
  return { status, reason: reason.slice(0, 300), retryAfter: seconds(given["retry-after"]), content };
}

/** @param {string} text @returns {Record<string, unknown>} */
function parsed(text) {
  try {
    const found = JSON.parse(text);
    return typeof found === "object" && found !== null ? found : {};
  } catch {
    return {};
  }
}

/** @param {string | undefined} header @returns {number | null} */
function seconds(header) {
  if (header === undefined || header.trim() === "") return null;
  const given = Number(header);
  const found = Number.isFinite(given) ? given : (Date.parse(header) - Date.now()) / 1_000;
  return Number.isFinite(found) ? Math.max(0, found) : null;
}
