/** JSON documents: merge patches (RFC 7396), what differs, and places in objects as lists of keys. All pure. */

import { isDeepStrictEqual } from "node:util";

/** @typedef {Record<string, any>} Json An object of a JSON document. */
/** @typedef {ReadonlyArray<string>} Path Keys from the root on. */

/** @param {unknown} value @returns {value is Json} */
export function isObject(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** @param {unknown} one @param {unknown} other */
export function same(one, other) {
  return isDeepStrictEqual(one, other);
}

/**
 * @param {unknown} document
 * @param {Path} path
 * @returns {{found: boolean, value?: any}}
 */
export function lookup(document, path) {
  let value = /** @type {any} */ (document);
  for (const key of path) {
    if (!isObject(value) || !Object.hasOwn(value, key)) return { found: false };
    value = value[key];
  }
  return { found: true, value };
}

/**
 * @param {unknown} base
 * @param {unknown} patch
 * @returns {any} the base with the patch in it; neither is changed
 */
export function merged(base, patch) {
  if (!isObject(patch)) return patch;
  const result = isObject(base) ? { ...base } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key];
    else result[key] = merged(result[key], value);
  }
  return result;
}

/**
 * @param {Json} from
 * @param {Json} to
 * @returns {Json} the smallest patch that makes the second of the first
 */
export function difference(from, to) {
  /** @type {Json} */
  const patch = {};
  for (const key of Object.keys(from)) if (!Object.hasOwn(to, key)) patch[key] = null;
  for (const [key, value] of Object.entries(to)) {
    if (same(from[key], value)) continue;
    patch[key] = isObject(value) && isObject(from[key]) ? difference(from[key], value) : value;
  }
  return patch;
}

/**
 * @param {Json} patch
 * @param {Path} [prefix]
 * @returns {Array<[Path, any]>} the places that a patch sets or removes (null), with their values
 */
export function leaves(patch, prefix = []) {
  return Object.entries(patch).flatMap(([key, value]) => {
    const path = [...prefix, key];
    return isObject(value) && Object.keys(value).length > 0 ? leaves(value, path) : [/** @type {[Path, any]} */ ([path, value])];
  });
}

/** Set a place of a document that is ours to change. @param {Json} document @param {Path} path @param {any} value */
export function assign(document, path, value) {
  let place = document;
  for (const key of path.slice(0, -1)) place = isObject(place[key]) ? place[key] : (place[key] = {});
  place[/** @type {string} */ (path.at(-1))] = value;
}

/** Remove a place of a document that is ours to change. @param {Json} document @param {Path} path */
export function remove(document, path) {
  const parent = lookup(document, path.slice(0, -1)).value;
  if (isObject(parent)) delete parent[/** @type {string} */ (path.at(-1))];
}

/**
 * @param {any} value
 * @param {Path} path of the value
 * @returns {string[]} places of the arrays at it and below it in objects, as OpenClaw writes them
 */
export function arrays(value, path) {
  if (Array.isArray(value)) return [path.join(".")];
  return isObject(value) ? Object.entries(value).flatMap(([key, each]) => arrays(each, [...path, key])) : [];
}
