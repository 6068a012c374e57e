/** What the operator is told, in OpenClaw's log: each kind of trouble once, and once that it is over. */

/** @typedef {(level: "info" | "warn" | "error", text: string) => void} Log Must not throw. */

export class Reports {
  #log;
  /** @type {Set<string>} */
  #told = new Set();
  #trouble = "";

  /** @param {Log} log */
  constructor(log) {
    this.#log = log;
  }

  /** @param {string} kind @param {"info" | "warn" | "error"} level @param {string} text */
  once(kind, level, text) {
    if (this.#told.has(kind)) return;
    if (this.#told.size < 100) this.#told.add(kind);
    this.#log(level, text);
  }

  /**
   * Something keeps from delivering.
   * @param {string} kind
   * @param {"warn" | "error"} level
   * @param {string} text
   */
  trouble(kind, level, text) {
    if (kind === this.#trouble) return;
    this.#trouble = kind;
    this.#log(level, text);
  }

  /** @param {string} text what is told if there was trouble */
  fine(text) {
    if (this.#trouble) this.#log("info", text);
    this.#trouble = "";
  }
}
