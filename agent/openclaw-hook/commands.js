/** Commands of a document: executables in `hooks.d/commands.d`, run once for each change of their entry. */

import { Refused, words } from "./errors.js";
import { sha256 } from "./files.js";

/** @typedef {import("./translate.js").Command} Command */

/**
 * @param {Readonly<Record<string, Command>>} commands
 * @param {Readonly<Record<string, string>>} ran digests by name
 * @returns {Array<[string, Command, string]>} those that have not been run as they are, with their digest, by name
 */
export function due(commands, ran) {
  return Object.entries(commands)
    .map(([name, entry]) => /** @type {[string, Command, string]} */ ([name, entry, sha256(JSON.stringify([entry.command, entry.arguments]))]))
    .filter(([name, , digest]) => ran[name] !== digest)
    .sort(([one], [other]) => (one < other ? -1 : 1));
}

/**
 * @param {import("./host.js").Host} host
 * @param {import("./state.js").State} state
 * @param {Readonly<Record<string, Command>>} commands
 * @throws {Refused} for one that is not there
 */
export function checkCommands(host, state, commands) {
  for (const [name, { command }] of due(commands, state.commands)) {
    if (!host.executable(command)) throw new Refused(`hooks.${name}: there is no executable ${command} in hooks.d/commands.d`);
  }
}

/**
 * @param {import("./host.js").Host} host
 * @param {import("./state.js").State} state
 * @param {Readonly<Record<string, Command>>} commands
 * @param {number} until
 * @throws {Refused} when one fails; those before it are not run again
 */
export async function runCommands(host, state, commands, until) {
  for (const [name, { command, arguments: rest }, digest] of due(commands, state.commands)) {
    const { code, err, late } = await host.execute(host.executable(command) ?? command, rest, until - host.now());
    if (late) throw new Refused(`hooks.${name}: ${command} did not end in time`);
    if (code !== 0) throw new Refused(`hooks.${name}: ${command} ended with code ${code}${err ? `: ${words(err.split("\n")[0])}` : ""}`);
    state.commands[name] = digest;
    host.save(state);
  }
  for (const name of Object.keys(state.commands)) if (!Object.hasOwn(commands, name)) delete state.commands[name];
}
