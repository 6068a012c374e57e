/** Settings of the plugin: its `config` in OpenClaw's configuration goes first, then the environment, then the defaults. */

import { accessSync, constants, existsSync } from "node:fs";
import { homedir, hostname } from "node:os";
import { join } from "node:path";
import { labels } from "./records.js";

/**
 * @typedef {Object} Settings
 * @property {string} url of the API; empty: the local agent's intake is used
 * @property {string} tokenFile
 * @property {string} tokenEnv name of the variable that holds the token
 * @property {string} agent
 * @property {string} name
 * @property {Readonly<Record<string, string>>} tags
 * @property {string} intake folder
 */

/** @typedef {{settings: Settings, problems: string[]}} Read Settings that can be used, and what is wrong with those given. */

const AGENT = /^[A-Za-z0-9][A-Za-z0-9._:@-]{0,127}$/;
const TAG_KEY = /^[A-Za-z_][A-Za-z0-9_.-]{0,63}$/;
const MAX_TAGS = 16;
const SYSTEM = "/var/lib/clawpulse";

/**
 * @param {unknown} given the plugin's `config`
 * @param {Readonly<Record<string, string | undefined>>} environment
 * @param {{host?: string, home?: string, root?: boolean, exists?: (path: string) => boolean, writable?: (path: string) => boolean}} [machine]
 * @returns {Read}
 */
export function read(given, environment, machine = {}) {
  const { host = hostname(), home = homedir(), root = process.getuid?.() === 0, exists = existsSync, writable = isWritable } = machine;
  const config = typeof given === "object" && given !== null ? /** @type {Record<string, unknown>} */ (given) : {};
  /** @type {string[]} */
  const problems = [];
  const text = (/** @type {string} */ key, /** @type {string} */ variable = "") => {
    const value = config[key] ?? environment[variable];
    if (value !== undefined && typeof value !== "string") problems.push(`${key} must be a text`);
    return typeof value === "string" ? value.trim() : "";
  };
  const settings = {
    url: address(text("url", "CLAWPULSE_URL"), problems),
    tokenFile: text("tokenFile", "CLAWPULSE_TOKEN_FILE"),
    tokenEnv: text("tokenEnv") || "CLAWPULSE_TOKEN",
    agent: agentId(text("agent", "CLAWPULSE_AGENT"), host, problems),
    name: labels({ name: text("name", "CLAWPULSE_NAME") }).name ?? "",
    tags: tags(config.tags ?? pairs(environment.CLAWPULSE_TAGS ?? ""), problems),
    intake: text("intake", "CLAWPULSE_INTAKE") || join(agentHome(environment, home, root, exists, writable), "intake"),
  };
  return { settings, problems };
}

/**
 * Where the local agent keeps its state: the user's own, else the system's if it takes lines from everybody; as agent/clawpulse.sh does.
 * @param {Readonly<Record<string, string | undefined>>} environment
 * @param {string} home
 * @param {boolean} root
 * @param {(path: string) => boolean} exists
 * @param {(path: string) => boolean} writable
 */
function agentHome(environment, home, root, exists, writable) {
  if (environment.CLAWPULSE_HOME) return environment.CLAWPULSE_HOME;
  const own = join(environment.XDG_STATE_HOME || join(home, ".local", "state"), "clawpulse");
  return root || (!exists(join(own, "intake")) && writable(join(SYSTEM, "intake", "lines"))) ? SYSTEM : own;
}

/** @param {string} path */
function isWritable(path) {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

/** @param {string} text @param {string[]} problems */
function address(text, problems) {
  if (!text) return "";
  if (URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)) return text.replace(/\/+$/, "");
  problems.push(`url must be an http or https address, not ${JSON.stringify(text.slice(0, 100))}`);
  return "";
}

/** @param {string} text @param {string} host @param {string[]} problems */
function agentId(text, host, problems) {
  if (AGENT.test(text)) return text;
  const rule = "letters, digits and . _ : @ - after a letter or digit, at most 128";
  if (text) problems.push(`agent ${JSON.stringify(text.slice(0, 140))} is no id: ${rule}`);
  const fit = host.replace(/[^A-Za-z0-9._:@-]/g, "-").replace(/^[^A-Za-z0-9]+/, "").slice(0, 128);
  return fit || "openclaw";
}

/** @param {string} text like `env=prod,tier=fast` */
function pairs(text) {
  return Object.fromEntries(text.split(",").filter(Boolean).map((pair) => {
    const [key, ...rest] = pair.split("=");
    return [key.trim(), rest.join("=")];
  }));
}

/** @param {unknown} given @param {string[]} problems */
function tags(given, problems) {
  /** @type {Record<string, string>} */
  const good = {};
  for (const [key, value] of Object.entries(typeof given === "object" && given !== null ? given : {})) {
    const fit = labels({ value }).value;
    if (!TAG_KEY.test(key) || fit === undefined) problems.push(`tags.${key.slice(0, 70)} is no tag: a name like env, and a text`);
    else if (Object.keys(good).length >= MAX_TAGS) problems.push(`tags: at most ${MAX_TAGS}; ${key} is left out`);
    else good[key] = fit;
  }
  return good;
}
