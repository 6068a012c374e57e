/** One document from begin to end: all of it comes into force, or what was there before is back. */

import { checkCommands, runCommands } from "./commands.js";
import { configure } from "./config.js";
import { AGAIN, Later, REFUSED, Refused, words } from "./errors.js";
import { sha256, writeFiles } from "./files.js";
import { resume, suspend } from "./pause.js";
import { translate } from "./translate.js";
import { update } from "./version.js";

/** @typedef {import("./host.js").Host} Host */
/** @typedef {import("./state.js").State} State */
/** @typedef {{code: number, why: string}} Outcome An exit code, and what is told of it. */

/** Of the time of a call, for what is new; the rest is for putting back. */
const FORWARD = 0.6;

/**
 * @param {Host} host
 * @param {State} state changed, and saved at each step
 * @param {string} text of the document
 * @returns {Promise<Outcome>}
 */
export async function apply(host, state, text) {
  /** @type {Array<() => Promise<void>>} */
  const undo = [];
  const kept = { memory: state.memory, patch: state.patch };
  try {
    await forward(host, state, text, undo);
    return { code: 0, why: "" };
  } catch (error) {
    if (!(error instanceof Refused || error instanceof Later)) throw error;
    const why = words(error);
    const left = await back(undo);
    if (!left) Object.assign(state, kept);
    state.document = "";
    host.save(state);
    const code = error instanceof Later && !left ? AGAIN : REFUSED;
    return { code, why: left ? words(`${why.slice(0, 120)}; and what was there is not back: ${left}`) : why };
  }
}

/** @param {Host} host @param {State} state @param {string} text @param {Array<() => Promise<void>>} undo */
async function forward(host, state, text, undo) {
  const wanted = translate(parsed(text));
  checkCommands(host, state, wanted.commands);
  const digest = sha256(text);
  // A paused gateway answers nothing about its configuration: if it is paused for this document, that goes on.
  if (wanted.paused && state.suspension && state.document === digest) return suspend(host, state);
  if (state.suspension) await resume(host, state);
  const restarts = await update(host, wanted.version);
  const until = host.now() + host.left() * FORWARD;
  const { runtime } = await configure(host, state, wanted.patch, { until, restarts }, undo);
  await writeFiles(host, state, wanted.files, runtime, undo);
  await runCommands(host, state, wanted.commands, until);
  if (wanted.paused) await suspend(host, state);
  else host.again(null);
  state.document = digest;
  host.save(state);
}

/** @param {string} text */
function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    throw new Refused("the document is no JSON");
  }
}

/** @param {Array<() => Promise<void>>} undo @returns {Promise<string>} what could not be put back, and why; empty: all is as it was */
async function back(undo) {
  let left = "";
  for (const step of undo.reverse()) {
    try {
      await step();
    } catch (error) {
      left ||= words(error);
    }
  }
  return left;
}
