/**
 * Another API key: tried at its provider first, then given to OpenClaw, which is asked whether it took it; else it gets the old one again.
 *
 * OpenClaw asks `secrets` for keys, which reads `keys/<provider>.trial` where that is, else `keys/<provider>`, the one in force. The agent
 * makes the new one that, once all hooks have taken it.
 */

import { linkSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Later, Refused, words } from "./errors.js";
import { GatewayError } from "./gateway.js";
import { isObject, lookup } from "./json.js";
import { HIDDEN, configOf } from "./managed.js";

/** @typedef {import("./json.js").Json} Json */
/** @typedef {import("./host.js").Host} Host */
/** @typedef {{provider: string, file: string, trial: string, inForce: boolean}} KeyPlace Whose key, where it is, and where it is lent. */
/** @typedef {Readonly<Record<string, string>>} KeyTests The URL that a provider's keys are tried at; empty: they are not tried. */

const PROVIDER_NAME = /^[a-z][a-z0-9-]{0,31}$/;
const TEST_URLS = { anthropic: "https://api.anthropic.com/v1/models?limit=1", openai: "https://api.openai.com/v1/models" };
const TEST_MS = 10_000;
const TEST_PAUSES_MS = [500, 2_000];
const NOT_NOW = [408, 425, 429];

/** @param {string} home the agent's state directory @param {string} provider @param {string} file @returns {KeyPlace} @throws {Refused} */
export function keyPlace(home, provider, file) {
  if (!PROVIDER_NAME.test(provider ?? "") || !file) throw new Refused("key: called as `key PROVIDER FILE`");
  const own = join(home, "keys", provider);
  return { provider, file, trial: `${own}.trial`, inForce: file === own };
}

/**
 * @param {Host} host
 * @param {KeyPlace} place
 * @param {KeyTests} tests
 * @returns {Promise<import("./apply.js").Outcome>}
 * @throws {Refused | Later}
 */
export async function takeKey(host, place, tests) {
  const done = { code: 0, why: "" };
  if (!host.usesKey(place.provider)) return done;
  // The one in force is OpenClaw's already, or comes back to it; whether a provider takes it is not the question.
  if (!place.inForce) await tryKey(host, place, tests);
  const used = await usedBy(host, place.provider);
  lend(place, place.inForce ? null : place.file);
  const why = await reloaded(host, used);
  if (!why) return done;
  if (place.inForce) throw new Refused(why);
  lend(place, null);
  const left = await reloaded(host, used);
  throw new Refused(left ? `${why}; and the old key is not back: ${left}` : why);
}

/** @param {KeyPlace} place @param {string | null} file what OpenClaw is given instead of the key in force; null: nothing */
function lend({ trial }, file) {
  rmSync(trial, { force: true });
  // A link is there at once and whole, with the rights of the file.
  if (file) linkSync(file, trial);
}

/**
 * A call that costs nothing and that only a good key gets an answer to; when it did is left in `FILE.used`.
 * @param {Host} host @param {KeyPlace} place @param {KeyTests} tests @throws {Refused | Later}
 */
async function tryKey(host, { provider, file }, tests) {
  const url = { ...TEST_URLS, ...tests }[provider];
  if (!url) return;
  const key = readFileSync(file, "utf8").trim();
  const headers = provider.startsWith("anthropic")
    ? { "x-api-key": key, "anthropic-version": "2023-06-01" }
    : { authorization: `Bearer ${key}` };
  for (const pause of [...TEST_PAUSES_MS, null]) {
    const told = await host.get(url, headers, TEST_MS);
    if (typeof told === "number" && told < 300) return writeFileSync(`${file}.used`, `${host.now()}\n`, { mode: 0o600 });
    const why = typeof told === "number" ? `status ${told}` : words(told.replaceAll(key, "***"));
    if (told === 401 || told === 403) throw new Refused(`${provider} refuses this key (${why})`);
    if (typeof told === "number" && told < 500 && !NOT_NOW.includes(told)) throw new Refused(`${provider} cannot try keys at ${url} (${why})`);
    if (pause === null) throw new Later(`${provider} cannot be asked whether it takes this key (${why})`);
    await host.sleep(pause);
  }
}

/**
 * Which places of OpenClaw's configuration hold a reference to a provider's key. Names of references are shown to who may read its file.
 * @param {Host} host @param {string} provider @returns {Promise<(path: string) => boolean>} whether a place does, or may do
 * @throws {Refused | Later}
 */
async function usedBy(host, provider) {
  const shown = await askedFor(host.call("config.get"));
  const config = configOf(shown, typeof shown.path === "string" ? host.readJson(shown.path) : undefined, []);
  const id = `llm/${provider}`;
  const isOurs = (/** @type {any} */ value) => isObject(value) && value.source === "exec" && (value.id === id || value.id === HIDDEN);
  if (!contains(config, isOurs)) {
    throw new Refused(`OpenClaw's configuration has no reference to ${id}: it would go on with another key (CLAWPULSE_OPENCLAW_KEYS names those it uses)`);
  }
  return (path) => isOurs(lookup(config, path.split(".")).value);
}

/** @param {any} value @param {(value: any) => boolean} test @returns {boolean} whether anything in it passes */
function contains(value, test) {
  if (test(value)) return true;
  return typeof value === "object" && value !== null && Object.values(value).some((each) => contains(each, test));
}

/**
 * Have OpenClaw read its secrets again. A reload that keeps an old value counts as a good one there: who is degraded tells.
 * @param {Host} host @param {(path: string) => boolean} used @returns {Promise<string>} why it has not taken the key; empty: it has
 */
async function reloaded(host, used) {
  try {
    await host.call("secrets.reload");
    const { degradedSecretOwners: owners } = await host.call("status", { includeChannelSummary: false });
    if (!Array.isArray(owners)) return "OpenClaw does not say whose secrets are degraded";
    const ours = owners.find(({ paths }) => !Array.isArray(paths) || paths.some((path) => used(String(path))));
    return ours ? words(`OpenClaw keeps the old key for ${ours.ownerKind} ${ours.ownerId}: ${ours.reason}`) : "";
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    return `OpenClaw did not read its secrets again: ${words(error)}`;
  }
}

/** @template T @param {Promise<T>} call @returns {Promise<T>} */
async function askedFor(call) {
  try {
    return await call;
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    throw error.kind === "refused" ? new Refused(error.message) : new Later(error.message);
  }
}
