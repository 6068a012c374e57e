/**
 * To the local agent: whole lines appended to its `intake/lines`, which it takes by renaming it. So the file is opened anew for each
 * write, and a write is never longer than what one `write()` appends whole. It ends where a task does: the agent may read in between,
 * and what a task used and what it cost have to come to it at once.
 */

import { constants } from "node:fs";
import { open } from "node:fs/promises";
import { join } from "node:path";
import { Queue } from "./queue.js";
import { metric, sameTask } from "./records.js";

/** @typedef {import("./records.js").Record_} Record_ */
/** @typedef {import("./reports.js").Reports} Reports */

export const MAX_LINE_BYTES = 4_000;
const MAX_RECORDS = 20_000;
const MAX_FILE_BYTES = 16_777_216;
const PAUSE_MS = 5_000;
const AT_A_TIME = 500;
const { O_WRONLY, O_APPEND, O_CREAT, O_NOFOLLOW, O_NONBLOCK } = constants;
const CONTROL = /[\u0000-\u001f\u007f]/g;

/**
 * @param {Record_} record
 * @param {Readonly<Record<string, string>>} tags of the plugin's settings
 * @returns {string} with its line feed, at most `MAX_LINE_BYTES` bytes: labels at the end are left out if need be
 */
export function line(record, tags) {
  const head = record.kind === "metric"
    ? ["m", record.time, record.name, record.value]
    : ["e", record.time, record.name, record.payload ? JSON.stringify(record.payload) : ""];
  const labels = Object.entries({ ...tags, ...record.tags, ...record.attributes }).map(([key, value]) => `${key}=${value}`);
  for (;;) {
    const text = [...head, ...labels].map((field) => String(field).replace(CONTROL, " ")).join("\t") + "\n";
    if (Buffer.byteLength(text) <= MAX_LINE_BYTES || labels.length === 0) return text;
    labels.pop();
  }
}

/**
 * @param {readonly Record_[]} records
 * @param {Readonly<Record<string, string>>} tags
 * @returns {Buffer[]} their lines by the write that appends them; a task is parted only if it is too long for one
 */
export function writes(records, tags) {
  /** @type {string[][]} */
  const tasks = [];
  for (const [index, record] of records.entries()) {
    if (index > 0 && sameTask(records[index - 1], record)) tasks[tasks.length - 1].push(line(record, tags));
    else tasks.push([line(record, tags)]);
  }
  return packed(tasks.flatMap(packed)).map((text) => Buffer.from(text));
}

/** @param {readonly string[]} texts @returns {string[]} as many joined as go into one write */
function packed(texts) {
  /** @type {string[]} */
  const found = [];
  for (const text of texts) {
    const joined = (found.at(-1) ?? "") + text;
    if (found.length > 0 && Buffer.byteLength(joined) <= MAX_LINE_BYTES) found[found.length - 1] = joined;
    else found.push(text);
  }
  return found;
}

export class Intake {
  /** @type {Queue<Record_>} */
  #records;
  #folder;
  #tags;
  #reports;
  #dropped = 0;
  #nextTry = 0;
  /** @type {Buffer[]} what of the last lines is not written yet, by write */
  #rest = [];
  /** @type {Promise<void> | null} */
  #writing = null;
  #maxFileBytes;

  /**
   * @param {Object} parts
   * @param {string} parts.folder
   * @param {Readonly<Record<string, string>>} parts.tags
   * @param {Reports} parts.reports
   * @param {{records?: number, fileBytes?: number}} [parts.limits]
   */
  constructor({ folder, tags, reports, limits = {} }) {
    this.#folder = folder;
    this.#tags = tags;
    this.#reports = reports;
    this.#records = new Queue(limits.records ?? MAX_RECORDS, () => void (this.#dropped += 1));
    this.#maxFileBytes = limits.fileBytes ?? MAX_FILE_BYTES;
  }

  /** @param {Record_} record */
  add(record) {
    this.#records.push(record);
  }

  /** @param {number} now ms since 1970 */
  tick(now) {
    if (now >= this.#nextTry || this.#nextTry - now > PAUSE_MS) void this.#writeAll(now);
  }

  /** @param {number} now */
  async flush(now) {
    await this.#writing;
    await this.#writeAll(now);
  }

  /** @param {number} now */
  #writeAll(now) {
    this.#writing ??= this.#write(now).then(
      () => this.#reports.fine(`writing to ${this.#folder} again`),
      (error) => this.#failed(error, now),
    ).then(() => {
      this.#writing = null;
    });
    return this.#writing;
  }

  /** @param {number} now */
  async #write(now) {
    for (let left = MAX_RECORDS; left > 0 && (this.#rest.length > 0 || this.#records.length > 0 || this.#dropped > 0); left -= AT_A_TIME) {
      if (this.#rest.length === 0) this.#rest = this.#nextLines(now);
      while (this.#rest.length > 0) await this.#append(this.#rest[0]);
    }
  }

  /** @param {number} now @returns {Buffer[]} */
  #nextLines(now) {
    const dropped = this.#dropped ? metric("clawpulse.dropped", this.#dropped, now) : null;
    this.#dropped = 0;
    const records = [...(dropped ? [dropped] : []), ...this.#records.take(AT_A_TIME, sameTask)];
    return writes(records, this.#tags);
  }

  /** Append the next whole lines in one write. @param {Buffer} group */
  async #append(group) {
    const file = await open(join(this.#folder, "lines"), O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK, 0o660);
    try {
      const { size } = await file.stat();
      if (size > this.#maxFileBytes) throw new Error("the local agent does not take what is written; is it running?");
      const { bytesWritten } = await file.write(group, 0, group.length);
      this.#advance(group, bytesWritten);
    } finally {
      await file.close();
    }
  }

  /**
   * On a full disk a write may end within a line. The line is ended there, and written again as a whole.
   * @param {Buffer} group
   * @param {number} written
   */
  #advance(group, written) {
    if (written === group.length) {
      this.#rest.shift();
      return;
    }
    const whole = group.subarray(0, written).lastIndexOf("\n") + 1;
    const broken = whole < written ? [Buffer.from("\n")] : [];
    this.#rest[0] = Buffer.concat([...broken, group.subarray(whole)]);
    throw new Error("the disk is full");
  }

  /** @param {NodeJS.ErrnoException} error @param {number} now */
  #failed(error, now) {
    this.#nextTry = now + PAUSE_MS;
    const why = error.code === "ENOENT" ? "there is no such folder; is the local agent installed?" : error.message;
    const words = `cannot write to ${this.#folder} (${why}); the data is kept, bounded`;
    this.#reports.trouble(`intake ${error.code ?? error.message}`, "warn", words);
  }
}
