/**
 * The plugin within one OpenClaw process: it listens, maps, queues and sends. OpenClaw's callbacks only append to a queue; whatever
 * goes wrong here costs telemetry, never a turn: each callback catches everything, no timer keeps the process alive, no promise is
 * left to reject.
 */

import { Mapping } from "./mapping.js";

/** @typedef {import("./records.js").Record_} Record_ */
/** @typedef {import("./reports.js").Reports} Reports */

/**
 * @typedef {Object} Outlet Where records go.
 * @property {(record: Record_) => void} add
 * @property {(now: number) => void} tick
 * @property {(now: number) => Promise<void>} flush
 */

const TICK_MS = 1_000;
const SAMPLE_MS = 10_000;

export class Plugin {
  #mapping;
  #outlet;
  #reports;
  #clock;
  /** @type {NodeJS.Timeout | null} */
  #timer = null;
  #sampled = 0;
  /** @type {(() => void)[]} */
  #undo = [];
  stopped = false;

  /**
   * @param {Object} parts
   * @param {Outlet} parts.outlet
   * @param {Reports} parts.reports
   * @param {() => number} [parts.clock] ms since 1970
   * @param {string} [parts.version] of OpenClaw
   */
  constructor({ outlet, reports, clock = Date.now, version }) {
    this.#outlet = outlet;
    this.#reports = reports;
    this.#clock = clock;
    this.#mapping = new Mapping((record) => record && outlet.add(record), version);
  }

  /** Begin to send: the gateway runs, or a run does. Until then the process may be a command that only looks at plugins. */
  start() {
    if (this.#timer || this.stopped) return;
    this.#timer = setInterval(() => this.tick(), TICK_MS);
    this.#timer.unref();
    this.tick();
  }

  /** @param {string} name @param {unknown} event @param {unknown} context */
  hook(name, event, context) {
    this.#guarded(() => {
      this.start();
      this.#mapping.hook(name, event, context, this.#clock());
    });
  }

  /** @param {unknown} event */
  diagnostic(event) {
    this.#guarded(() => this.#mapping.diagnostic(event, this.#clock()));
  }

  /** Do what is due by now. */
  tick() {
    this.#guarded(() => {
      const now = this.#clock();
      this.#mapping.tick(now);
      if (now - this.#sampled >= SAMPLE_MS || now < this.#sampled) {
        this.#sampled = now;
        this.#mapping.sample(now);
      }
      this.#outlet.tick(now);
    });
  }

  /** @param {() => void} undo called when the plugin stops */
  onStop(undo) {
    if (this.stopped) undo();
    else this.#undo.push(undo);
  }

  /**
   * Send what is there, and stop. Never rejects.
   * @param {number} timeoutMs how long it may take at most
   */
  async stop(timeoutMs) {
    if (this.stopped) return;
    this.#guarded(() => {
      const now = this.#clock();
      this.#mapping.stop(now);
      if (this.#timer) this.#mapping.sample(now);
    });
    this.stopped = true;
    if (this.#timer) clearInterval(this.#timer);
    for (const undo of this.#undo.splice(0)) this.#attempt(undo);
    await this.#flush(timeoutMs);
  }

  /** @param {number} timeoutMs */
  async #flush(timeoutMs) {
    // This timer does keep the process alive: the connection does not, and these are the last words.
    const { promise: late, resolve } = deferred();
    const timer = setTimeout(resolve, timeoutMs);
    try {
      await Promise.race([this.#outlet.flush(this.#clock()), late]);
    } catch (error) {
      this.#failed(error);
    } finally {
      clearTimeout(timer);
    }
  }

  /** @param {() => void} work left out once the plugin has stopped */
  #guarded(work) {
    if (!this.stopped) this.#attempt(work);
  }

  /** @param {() => void} work */
  #attempt(work) {
    try {
      work();
    } catch (error) {
      this.#failed(error);
    }
  }

  /** @param {unknown} error */
  #failed(error) {
    const where = error instanceof Error ? error.stack : String(error);
    this.#reports.once(`fault ${String(error).slice(0, 80)}`, "error", `a fault of this plugin, telemetry is lost: ${where}`);
  }
}

function deferred() {
  let resolve = () => {};
  /** @type {Promise<void>} */
  const promise = new Promise((done) => {
    resolve = done;
  });
  return { promise, resolve };
}
