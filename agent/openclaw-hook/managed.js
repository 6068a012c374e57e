/**
 * What ClawPulse manages of a configuration, and how it was before. Pure.
 *
 * `restored(current, memory)` is the configuration without ClawPulse, whatever was managed so far; onto that goes what is managed
 * now. So a setting that is not managed any more goes back by itself, and others' changes of other settings stay.
 */

import { Refused } from "./errors.js";
import { arrays, assign, difference, isObject, leaves, lookup, merged, remove } from "./json.js";

/** @typedef {import("./json.js").Json} Json */
/** @typedef {import("./json.js").Path} Path */

/**
 * @typedef {Object} Memory
 * @property {ReadonlyArray<{path: Path, value?: any}>} before what stood at places before they were first touched; no value: nothing did
 * @property {ReadonlyArray<Path>} made objects that there were not, to remove when they are empty
 */

/** What OpenClaw shows in place of a secret. */
export const HIDDEN = "__OPENCLAW_REDACTED__";

/**
 * @param {Json} current
 * @param {Memory} memory
 * @returns {Json}
 */
export function restored(current, memory) {
  const document = structuredClone(current);
  for (const { path, ...rest } of memory.before) {
    if ("value" in rest) assign(document, path, structuredClone(rest.value));
    else remove(document, path);
  }
  for (const path of [...memory.made].sort((one, other) => other.length - one.length)) {
    const { value } = lookup(document, path);
    if (isObject(value) && Object.keys(value).length === 0) remove(document, path);
  }
  return document;
}

/**
 * @param {Json} base the configuration without ClawPulse
 * @param {Json} patch what is to be managed
 * @returns {Memory}
 * @throws {Refused} for a secret that could not be put back, because OpenClaw does not show it
 */
export function remember(base, patch) {
  /** @type {Map<string, {path: Path, value?: any}>} */
  const before = new Map();
  /** @type {Map<string, Path>} */
  const made = new Map();
  for (const [path, value] of leaves(patch)) {
    const depth = path.findIndex((_, index) => !isObject(lookup(base, path.slice(0, index + 1)).value)) + 1;
    const place = depth > 0 ? path.slice(0, depth) : path;
    const there = lookup(base, place);
    if (!there.found) for (let end = depth; end < path.length; end += 1) made.set(key(path.slice(0, end)), path.slice(0, end));
    if (isObject(value) && !there.found) made.set(key(path), path);
    else if (there.found && !(isObject(value) && isObject(there.value))) before.set(key(place), { path: place, value: there.value });
    else if (!there.found) before.set(key(path), { path });
    if (hides(before.get(key(place))?.value)) {
      throw new Refused(`${place.join(".")} holds a secret in plain text, which could not be put back: make it a reference first`);
    }
  }
  return { before: [...before.values()], made: [...made.values()] };
}

/**
 * Both memories in one: where they differ, the first one knows.
 * @param {Memory} first
 * @param {Memory} second
 * @returns {Memory}
 */
export function united(first, second) {
  const before = new Map([...second.before, ...first.before].map((entry) => [key(entry.path), entry]));
  const made = new Map([...second.made, ...first.made].map((path) => [key(path), path]));
  return { before: [...before.values()], made: [...made.values()] };
}

/**
 * @typedef {Object} Plan
 * @property {Json} patch from what runs to what shall run; empty when that is the same
 * @property {string[]} replaced arrays that the patch replaces or removes, which OpenClaw wants to be told
 * @property {Memory} memory
 */

/**
 * @param {Json} current as `configOf` gives it
 * @param {Json} runtime with OpenClaw's defaults
 * @param {Memory} memory
 * @param {Json} wanted what is to be managed
 * @returns {Plan}
 */
export function plan(current, runtime, memory, wanted) {
  const base = restored(current, memory);
  const patch = difference(current, merged(base, wanted));
  return { patch, replaced: replaced(patch, runtime), memory: remember(base, wanted) };
}

/**
 * @param {Json} patch
 * @param {Json} runtime
 * @returns {string[]}
 */
export function replaced(patch, runtime) {
  const places = leaves(patch).flatMap(([path, value]) => [...arrays(lookup(runtime, path).value, path), ...arrays(value, path)]);
  return [...new Set(places)];
}

/**
 * A configuration as its authors wrote it: includes taken in, variables as such (`${NAME}`), and what OpenClaw hides as far as it is known:
 * the names of secrets' references, and what we have written there ourselves. Others' secrets stay hidden.
 * @param {{sourceConfig?: any, parsed?: any}} shown by `config.get`
 * @param {unknown} file OpenClaw's own, if it can be read
 * @param {ReadonlyArray<unknown>} ours what we wrote, and it has not been changed since
 * @returns {Json}
 */
export function configOf(shown, file, ours) {
  const authored = isObject(shown.parsed) ? merged(shown.sourceConfig, variables(shown.parsed)) : shown.sourceConfig;
  return revealed(isObject(authored) ? authored : {}, { file, ours }, []);
}

/** @param {Json} parsed @returns {Json} only what has a variable in it */
function variables(parsed) {
  return Object.fromEntries(
    Object.entries(parsed).flatMap(([name, value]) => {
      if (typeof value === "string") return value.includes("${") ? [[name, value]] : [];
      const inner = isObject(value) ? variables(value) : {};
      return Object.keys(inner).length > 0 ? [[name, inner]] : [];
    }),
  );
}

/** @param {any} value @param {{file: unknown, ours: ReadonlyArray<unknown>}} known @param {Path} path @returns {any} */
function revealed(value, known, path) {
  if (value === HIDDEN) return first(known.ours, path, (each) => typeof each === "string") ?? value;
  if (!isObject(value)) return value;
  if (value.id === HIDDEN && typeof value.source === "string") {
    const like = (/** @type {any} */ each) => isObject(each) && each.source === value.source && each.provider === value.provider;
    return first([known.file, ...known.ours], path, (each) => like(each) && each.id !== HIDDEN) ?? value;
  }
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, revealed(each, known, [...path, name])]));
}

/** @param {ReadonlyArray<unknown>} sources @param {Path} path @param {(value: any) => boolean} fits */
function first(sources, path, fits) {
  return sources.map((source) => lookup(source, path).value).find(fits);
}

/** @param {any} value @returns {boolean} */
function hides(value) {
  if (value === HIDDEN) return true;
  return typeof value === "object" && value !== null && Object.values(value).some(hides);
}

/** @param {Path} path */
function key(path) {
  return JSON.stringify(path);
}

/**
 * @param {Json} runtime
 * @returns {string} id of the agent whose files are managed
 * @throws {Refused} when there are several and none is called main
 */
export function mainAgent(runtime) {
  const entries = lookup(runtime, ["agents", "entries"]).value;
  const ids = isObject(entries) ? Object.keys(entries) : [];
  if (ids.length <= 1) return ids[0] ?? "main";
  if (ids.includes("main")) return "main";
  throw new Refused(`files: OpenClaw has several agents here (${ids.slice(0, 5).join(", ")}), and none is called main`);
}
