/** The desired document as what OpenClaw is to have: a merge patch of its configuration, files, and the rest. Pure. */

import { Refused } from "./errors.js";
import { isObject, leaves } from "./json.js";

/** @typedef {import("./json.js").Json} Json */
/** @typedef {{command: string, arguments: string[]}} Command An executable of `commands.d`, and what it is called with. */

/**
 * @typedef {Object} Wanted
 * @property {Json} patch of OpenClaw's configuration
 * @property {Record<string, string>} files text by name
 * @property {string | null} version of OpenClaw
 * @property {Record<string, Command>} commands by the name of their entry
 * @property {boolean} paused
 */

const PROVIDER = "fleet";
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;
const SECRET = /^[A-Za-z0-9][A-Za-z0-9._/#-]{0,255}$/;
const VERSION = /^[0-9]{4}\.[0-9]{1,2}\.[0-9]{1,3}(-[0-9A-Za-z.-]{1,40})?$/;
/** A change of these cuts off the one who would have to put it back. */
const CUTS_OFF = ["auth", "bind", "customBindHost", "mode", "port", "reload", "remote", "tls"];
/** An argument of a command may have 128 KiB on Linux, and quotes cost two bytes there. */
export const MAX_ARGUMENT = 120_000;

/**
 * @param {unknown} document as a rollout wrote it
 * @returns {Wanted}
 * @throws {Refused} naming the member and what is wrong with it
 */
export function translate(document) {
  if (!isObject(document)) throw new Refused("the document is no object");
  const agents = { ...model(document), ...limits(document) };
  const tools = part(document, "tools");
  const own = {
    ...(Object.keys(agents).length > 0 && { agents: { defaults: agents } }),
    ...(tools && { tools: { ...texts(tools, "tools", "allow"), ...texts(tools, "tools", "deny") } }),
    ...(part(document, "channels") && { channels: part(document, "channels") }),
  };
  const patch = referenced(layered(own, part(document, "openclaw") ?? {}), []);
  guard(patch);
  return {
    patch,
    files: files(part(document, "files") ?? {}),
    version: version(document.version),
    commands: commands(part(document, "hooks") ?? {}),
    paused: boolean(document.paused, "paused"),
  };
}

/** Like a merge patch, but a null of the upper patch stays: it removes. @param {Json} lower @param {Json} upper @returns {Json} */
function layered(lower, upper) {
  const result = { ...lower };
  for (const [key, value] of Object.entries(upper)) {
    result[key] = isObject(value) && isObject(result[key]) ? layered(result[key], value) : value;
  }
  return result;
}

/** @param {Json} document @param {string} name @returns {Json | undefined} */
function part(document, name) {
  const value = document[name];
  if (value === undefined || isObject(value)) return value;
  throw new Refused(`${name} must be an object`);
}

/** @param {Json} document @returns {Json} */
function model(document) {
  const given = part(document, "model");
  if (!given) return {};
  const primary = given.primary === undefined ? {} : { primary: text(given.primary, "model.primary") };
  return { model: { ...primary, ...texts(given, "model", "fallbacks") } };
}

/** @param {Json} document @returns {Json} */
function limits(document) {
  const given = part(document, "limits") ?? {};
  const { concurrency, timeout_s: timeout, max_tokens: tokens } = given;
  return {
    ...(concurrency !== undefined && { maxConcurrent: count(concurrency, "limits.concurrency") }),
    ...(timeout !== undefined && { timeoutSeconds: count(timeout, "limits.timeout_s") }),
    ...(tokens !== undefined && { params: { maxTokens: count(tokens, "limits.max_tokens") } }),
  };
}

/** @param {Json} given @param {string} where @param {string} name @returns {Json} */
function texts(given, where, name) {
  const list = given[name];
  if (list === undefined) return {};
  if (!Array.isArray(list)) throw new Refused(`${where}.${name} must be a list of texts`);
  return { [name]: list.map((each, index) => text(each, `${where}.${name}[${index}]`)) };
}

/**
 * The value with each `{"secret": "name"}` as a reference that OpenClaw resolves by the fleet's command.
 * @param {any} value @param {string[]} path @returns {any}
 */
function referenced(value, path) {
  if (Array.isArray(value)) return value.map((each, index) => referenced(each, [...path, String(index)]));
  if (!isObject(value)) return value;
  const keys = Object.keys(value);
  if (keys.length === 1 && keys[0] === "secret" && typeof value.secret === "string") {
    if (!SECRET.test(value.secret)) throw new Refused(`${path.join(".")}.secret is no name of a secret`);
    return { source: "exec", provider: PROVIDER, id: value.secret };
  }
  return Object.fromEntries(keys.map((key) => [checked(key, path), referenced(value[key], [...path, key])]));
}

/** @param {string} key @param {string[]} path */
function checked(key, path) {
  if (key !== "" && key !== "__proto__") return key;
  throw new Refused(`${[...path, key].join(".")}: no setting has such a name`);
}

/** @param {Json} patch */
function guard(patch) {
  for (const [path] of leaves(patch)) {
    if (path[0] === "gateway" && (path.length === 1 || CUTS_OFF.includes(path[1]))) {
      throw new Refused(`${path.join(".")} cannot be rolled out: a gateway that the agent does not reach any more cannot be put back`);
    }
  }
  if (Buffer.byteLength(JSON.stringify(JSON.stringify(patch))) > MAX_ARGUMENT) {
    throw new Refused(`the configuration is longer than the ${MAX_ARGUMENT} bytes that OpenClaw's command takes`);
  }
}

/** @param {Json} given @returns {Record<string, string>} */
function files(given) {
  for (const [name, value] of Object.entries(given)) {
    if (!NAME.test(name)) throw new Refused(`files: ${JSON.stringify(name.slice(0, 100))} is no name of a file`);
    if (typeof value !== "string") throw new Refused(`files.${name} must be a text`);
    const bytes = Buffer.byteLength(JSON.stringify(value));
    if (bytes > MAX_ARGUMENT - 500) throw new Refused(`files.${name} has ${bytes} bytes, more than OpenClaw's command takes`);
  }
  return given;
}

/** @param {unknown} given @returns {string | null} */
function version(given) {
  if (given === undefined || given === null) return null;
  if (typeof given === "string" && VERSION.test(given)) return given;
  throw new Refused("version must be one of OpenClaw's, like 2026.9.6");
}

/** @param {Json} given @returns {Record<string, Command>} */
function commands(given) {
  return Object.fromEntries(
    Object.entries(given).map(([name, entry]) => {
      const where = `hooks.${name.slice(0, 100)}`;
      if (!isObject(entry)) throw new Refused(`${where} must be an object`);
      const command = text(entry.command, `${where}.command`);
      if (!NAME.test(command)) throw new Refused(`${where}.command must be the name of an executable in commands.d`);
      return [name, { command, arguments: texts(entry, where, "arguments").arguments ?? [] }];
    }),
  );
}

/** @param {unknown} value @param {string} where */
function text(value, where) {
  if (typeof value === "string" && value !== "" && !value.includes("\0")) return value;
  throw new Refused(`${where} must be a text`);
}

/** @param {unknown} value @param {string} where */
function count(value, where) {
  if (Number.isSafeInteger(value) && /** @type {number} */ (value) > 0) return /** @type {number} */ (value);
  throw new Refused(`${where} must be a whole number above 0`);
}

/** @param {unknown} value @param {string} where */
function boolean(value, where) {
  if (value === undefined || typeof value === "boolean") return value ?? false;
  throw new Refused(`${where} must be true or false`);
}
