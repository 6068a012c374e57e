/** Brings OpenClaw's configuration to what is wanted, sees that it is in force, and brings it back when it is not. */

import { Later, Refused } from "./errors.js";
import { GatewayError } from "./gateway.js";
import { difference, merged } from "./json.js";
import { configOf, plan, replaced, united } from "./managed.js";

/** @typedef {import("./json.js").Json} Json */
/** @typedef {import("./host.js").Host} Host */
/** @typedef {import("./state.js").State} State */
/** @typedef {{shown: Json, current: Json, runtime: Json}} Seen What `config.get` shows, as it is, as its authors wrote it, with defaults. */

/**
 * @typedef {Object} Sent What was written of one document.
 * @property {Json[]} patches those that may have been written
 * @property {boolean} surely whether the last one was
 * @property {Seen & {gateway: import("./serving.js").Serving | null}} [before] what there was before the first one
 */

/** Writes of one application, far from the 30 a minute that OpenClaw takes. */
const TRIES = 6;
const PAUSE_MS = 1_000;

/** @param {Json} patch */
const empty = (patch) => Object.keys(patch).length === 0;

/**
 * @param {Host} host
 * @param {(shown: Json) => ReadonlyArray<unknown>} ours what of it we wrote, whatever OpenClaw hides
 * @returns {Promise<Seen>}
 */
async function read(host, ours) {
  const shown = await host.call("config.get");
  if (shown.valid === false) throw new Refused("OpenClaw's configuration is damaged as it is: openclaw doctor tells how to mend it");
  const file = typeof shown.path === "string" ? host.readJson(shown.path) : undefined;
  return { shown, current: configOf(shown, file, ours(shown)), runtime: shown.runtimeConfig ?? {} };
}

/**
 * @param {Host} host
 * @param {State} state changed and saved before anything is written
 * @param {Json} wanted the patch that is to be managed
 * @param {{until: number, restarts: boolean}} how time by which it has to be in force; whether the gateway may be starting
 * @param {Array<() => Promise<void>>} undo is given what puts the configuration back
 * @returns {Promise<Seen>} what is in force
 * @throws {Refused | Later}
 */
export async function configure(host, state, wanted, { until, restarts }, undo) {
  /** @type {Sent} */
  const sent = { patches: [], surely: false };
  for (let tries = 1; tries <= TRIES; tries += 1) {
    const patient = restarts || sent.patches.length > 0;
    const ours = (/** @type {Json} */ shown) => (sent.surely ? [wanted] : shown.hash === state.hash ? [state.patch] : []);
    const seen = await patiently(host, until, () => read(host, ours), patient);
    const planned = plan(seen.current, seen.runtime, state.memory, wanted);
    if (empty(planned.patch)) {
      const now = await inForce(host, seen, until, patient);
      Object.assign(state, { memory: planned.memory, patch: wanted, hash: String(now.shown.hash ?? "") });
      return now;
    }
    state.memory = united(state.memory, planned.memory);
    host.save(state);
    sent.before ??= { ...seen, gateway: host.serving(seen.shown) };
    sent.patches.push(planned.patch);
    undo[0] ??= () => putBack(host, sent, state);
    await send(host, planned, seen, sent);
    if (sent.patches.length === 0) sent.before = undefined;
  }
  throw new Refused("the configuration was changed by somebody else each time it was written");
}

/**
 * @param {Host} host
 * @param {import("./managed.js").Plan} planned
 * @param {Seen} seen
 * @param {Sent} sent loses the last patch when that was surely not written
 */
async function send(host, planned, seen, sent) {
  try {
    await write(host, planned.patch, planned.replaced, seen.shown.hash);
    sent.surely = true;
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    if (["refused", "stale", "limited"].includes(error.kind)) sent.patches.pop();
    if (error.kind === "refused" || error.kind === "failed") throw new Refused(error.message);
    if (error.kind === "limited") await waitFor(host, error);
    sent.surely ||= error.kind === "kept";
  }
}

/** @param {Host} host @param {Json} patch @param {ReadonlyArray<string>} places @param {unknown} hash */
function write(host, patch, places, hash) {
  return host.call("config.patch", { raw: JSON.stringify(patch), baseHash: hash, ...(places.length > 0 && { replacePaths: places }) });
}

/** @param {Host} host @param {GatewayError} error */
async function waitFor(host, error) {
  if (error.afterMs > host.left() / 2) throw new Later(error.message);
  await host.sleep(error.afterMs);
}

/**
 * @template T
 * @param {Host} host
 * @param {number} until
 * @param {() => Promise<T>} look
 * @param {boolean} patient whether a gateway that does not answer may be one that restarts for our sake
 * @returns {Promise<T>}
 */
async function patiently(host, until, look, patient) {
  for (;;) {
    try {
      return await look();
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error;
      if (!patient) throw error.kind === "refused" ? new Refused(error.message) : new Later(error.message);
      if (host.now() >= until) throw new Refused(`the gateway did not come back: ${error.message}`);
      await host.sleep(PAUSE_MS);
    }
  }
}

/**
 * Wait until what was read is what the gateway runs, and it is ready.
 * @param {Host} host @param {Seen} seen @param {number} until @param {boolean} patient @returns {Promise<Seen>}
 */
async function inForce(host, seen, until, patient) {
  for (let now = seen; ; ) {
    const why = await pending(host, now.shown);
    if (!why) return now;
    if (host.now() >= until) throw patient ? new Refused(why) : new Later(why);
    await host.sleep(PAUSE_MS);
    now = { ...now, shown: await patiently(host, until, () => host.call("config.get"), patient) };
  }
}

/** @param {Host} host @param {Json} shown @returns {Promise<string>} what keeps it from being in force */
async function pending(host, shown) {
  if (shown.appliedConfigHash === shown.configRevisionHash) return host.unready(shown);
  return shown.runtimeConfig?.gateway?.reload?.mode === "off"
    ? "OpenClaw takes it into force at its next start only (gateway.reload.mode is off)"
    : "the gateway has not taken the configuration into force";
}

/**
 * Put back what patches changed, and see that it is so.
 * @param {Host} host @param {Sent} sent @param {State} state
 */
async function putBack(host, { patches, before }, state) {
  if (patches.length === 0 || !before) return;
  const back = difference(patches.reduce((config, patch) => merged(config, patch), before.current), before.current);
  let why = "there was no time left";
  for (let missed = 0; host.left() > 0; await host.sleep(PAUSE_MS)) {
    try {
      const seen = await read(host, () => [before.current]);
      const rest = difference(seen.current, merged(seen.current, back));
      why = empty(rest) ? await pending(host, seen.shown) : "";
      if (empty(rest) && !why) {
        state.hash = String(seen.shown.hash ?? "");
        return;
      }
      if (!empty(rest)) await write(host, rest, replaced(rest, seen.runtime), seen.shown.hash);
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error;
      why = error.message;
      missed += error.kind === "unreachable" ? 1 : 0;
      // A gateway that does not come up with the new one comes up with the old one: it is written without it.
      if (missed === 1) why = (await host.offline(before.shown.path, back, replaced(back, before.runtime))) || why;
      if (missed === 2) host.restart(before.gateway);
      if (error.kind === "limited") await host.sleep(error.afterMs);
    }
  }
  throw new Refused(why);
}
