/** Where OpenClaw is and how it is asked: from the environment that `clawpulse-agent openclaw` sets, and the file of OpenClaw's own. */

import { readFileSync } from "node:fs";
import { dirname } from "node:path";
import { Refused } from "./errors.js";

/**
 * @typedef {Object} Settings
 * @property {string[]} command `openclaw`, in words
 * @property {Record<string, string>} env its environment
 * @property {string} home the agent's state directory
 * @property {string} commands folder of executables
 * @property {number} ms time of one call of the hook
 * @property {number | null} port of the gateway, if it is set
 * @property {string[]} keys providers whose keys OpenClaw uses; empty: all
 * @property {Record<string, string>} tests URLs at which keys are tried, by provider
 */

const LINE = /^\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)=(.*?)\s*$/;
const DEFAULT_SECONDS = 60;
/** What stays to tell how it went, before the agent ends the hook. */
const MARGIN_MS = 2_000;

/**
 * @param {Readonly<Record<string, string | undefined>>} environment
 * @returns {Settings}
 * @throws {Refused}
 */
export function settings(environment) {
  const home = environment.CLAWPULSE_HOME;
  if (!home) throw new Refused("CLAWPULSE_HOME is not set: clawpulse-agent openclaw sets it");
  const given = ownVariables(environment.CLAWPULSE_OPENCLAW_ENV ?? "");
  const port = given.OPENCLAW_GATEWAY_PORT || environment.CLAWPULSE_OPENCLAW_PORT || "";
  const own = dirname(process.execPath);
  return {
    command: (environment.CLAWPULSE_OPENCLAW_COMMAND || "openclaw").split(" ").filter(Boolean),
    env: {
      // The Node that runs this is OpenClaw's: its command's first line asks for one.
      PATH: `${own}:${environment.PATH ?? "/usr/local/bin:/usr/bin:/bin"}`,
      HOME: environment.HOME ?? home,
      NO_COLOR: "1",
      ...given,
      ...(port && { OPENCLAW_GATEWAY_PORT: port }),
    },
    home,
    commands: environment.CLAWPULSE_COMMANDS ?? "",
    ms: Math.max(5_000, Number(environment.CLAWPULSE_HOOK_SECONDS || DEFAULT_SECONDS) * 1_000 - MARGIN_MS),
    port: /^\d{1,5}$/.test(port) ? Number(port) : null,
    keys: (environment.CLAWPULSE_OPENCLAW_KEYS ?? "").split(",").filter(Boolean),
    tests: Object.fromEntries((environment.CLAWPULSE_KEY_TESTS ?? "").split(",").filter(Boolean).map((each) => each.split(/=(.*)/s, 2))),
  };
}

/**
 * @param {string} path of a file with lines like `OPENCLAW_GATEWAY_TOKEN=…`; it need not be there
 * @returns {Record<string, string>}
 */
function ownVariables(path) {
  let text;
  try {
    text = path ? readFileSync(path, "utf8") : "";
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code === "ENOENT") return {};
    throw new Refused(`${path} cannot be read`);
  }
  const found = text.split("\n").flatMap((line) => {
    const [, name = "", value = ""] = LINE.exec(line) ?? [];
    return name ? [[name, value.replace(/^(["'])(.*)\1$/, "$2")]] : [];
  });
  return Object.fromEntries(found);
}
