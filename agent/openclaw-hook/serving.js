/**
 * The gateway's process: needed only for one that stays alive without serving, as OpenClaw's does when it cannot restart with a new
 * configuration. It is found by the port while it still serves, and never by a name alone: a host may have several.
 */

import { readFileSync, readdirSync, readlinkSync } from "node:fs";

/** @typedef {{pid: number, birth: string}} Serving A process, and when it was started, which no later one with its id shares. */

const TITLE = "openclaw";
const LISTENS = "0A";
/** OpenClaw's own signal to restart. */
const RESTART = "SIGUSR2";

/**
 * @param {number} port
 * @returns {Serving | null} null: nobody listens, or it is not a gateway of this user
 */
export function serving(port) {
  const sockets = new Set(["tcp", "tcp6"].flatMap((table) => listening(procText(`/proc/net/${table}`), port)).map((inode) => `socket:[${inode}]`));
  if (sockets.size === 0) return null;
  const pid = readdirSync("/proc").find((name) => /^\d+$/.test(name) && procText(`/proc/${name}/comm`).startsWith(TITLE) && holds(name, sockets));
  return pid ? { pid: Number(pid), birth: birth(pid) } : null;
}

/** Have it start again, if it is the same process still. @param {Serving | null} gateway */
export function restart(gateway) {
  if (!gateway || birth(String(gateway.pid)) !== gateway.birth) return;
  try {
    process.kill(gateway.pid, RESTART);
  } catch {
    // It has just ended: its supervisor starts it.
  }
}

/**
 * @param {string} table of `/proc/net`
 * @param {number} port
 * @returns {string[]} inodes of sockets that listen there
 */
export function listening(table, port) {
  const local = `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  return table
    .split("\n")
    .map((line) => line.trim().split(/\s+/))
    .filter((fields) => fields[1]?.endsWith(local) && fields[3] === LISTENS)
    .map((fields) => fields[9]);
}

/** @param {string} pid @param {ReadonlySet<string>} sockets */
function holds(pid, sockets) {
  try {
    return readdirSync(`/proc/${pid}/fd`).some((fd) => sockets.has(readlinkSync(`/proc/${pid}/fd/${fd}`)));
  } catch {
    // Another user's, or it has ended.
    return false;
  }
}

/** @param {string} pid @returns {string} in ticks since the host's start; empty when there is no such process */
function birth(pid) {
  return procText(`/proc/${pid}/stat`).replace(/^.*\) /s, "").split(" ")[19] ?? "";
}

/** @param {string} path */
function procText(path) {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
