/** How much waits and works right now: depth of the queues, active runs, sessions by state. Pure; times are arguments. */

import { metric } from "./records.js";

/** @typedef {import("./records.js").Record_} Record_ */

/** What was counted but never left, because OpenClaw emptied a queue without a word, is forgotten after so long. */
const FORGET_MS = 3_600_000;
const MAX_KEPT = 10_000;

/** Numbers by key, without the zeros, the longest unchanged forgotten first. */
class Counts {
  /** @type {Map<string, {count: number, time: number}>} */
  #counts = new Map();
  total = 0;

  /** @param {string} key @returns {number} */
  get(key) {
    return this.#counts.get(key)?.count ?? 0;
  }

  /** @param {string} key @param {number} count @param {number} now */
  set(key, count, now) {
    this.total += count - this.get(key);
    this.#counts.delete(key);
    if (count > 0) this.#counts.set(key, { count, time: now });
    this.#trim(now - FORGET_MS);
  }

  /** @param {number} before */
  #trim(before) {
    for (const [key, { count, time }] of this.#counts) {
      if (time >= before && this.#counts.size <= MAX_KEPT) return;
      this.#counts.delete(key);
      this.total -= count;
    }
  }
}

/** One figure, and the highest that it was set to since it was sampled last. */
class Peak {
  current = 0;
  #peak = 0;
  #peakTime = 0;

  /** @param {number} value @param {number} now */
  set(value, now) {
    this.current = value;
    if (value > this.#peak) [this.#peak, this.#peakTime] = [value, now];
  }

  /**
   * The peak, if it is over, and the present value.
   * @param {string} name
   * @param {number} now
   * @returns {(Record_ | null)[]}
   */
  sample(name, now) {
    const peak = this.#peak > this.current ? [metric(name, this.#peak, Math.min(this.#peakTime, now - 1))] : [];
    this.#peak = 0;
    return [...peak, metric(name, this.current, now)];
  }
}

export class Gauges {
  #waiting = new Counts();
  #depth = new Peak();
  #workers = new Peak();
  #processing = new Counts();
  #blocked = new Counts();

  /**
   * Work enters a lane's queue. OpenClaw's own figure counts what runs, too, so entries are counted here.
   * @param {string} lane
   * @param {number} now
   */
  enqueued(lane, now) {
    this.#waiting.set(lane, this.#waiting.get(lane) + 1, now);
    this.#depth.set(this.#waiting.total, now);
  }

  /**
   * Work leaves a lane's queue.
   * @param {string} lane
   * @param {number} left how much still waits there
   * @param {number} now
   */
  dequeued(lane, left, now) {
    this.#waiting.set(lane, left, now);
    this.#depth.set(this.#waiting.total, now);
  }

  /** @param {number} active @param {number} now */
  workers(active, now) {
    this.#workers.set(active, now);
  }

  /** @param {string} session @param {string} state `idle`, `processing` or `waiting` @param {number} now */
  session(session, state, now) {
    this.#processing.set(session, Number(state === "processing"), now);
    this.#blocked.set(session, Number(state === "waiting"), now);
  }

  /** @param {number} now @returns {(Record_ | null)[]} */
  sample(now) {
    return [
      ...this.#depth.sample("queue.depth", now),
      ...this.#workers.sample("fleet.active_workers", now),
      metric("openclaw.sessions.processing", this.#processing.total, now),
      metric("openclaw.sessions.waiting", this.#blocked.total, now),
    ];
  }
}
