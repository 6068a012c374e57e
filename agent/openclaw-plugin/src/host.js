/**
 * Where the plugin meets OpenClaw. A process loads plugins more than once, each time as a module of its own, so what must be there
 * once is kept with the process: a second registration with the same settings shares the first one's plugin.
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

/**
 * Register with OpenClaw. Never throws.
 * @param {HostApi} api
 * @param {() => Promise<Subscribe>} diagnostics loads OpenClaw's diagnostic events
 * @param {Readonly<Record<string, string | undefined>>} [environment]
 * @returns {Plugin | null} null where only the plugin's description is wanted, or nothing works
 */
export function register(api, diagnostics, environment = process.env) {
  const reports = new Reports(logger(api));
  try {
    if ((api.registrationMode ?? "full") !== "full") return null;
    const { settings, problems } = read(api.pluginConfig, environment);
    for (const problem of problems) reports.once(problem, "warn", problem);
    const plugin = shared(settings, () => new Plugin({ outlet: outlet(settings, api, environment, reports), reports }), (made) => {
      subscribe(made, diagnostics, reports);
      reports.once("on", "info", settings.url ? `sending to ${settings.url} as ${settings.agent}` : `writing to ${settings.intake}`);
    });
    listen(api, plugin, reports);
    return plugin;
  } catch (error) {
    reports.once("register", "error", `not started: ${error}`);
    return null;
  }
}

/**
 * @param {Settings} settings
 * @param {() => Plugin} make
 * @param {(plugin: Plugin) => void} begin
 * @returns {Plugin}
 */
function shared(settings, make, begin) {
  const place = /** @type {Record<symbol, Shared | undefined>} */ (/** @type {unknown} */ (globalThis));
  const before = place[SHARED], fingerprint = JSON.stringify([VERSION, settings]);
  if (before && before.fingerprint === fingerprint && !before.plugin.stopped) return before.plugin;
  const plugin = make();
  place[SHARED] = { plugin, fingerprint };
  void before?.plugin.stop(STOP_MS);
  begin(plugin);
  return plugin;
}

/** @param {HostApi} api @param {Plugin} plugin @param {Reports} reports */
function listen(api, plugin, reports) {
  const on = (/** @type {string} */ hook, /** @type {(event: unknown, context: unknown) => unknown} */ handler) => {
    try {
      api.on(hook, handler);
    } catch (error) {
      reports.once(hook, "warn", `the hook ${hook} is not available (${error})`);
    }
  };
  // Handlers give nothing back: a promise would be waited for.
  for (const hook of HOOKS) on(hook, (event, context) => plugin.hook(hook, event, context));
  on("gateway_start", () => plugin.start());
  on("gateway_stop", () => plugin.stop(STOP_MS));
}

/** @param {Plugin} plugin @param {() => Promise<Subscribe>} diagnostics @param {Reports} reports */
function subscribe(plugin, diagnostics, reports) {
  Promise.resolve().then(diagnostics).then((onDiagnosticEvent) => {
    plugin.onStop(onDiagnosticEvent((event) => plugin.diagnostic(event)));
  }).catch((error) => reports.once("diagnostics", "warn", `no diagnostic events (${error}): queues and sessions are not shown`));
}

/**
 * @param {Settings} settings
 * @param {HostApi} api
 * @param {Readonly<Record<string, string | undefined>>} environment
 * @param {Reports} reports
 * @returns {Outlet}
 */
function outlet(settings, api, environment, reports) {
  const { url, agent, name, tags, intake } = settings;
  if (!url) return new Intake({ folder: intake, tags, reports });
  const versions = { "openclaw-plugin": VERSION, ...(api.runtime?.version ? { openclaw: api.runtime.version } : {}) };
  const info = { ...(name ? { name } : {}), host: hostname().slice(0, 256), versions };
  const sender = { agent, epoch: randomBytes(8).toString("hex"), tags, info };
  const send = async (/** @type {Buffer} */ body) => {
    const token = await tokenOf(settings, environment, reports);
    if (!token) return { status: 401, reason: `no token: set tokenFile, or ${settings.tokenEnv}`, retryAfter: null, content: {} };
    return post(`${url}/v1/batches`, token, body, POST_MS);
  };
  return new Api({ sender, send, reports });
}

/**
 * The token, read anew each time: it may be rotated.
 * @param {Settings} settings
 * @param {Readonly<Record<string, string | undefined>>} environment
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
