/**
 * Where the plugin meets OpenClaw. A process loads plugins more than once, each time as a module of its own, and calls the hooks of
 * agents on another load (`discovery`) than those of the gateway (`full`). So what must be there once is kept with the process, and
 * hooks look it up there.
 */

import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { hostname } from "node:os";
import { Api } from "./api.js";
import { Intake } from "./intake.js";
import { HOOKS } from "./mapping.js";
import { Plugin } from "./plugin.js";
import { post } from "./post.js";
import { Reports } from "./reports.js";
import { read } from "./settings.js";

/** @typedef {import("./settings.js").Settings} Settings */
/** @typedef {import("./plugin.js").Outlet} Outlet */

/**
 * @typedef {Object} HostApi The part of OpenClaw's plugin API that is used; any of it may be missing or throw.
 * @property {string} [registrationMode]
 * @property {unknown} [pluginConfig]
 * @property {{version?: string}} [runtime]
 * @property {Partial<Record<"info" | "warn" | "error", (text: string) => void>>} [logger]
 * @property {(hook: string, handler: (event: unknown, context: unknown) => unknown) => void} on
 */

/** @typedef {(listener: (event: unknown) => void) => () => void} Subscribe OpenClaw's `onDiagnosticEvent`. */

export const VERSION = "0.1.0";
export const SHARED = Symbol.for("clawpulse.openclaw-plugin");
const POST_MS = 10_000;
/** OpenClaw waits 5 s for `gateway_stop`. */
const STOP_MS = 3_000;

/** @typedef {{plugin: Plugin, fingerprint: string}} Shared */
/** @typedef {Readonly<Record<string, string | undefined>>} Environment */
/** @typedef {{environment: Environment, clock: () => number, reports: Reports}} Surroundings */

/** Loads that only want to know what there is. */
const LIFELESS = Object.freeze(["cli-metadata", "setup-only"]);

/**
 * Register with OpenClaw. Never throws.
 * @param {HostApi} api
 * @param {() => Promise<Subscribe>} diagnostics loads OpenClaw's diagnostic events
 * @param {{environment?: Environment, clock?: () => number}} [surroundings] the clock tells ms since 1970
 * @returns {Plugin | null} null where nothing is wanted, or works
 */
export function register(api, diagnostics, { environment = process.env, clock = Date.now } = {}) {
  const reports = new Reports(logger(api));
  try {
    const mode = api.registrationMode ?? "full";
    if (LIFELESS.includes(mode)) return null;
    const make = () => configured(api, diagnostics, { environment, clock, reports });
    const plugin = (mode !== "full" && current()) || make();
    listen(api, mode === "full" ? lifecycle(plugin, make) : {}, reports);
    return plugin;
  } catch (error) {
    reports.once("register", "error", `not started: ${error}`);
    return null;
  }
}

/** @returns {Plugin | null} the plugin of this process that is at work */
function current() {
  const found = place()[SHARED]?.plugin;
  return found && !found.stopped ? found : null;
}

function place() {
  return /** @type {Record<symbol, Shared | undefined>} */ (/** @type {unknown} */ (globalThis));
}

/**
 * The plugin with the settings that `api` has: the one that is at work, or a new one in its place.
 * @param {HostApi} api
 * @param {() => Promise<Subscribe>} diagnostics
 * @param {Surroundings} surroundings
 * @returns {Plugin}
 */
function configured(api, diagnostics, surroundings) {
  const { environment, clock, reports } = surroundings;
  const { settings, problems } = read(api.pluginConfig, environment);
  const before = current(), fingerprint = JSON.stringify([VERSION, settings]);
  if (before && place()[SHARED]?.fingerprint === fingerprint) return before;
  for (const problem of problems) reports.once(problem, "warn", problem);
  const version = api.runtime?.version;
  const plugin = new Plugin({ outlet: outlet(settings, version, surroundings), reports, clock, version });
  place()[SHARED] = { plugin, fingerprint };
  void before?.stop(STOP_MS);
  subscribe(plugin, diagnostics, reports);
  return plugin;
}

/** @typedef {Record<string, (event: unknown, context: unknown) => void | Promise<void>>} Handlers by hook */

/**
 * The plugin starts and stops with the gateway. When OpenClaw reloads a plugin it registers the next before it stops the one before,
 * so with the same settings both share one that is stopped when the next starts: then another is made.
 * @param {Plugin} plugin
 * @param {() => Plugin} make
 * @returns {Handlers}
 */
function lifecycle(plugin, make) {
  let own = plugin;
  return {
    gateway_start: () => {
      own = current() ?? make();
      own.start();
    },
    gateway_stop: () => own.stop(STOP_MS),
  };
}

/** @param {HostApi} api @param {Handlers} handlers beside those of agents @param {Reports} reports */
function listen(api, handlers, reports) {
  // These give nothing back: a promise would be waited for.
  /** @type {Handlers} */
  const agents = Object.fromEntries(HOOKS.map((hook) => [hook, (event, context) => current()?.hook(hook, event, context)]));
  for (const [hook, handler] of Object.entries({ ...agents, ...handlers })) {
    try {
      api.on(hook, (event, context) => {
        try {
          return handler(event, context);
        } catch (error) {
          reports.once(`fault ${hook}`, "error", `a fault of this plugin in ${hook}: ${error}`);
        }
      });
    } catch (error) {
      reports.once(hook, "warn", `the hook ${hook} is not available (${error})`);
    }
  }
}

/** @param {Plugin} plugin @param {() => Promise<Subscribe>} diagnostics @param {Reports} reports */
function subscribe(plugin, diagnostics, reports) {
  Promise.resolve().then(diagnostics).then((onDiagnosticEvent) => {
    plugin.onStop(onDiagnosticEvent((event) => plugin.diagnostic(event)));
  }).catch((error) => reports.once("diagnostics", "warn", `no diagnostic events (${error}): queues and sessions are not shown`));
}

/**
 * @param {Settings} settings
 * @param {string | undefined} version of OpenClaw
 * @param {Surroundings} surroundings
 * @returns {Outlet}
 */
function outlet(settings, version, { environment, clock, reports }) {
  const { url, agent, name, tags, intake } = settings;
  reports.once("outlet", "info", url ? `sending to ${new URL(url).host} as ${agent}` : `writing to ${intake}`);
  if (!url) return new Intake({ folder: intake, tags, reports });
  const versions = { "openclaw-plugin": VERSION, ...(version ? { openclaw: version } : {}) };
  const info = { ...(name ? { name } : {}), host: hostname().slice(0, 256), versions };
  const sender = { agent, epoch: randomBytes(8).toString("hex"), tags, info };
  const send = async (/** @type {Buffer} */ body) => {
    const token = await tokenOf(settings, environment, reports);
    if (!token) return { status: 401, reason: `no token: set tokenFile, or ${settings.tokenEnv}`, retryAfter: null, content: {} };
    return post(`${url}/v1/batches`, token, body, POST_MS);
  };
  return new Api({ sender, send, reports, clock });
}

/**
 * The token, read anew each time: it may be rotated.
 * @param {Settings} settings
 * @param {Environment} environment
 * @param {Reports} reports
 */
async function tokenOf({ tokenFile, tokenEnv }, environment, reports) {
  if (!tokenFile) return (environment[tokenEnv] ?? "").trim();
  try {
    return (await readFile(tokenFile, "utf8")).trim();
  } catch (error) {
    reports.once("token", "error", `cannot read the token: ${error}`);
    return "";
  }
}

/** @param {HostApi} api @returns {import("./reports.js").Log} */
function logger(api) {
  return (level, text) => {
    try {
      api.logger?.[level]?.(`[clawpulse] ${text}`);
    } catch {
      // A log that fails is not worth a turn.
    }
  };
}
