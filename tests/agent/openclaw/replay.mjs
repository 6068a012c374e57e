/**
 * Plays what was recorded of a real OpenClaw: five turns, of which the third fails after seven attempts, the fourth for a refused key,
 * and the fifth before its first attempt, because OpenClaw then leaves the provider alone for a while.
 *
 * As a program: `node replay.mjs '{"url": "http://..."}'` has the plugin with this `config` play it and stop, as of now. The variable
 * TOKEN holds the token.
 */

import { readFileSync } from "node:fs";
import { register } from "../../../agent/openclaw-plugin/src/host.js";
import { Host } from "./host.mjs";

/** What was recorded, each with its time `t`. */
export function occurrences() {
  return readFileSync(new URL("recorded.jsonl", import.meta.url), "utf8").trim().split("\n").map((line) => JSON.parse(line));
}

/** Play all of it, moved so that it begins at the clock's time; the clock goes along. */
export function replay(host, plugin, clock) {
  const all = occurrences(), moved = clock.now - all[0].t;
  for (const each of all) {
    clock.now = each.t + moved;
    plugin.tick();
    if (each.event.ts) each.event.ts += moved;
    if (each.name !== "gateway_stop") host.play(each);
  }
}

if (process.argv[1] === new URL(import.meta.url).pathname) {
  const host = new Host(), config = JSON.parse(process.argv[2]), clock = { now: Date.now() - 300_000 };
  const load = (mode) => register(host.api({ mode, config }), host.diagnostics, { clock: () => clock.now });
  const [plugin] = ["full", "discovery", "discovery"].map(load);
  await new Promise(setImmediate);
  replay(host, plugin, clock);
  await Promise.all(host.fire("gateway_stop", {}));
  console.log(host.log.join("\n"));
}
