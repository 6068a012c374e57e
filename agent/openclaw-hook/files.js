/** The prompt files of OpenClaw's agent: `agents.files`. They are used from the next session on. */

import { createHash } from "node:crypto";
import { Refused } from "./errors.js";
import { GatewayError } from "./gateway.js";
import { mainAgent } from "./managed.js";

/** @typedef {import("./host.js").Host} Host */
/** @typedef {import("./state.js").State} State */

/** @param {string} text @returns {string} SHA-256, hexadecimal */
export function sha256(text) {
  return createHash("sha256").update(text).digest("hex");
}

/**
 * Bring files to their texts, and those that are not managed any more to what they were; one that was not there is left empty.
 * @param {Host} host
 * @param {State} state
 * @param {Readonly<Record<string, string>>} files
 * @param {import("./json.js").Json} runtime
 * @param {Array<() => Promise<void>>} undo
 * @throws {Refused}
 */
export async function writeFiles(host, state, files, runtime, undo) {
  const names = [...new Set([...Object.keys(files), ...Object.keys(state.files)])].sort();
  if (names.length === 0) return;
  const agentId = mainAgent(runtime);
  const { files: list = [] } = await asked(host.call("agents.files.list", { agentId }));
  for (const name of names) {
    const listed = list.find((/** @type {any} */ each) => each.name === name);
    if (!Object.hasOwn(files, name)) await giveBack(host, state, agentId, name, listed, undo);
    else if (!untouched(state.files[name], files[name], listed)) await take(host, state, agentId, name, files[name], undo);
  }
}

/** @param {import("./state.js").FileMemory | undefined} memory @param {string} text @param {any} listed */
function untouched(memory, text, listed) {
  return memory?.digest === sha256(text) && memory.size === listed?.size && memory.updatedAtMs === listed?.updatedAtMs;
}

/**
 * @param {Host} host @param {State} state @param {string} agentId @param {string} name @param {string} text
 * @param {Array<() => Promise<void>>} undo
 */
async function take(host, state, agentId, name, text, undo) {
  const old = state.files[name];
  const current = await content(host, agentId, name);
  state.files[name] = old ?? { before: current, size: -1, updatedAtMs: -1, digest: "" };
  host.save(state);
  undo.push(async () => {
    if (current !== text) await set(host, agentId, name, current ?? "");
    if (old) state.files[name] = { ...old, digest: "" };
    else delete state.files[name];
  });
  const { size, updatedAtMs } = await set(host, agentId, name, text);
  state.files[name] = { ...state.files[name], size, updatedAtMs, digest: sha256(text) };
}

/**
 * @param {Host} host @param {State} state @param {string} agentId @param {string} name @param {any} listed
 * @param {Array<() => Promise<void>>} undo
 */
async function giveBack(host, state, agentId, name, listed, undo) {
  const old = state.files[name];
  if (!(old.before === null && listed?.missing)) {
    const current = await content(host, agentId, name);
    const text = old.before ?? "";
    undo.push(async () => {
      if (current !== text) await set(host, agentId, name, current ?? "");
      state.files[name] = { ...old, digest: "" };
    });
    if (current !== text) await set(host, agentId, name, text);
  }
  delete state.files[name];
}

/** @param {Host} host @param {string} agentId @param {string} name @returns {Promise<string | null>} null: there is no such file */
async function content(host, agentId, name) {
  const { file } = await asked(host.call("agents.files.get", { agentId, name }));
  return file?.missing ? null : String(file?.content ?? "");
}

/** @param {Host} host @param {string} agentId @param {string} name @param {string} text */
async function set(host, agentId, name, text) {
  const { file } = await asked(host.call("agents.files.set", { agentId, name, content: text }));
  if (file?.hash !== sha256(text)) throw new Refused(`files.${name} is not what was written`);
  return { size: Number(file.size), updatedAtMs: Number(file.updatedAtMs) };
}

/** @template T @param {Promise<T>} call @returns {Promise<T>} */
async function asked(call) {
  try {
    return await call;
  } catch (error) {
    throw error instanceof GatewayError ? new Refused(`files: ${error.message}`) : error;
  }
}
