/** What the hook remembers between its calls, in a file of its own below the agent's state: `openclaw/state.json`, for its owner alone. */

import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, writeSync } from "node:fs";
import { join } from "node:path";
import { Refused } from "./errors.js";
import { isObject } from "./json.js";

/** @typedef {{before: string | null, size: number, updatedAtMs: number, digest: string}} FileMemory What a file was, and how it was left. */

/**
 * @typedef {Object} State
 * @property {string} document digest of the one that was taken; empty when the last one was not
 * @property {import("./json.js").Json} patch what is managed
 * @property {import("./managed.js").Memory} memory what it was before
 * @property {string} hash OpenClaw's of the configuration as it was left
 * @property {Record<string, FileMemory>} files
 * @property {Record<string, string>} commands digests of the entries that were run
 * @property {string} suspension id of the gateway's lease while it is paused
 */

/** @returns {State} of a host on which nothing is managed */
export function blank() {
  return { document: "", patch: {}, memory: { before: [], made: [] }, hash: "", files: {}, commands: {}, suspension: "" };
}

/**
 * @param {string} home the agent's state directory
 * @returns {State}
 */
export function load(home) {
  let text;
  try {
    text = readFileSync(join(home, "openclaw", "state.json"), "utf8");
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code === "ENOENT") return blank();
    throw error;
  }
  const found = parsedState(text);
  if (!isObject(found)) throw new Refused("openclaw/state.json is damaged: it knows what was there before; mend it, or remove it to begin anew");
  return { ...blank(), ...found };
}

/** @param {string} text @returns {unknown} */
function parsedState(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/**
 * Written in one step and synced: what was there before the first touch is known nowhere else.
 * @param {string} home
 * @param {State} state
 */
export function save(home, state) {
  const folder = join(home, "openclaw");
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const target = join(folder, "state.json");
  const file = openSync(`${target}.new`, "w", 0o600);
  try {
    writeSync(file, `${JSON.stringify(state)}\n`);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(`${target}.new`, target);
}
