/** Programs that the hook runs: never by a shell, never for longer than its time, and of what they print no more than is looked at. */

import { spawn } from "node:child_process";

const MAX_OUTPUT = 16_000_000;

/** @typedef {{code: number | null, out: string, err: string, late: boolean}} Ended Code: null after a signal. Late: it had no more time. */

/**
 * @param {ReadonlyArray<string>} words the program and its arguments
 * @param {{env: Record<string, string>, ms: number, input?: string}} how its whole environment, its time, and what it reads
 * @returns {Promise<Ended>} never rejects: a program that cannot be run has the code 127
 */
export function run([program, ...rest], { env, ms, input = "" }) {
  return new Promise((resolve) => {
    const child = spawn(program, rest, { env, stdio: "pipe", shell: false });
    const texts = { out: "", err: "" };
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      child.kill("SIGKILL");
    }, Math.max(ms, 1));
    for (const [name, stream] of /** @type {const} */ ([["out", child.stdout], ["err", child.stderr]])) {
      stream.setEncoding("utf8");
      stream.on("data", (text) => {
        if (texts[name].length < MAX_OUTPUT) texts[name] += text;
      });
    }
    const end = (/** @type {number | null} */ code, /** @type {string} */ err) => {
      clearTimeout(timer);
      resolve({ code, out: texts.out, err, late });
    };
    child.on("error", (error) => end(127, error.message));
    child.on("close", (code) => end(code, texts.err));
    // One that ends before it has read everything is told by its code.
    child.stdin.on("error", () => {});
    child.stdin.end(input);
  });
}
