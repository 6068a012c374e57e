/** OpenClaw's gateway, asked by its own command: `openclaw gateway call`. A call starts a Node, a second or two: few are made. */

import { request } from "node:http";
import { words } from "./errors.js";
import { isObject } from "./json.js";

/**
 * What an answer means:
 * - `refused`: the gateway does not want it, and nothing was changed
 * - `stale`: the configuration is another one by now
 * - `limited`: too many writes
 * - `kept`: it was written, and is not in force yet
 * - `failed`: it was written, and the gateway could not take it into force
 * - `suspended`: paused, by the hook or by somebody else
 * - `unreachable`: whether anything was changed is not known
 * @typedef {"refused" | "stale" | "limited" | "kept" | "failed" | "suspended" | "unreachable"} Kind
 */

export class GatewayError extends Error {
  /** @param {Kind} kind @param {string} message @param {number} [afterMs] */
  constructor(kind, message, afterMs = 0) {
    super(message);
    this.kind = kind;
    this.afterMs = afterMs;
  }
}

/**
 * The answer that a call printed.
 * @param {import("./command.js").Ended} ended
 * @returns {import("./json.js").Json}
 * @throws {GatewayError}
 */
export function answer({ code, out, err, late }) {
  if (late) throw new GatewayError("unreachable", "OpenClaw's command did not end in time");
  let parsed;
  try {
    parsed = JSON.parse(out.slice(out.indexOf("{")));
  } catch {
    const line = words(err || out).slice(0, 150);
    throw new GatewayError("unreachable", `OpenClaw's command ended with code ${code} and printed no JSON${line ? `: ${line}` : ""}`);
  }
  if (code === 0 && isObject(parsed) && parsed.ok !== false) return parsed;
  throw fault(isObject(parsed?.error) ? parsed.error : {});
}

/** @param {import("./json.js").Json} error @returns {GatewayError} */
function fault(error) {
  const message = String(error.message ?? "OpenClaw's command failed without a word");
  if (error.type === "gateway_transport_error") return new GatewayError("unreachable", message);
  if (error.details?.reason === "gateway-suspending") return new GatewayError("suspended", message);
  if (/rate limit exceeded/i.test(message)) return new GatewayError("limited", message, seconds(message) * 1_000);
  if (/config changed since|re-run config\.get and retry/i.test(message)) return new GatewayError("stale", message);
  if (/persisted but was not applied/.test(message)) return new GatewayError("failed", message);
  if (/\bpersisted\b/.test(message)) return new GatewayError("kept", message);
  return new GatewayError(error.code === "UNAVAILABLE" ? "unreachable" : "refused", message);
}

/** @param {string} message like `…; retry after 12s` */
function seconds(message) {
  return Number(/retry after (\d{1,4})s/.exec(message)?.[1] ?? 5);
}

/**
 * @param {number} port
 * @param {number} ms
 * @returns {Promise<string>} empty when the gateway is ready, else why it is not
 */
export function unready(port, ms) {
  return new Promise((resolve) => {
    const asked = request({ host: "127.0.0.1", port, path: "/readyz", timeout: ms, agent: false }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (part) => (text += text.length < 10_000 ? part : ""));
      response.on("error", (error) => resolve(error.message));
      response.on("end", () => resolve(response.statusCode === 200 ? "" : `the gateway is not ready${failing(text)}`));
    });
    asked.on("timeout", () => asked.destroy(new Error("the gateway does not answer")));
    asked.on("error", (error) => resolve(error.message || "the gateway does not answer"));
    asked.end();
  });
}

/** @param {string} text */
function failing(text) {
  try {
    const list = JSON.parse(text).failing;
    return Array.isArray(list) ? ` (${list.slice(0, 5).join(", ")})` : "";
  } catch {
    return "";
  }
}
