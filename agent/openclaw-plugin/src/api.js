/**
 * Straight to the API. Batches are made once and kept until the server has them or can never take them: a retry sends the same bytes
 * under the same id, so nothing counts twice. They wait in memory, bounded; the oldest is dropped, and counted.
 */

import { promisify } from "node:util";
import { gzip } from "node:zlib";
import { Queue } from "./queue.js";
import { metric, sameTask } from "./records.js";
import { elsewhere, judge, refused } from "./verdict.js";
import { document, MAX_POINTS } from "./wire.js";

/** @typedef {import("./records.js").Record_} Record_ */
/** @typedef {import("./reports.js").Reports} Reports */
/** @typedef {import("./verdict.js").Answer} Answer */
/** @typedef {Omit<import("./wire.js").Header, "seq" | "time">} Sender Epoch and all else that batches have in common. */

/** @typedef {{body: Buffer, points: number, dropped: number}} Batch `dropped`: the number that it carries as `clawpulse.dropped` */

const compress = promisify(gzip);
const CUT_MS = 10_000;
const HEARTBEAT_MS = 15_000;
/** A longer wait than this is the work of a clock that was set back. */
const MAX_WAIT_MS = 400_000;
const MAX_RECORDS = 20_000;
const MAX_BATCH_BYTES = 8_388_608;

export class Api {
  /** @type {Queue<Record_>} */
  #records;
  /** @type {Queue<Batch>} */
  #batches;
  #sender;
  #send;
  #reports;
  #random;
  #clock;
  #seq = 0;
  #cut = 0;
  #dropped = 0;
  #rejected = 0;
  #failures = 0;
  #nextTry = 0;
  /** @type {Promise<void> | null} */
  #cutting = null;
  /** @type {Promise<void> | null} */
  #delivering = null;

  /**
   * @param {Object} parts
   * @param {Sender} parts.sender
   * @param {(body: Buffer) => Promise<Answer>} parts.send never rejects
   * @param {Reports} parts.reports
   * @param {() => number} [parts.random] in [0, 1)
   * @param {() => number} [parts.clock] ms since 1970
   * @param {{records?: number, bytes?: number}} [parts.limits]
   */
  constructor({ sender, send, reports, random = Math.random, clock = Date.now, limits = {} }) {
    this.#sender = sender;
    this.#send = send;
    this.#reports = reports;
    this.#random = random;
    this.#clock = clock;
    this.#records = new Queue(limits.records ?? MAX_RECORDS, () => void (this.#dropped += 1));
    this.#batches = new Queue(limits.bytes ?? MAX_BATCH_BYTES, (batch) => this.#lose(batch));
  }

  /** @param {Record_} record */
  add(record) {
    this.#records.push(record);
  }

  /**
   * Cut and deliver what is due. Waits for nothing.
   * @param {number} now ms since 1970
   */
  tick(now) {
    const age = now - this.#cut;
    const full = this.#records.length >= MAX_POINTS;
    const due = full || age >= HEARTBEAT_MS || age < 0 || (age >= CUT_MS && this.#records.length > 0);
    const cutting = due ? this.#cutAll(now) : this.#cutting;
    if (now >= this.#nextTry || this.#nextTry - now > MAX_WAIT_MS) void Promise.resolve(cutting).then(() => this.#deliverAll());
  }

  /**
   * Deliver all that can be delivered at once; a server that does not answer is tried once.
   * @param {number} now
   */
  async flush(now) {
    await this.#cutting;
    if (this.#records.length > 0 || this.#dropped > 0) await this.#cutAll(now);
    await this.#delivering;
    await this.#deliverAll();
  }

  /** @param {number} now */
  #cutAll(now) {
    const failed = (/** @type {unknown} */ error) => this.#reports.once("cut", "error", `cannot make a batch: ${error}`);
    this.#cutting ??= this.#makeBatches(now).catch(failed).then(() => {
      this.#cutting = null;
    });
    return this.#cutting;
  }

  /** @param {number} now */
  async #makeBatches(now) {
    this.#cut = now;
    do {
      await this.#makeBatch(now);
    } while (this.#records.length >= MAX_POINTS);
  }

  /** @param {number} now */
  async #makeBatch(now) {
    const dropped = this.#dropped, rejected = this.#rejected;
    this.#dropped = this.#rejected = 0;
    const figures = [metric("clawpulse.dropped", dropped || NaN, now), metric("clawpulse.rejected", rejected || NaN, now)];
    const own = figures.filter((figure) => figure !== null);
    const records = this.#records.take(MAX_POINTS - own.length, sameTask);
    const header = { ...this.#sender, seq: this.#seq++, time: now };
    const body = await compress(document(header, [...records, ...own]));
    this.#batches.push({ body, points: records.length, dropped }, body.length);
  }

  #deliverAll() {
    const failed = (/** @type {unknown} */ error) => this.#reports.once("deliver", "error", `cannot deliver: ${error}`);
    this.#delivering ??= this.#deliver().catch(failed).then(() => {
      this.#delivering = null;
    });
    return this.#delivering;
  }

  async #deliver() {
    for (let batch = this.#batches.hold(); batch; batch = this.#batches.hold()) {
      const answer = await this.#send(batch.body);
      const { action, delayMs } = judge(answer, this.#failures, this.#random());
      this.#batches.release(action !== "retry");
      if (action === "retry") {
        this.#failures += 1;
        this.#nextTry = this.#clock() + delayMs;
        return this.#tellTrouble(answer, delayMs);
      }
      this.#failures = this.#nextTry = 0;
      if (action === "drop") this.#refused(batch, answer);
      else this.#delivered(answer);
    }
  }

  /** @param {Answer} answer @param {number} delayMs */
  #tellTrouble({ status, reason }, delayMs) {
    const kept = `the data is kept, next try in ${Math.round(delayMs / 1_000)} s`, reports = this.#reports;
    if (refused(status)) reports.trouble("denied", "error", `the API does not let this token write (${reason}); ${kept}`);
    else if (elsewhere(status)) reports.trouble("elsewhere", "error", `the url is not the API's or a proxy is in between (${reason}); ${kept}`);
    else reports.trouble("unreachable", "warn", `cannot deliver (${reason}); the data is kept, retrying with growing pauses`);
  }

  /** @param {Answer} answer */
  #delivered({ content }) {
    this.#reports.fine("delivering again");
    const { rejectedCount, rejected } = content;
    if (typeof rejectedCount !== "number" || !(rejectedCount > 0)) return;
    this.#rejected += rejectedCount;
    const [first] = Array.isArray(rejected) ? rejected : [];
    const reason = String(first?.reason).slice(0, 200);
    this.#reports.once("rejected", "warn", `the API rejected points (${reason}); clawpulse.rejected counts them`);
  }

  /** @param {Batch} batch @param {Answer} answer */
  #refused(batch, { status, reason }) {
    this.#lose(batch);
    const words = `the API refused a batch of ${batch.points} points (${reason}); clawpulse.dropped counts them`;
    this.#reports.once(`refused ${status}`, "error", words);
  }

  /** @param {Batch} batch */
  #lose({ points, dropped }) {
    this.#dropped += points + dropped;
    this.#reports.once("full", "warn", "points were lost; clawpulse.dropped counts them");
  }
}
