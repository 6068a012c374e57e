/** The world as the hook sees it: OpenClaw's command, its gateway, the clock, the hook's memory. What decides is given this. */

import { accessSync, constants, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { run } from "./command.js";
import { words } from "./errors.js";
import { GatewayError, answer, unready } from "./gateway.js";
import { restart, serving } from "./serving.js";
import { save } from "./state.js";

/** @typedef {import("./json.js").Json} Json */

const CALL_MS = 30_000;
const READY_MS = 3_000;
const DEFAULT_PORT = 18_789;

/** @typedef {ReturnType<typeof host>} Host */

/**
 * @param {import("./settings.js").Settings} settings
 * @param {number} end time in ms, of the clock of `now`, at which the hook has to be done
 */
export function host(settings, end) {
  const left = () => end - Date.now();
  /** @param {ReadonlyArray<string>} rest @param {{ms?: number, input?: string}} [how] */
  const openclaw = (rest, { ms = CALL_MS, input } = {}) =>
    run([...settings.command, ...rest], { env: settings.env, ms: Math.min(ms, Math.max(left(), 1)), input });
  /** @param {Json} shown @returns {number} */
  const port = (shown) => settings.port ?? shown.runtimeConfig?.gateway?.port ?? DEFAULT_PORT;
  return {
    left,
    openclaw,
    now: () => Date.now(),
    sleep: (/** @type {number} */ ms) => new Promise((resolve) => setTimeout(resolve, ms)),
    /** @param {import("./state.js").State} state */
    save: (state) => save(settings.home, state),
    /**
     * A method of the gateway; raises `GatewayError`. Nothing secret may be among the parameters: they stand on a command line.
     * @param {string} method @param {Json} [parameters] @returns {Promise<Json>}
     */
    async call(method, parameters = {}) {
      if (left() <= 0) throw new GatewayError("unreachable", "there was no time left");
      const ms = Math.min(CALL_MS, left());
      const asked = ["gateway", "call", method, "--json", "--timeout", String(Math.ceil(ms)), "--params", JSON.stringify(parameters)];
      return answer(await openclaw(asked, { ms: ms + 2_000 }));
    },
    /** @param {Json} shown what `config.get` gave @returns {Promise<string>} why the gateway is not ready; empty: it is */
    unready: (shown) => unready(port(shown), READY_MS),
    /** @param {Json} shown likewise @returns the gateway's process, if it is this user's */
    serving: (shown) => serving(port(shown)),
    restart,
    /** @param {string} path @returns {unknown} a JSON file's content, if it can be read */
    readJson(path) {
      try {
        return JSON.parse(readFileSync(path, "utf8"));
      } catch {
        return undefined;
      }
    },
    /** @param {string} name @returns {string | null} path of an executable of `commands.d` */
    executable(name) {
      const path = join(settings.commands, name);
      try {
        accessSync(path, constants.X_OK);
        return statSync(path).isFile() ? path : null;
      } catch {
        return null;
      }
    },
    /** @param {string} path @param {ReadonlyArray<string>} rest @param {number} ms */
    execute: (path, rest, ms) =>
      run([path, ...rest], { env: { PATH: settings.env.PATH, HOME: settings.env.HOME, CLAWPULSE_HOME: settings.home }, ms }),
    /**
     * Write OpenClaw's configuration without its gateway; the patch is read, and stands on no command line.
     * @param {string} path of the configuration @param {Json} patch @param {ReadonlyArray<string>} replaced
     * @returns {Promise<string>} why that is not possible; empty: it was done
     */
    async offline(path, patch, replaced) {
      if (!writable(path)) return `${path} cannot be written`;
      const env = { ...settings.env, OPENCLAW_CONFIG_PATH: path };
      const rest = ["config", "patch", "--stdin", ...replaced.flatMap((place) => ["--replace-path", place])];
      const ended = await run([...settings.command, ...rest], { env, ms: Math.min(CALL_MS, Math.max(left(), 1)), input: JSON.stringify(patch) });
      return ended.code === 0 ? "" : words(ended.err || ended.out || `code ${ended.code}`);
    },
    /** Have the agent call the hook with `again` after so many seconds, over and over; null: not any more. @param {number | null} seconds */
    again(seconds) {
      const folder = join(settings.home, "config");
      if (seconds === null) return rmSync(join(folder, "again"), { force: true });
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      writeFileSync(join(folder, "again"), `${seconds}\n`);
    },
    /** @param {string} provider @returns {boolean} whether OpenClaw uses its key */
    usesKey: (provider) => settings.keys.length === 0 || settings.keys.includes(provider),
    /**
     * @param {string} url @param {Record<string, string>} headers which go nowhere else: no redirection is followed @param {number} ms
     * @returns {Promise<number | string>} the status of its answer, or why there is none
     */
    async get(url, headers, ms) {
      try {
        const { status, body } = await fetch(url, { headers, redirect: "manual", signal: AbortSignal.timeout(Math.max(1, Math.min(ms, left()))) });
        await body?.cancel();
        return status;
      } catch (error) {
        const { message, cause } = /** @type {Error} */ (error);
        return (cause instanceof Error && cause.message) || message;
      }
    },
    budget: settings.ms,
  };
}

/** @param {string} path */
function writable(path) {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
