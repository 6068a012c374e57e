/** `config FILE`, `key PROVIDER FILE`, `again`, `start`, `reload`, `stop`: what `clawpulse-agent openclaw` runs. The first line on stderr is the reason. */

import { readFileSync } from "node:fs";
import { apply } from "./apply.js";
import { AGAIN, Later, REFUSED, words } from "./errors.js";
import { host } from "./host.js";
import { keyPlace, takeKey } from "./keys.js";
import { suspend } from "./pause.js";
import { settings } from "./settings.js";
import { load } from "./state.js";

/** @typedef {import("./apply.js").Outcome} Outcome */

/** @param {ReadonlyArray<string>} given the hook's arguments @returns {Promise<Outcome>} */
async function main([word, file, other]) {
  const given = settings(process.env);
  const world = host(given, Date.now() + given.ms);
  if (word === "key") return takeKey(world, keyPlace(given.home, file, other), given.tests);
  const state = load(given.home);
  if (word === "config") return apply(world, state, readFileSync(file, "utf8"));
  if ((word === "again" || word === "start") && state.suspension) await suspend(world, state);
  return { code: 0, why: "" };
}

/** @param {unknown} error @returns {Outcome} */
function failed(error) {
  return { code: error instanceof Later ? AGAIN : REFUSED, why: words(error) };
}

const { code, why } = await main(process.argv.slice(2)).catch(failed);
if (why) process.stderr.write(`${why}\n`);
process.exitCode = code;
