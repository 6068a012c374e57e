/**
 * The runs that OpenClaw has in hand, and what each of them becomes: one task.
 *
 * A run is one turn of an agent. It can make several attempts: OpenClaw ends each with `agent_end`, waits, and tries again under the
 * same run id. So a run is over when its session has gone idle and nothing follows for a moment: usage comes after the end
 * (`llm_output`), and a fallback model may take over. Where sessions do not tell their state, silence decides; so it does for a run
 * that fails before its first attempt, say for want of a key: OpenClaw tells nothing more of it. Times are arguments; nothing here
 * looks at a clock.
 */

import { event, metric } from "./records.js";

/** @typedef {import("./records.js").Record_} Record_ */

/**
 * @typedef {Object} Facts What is known of a run; anything may be missing.
 * @property {string} [session] session id
 * @property {string} [model]
 * @property {string} [provider]
 * @property {string} [trigger]
 * @property {string} [channel]
 * @property {string} [agent] name of the agent within OpenClaw
 */

/**
 * @typedef {Object} Usage Tokens and cost of an attempt; undefined: not reported. `input` is without what came from the cache.
 * @property {number} [input]
 * @property {number} [output]
 * @property {number} [cacheRead]
 * @property {number} [cacheWrite]
 * @property {number} [cost] USD
 */

/** @typedef {{kind: string, text: string}} Failure Why an attempt failed: a tag's value, and words. */

/**
 * @typedef {Object} Run
 * @property {string} id
 * @property {number} began ms since 1970
 * @property {number} active when it was heard of last
 * @property {number | null} ended end of its last attempt; null while one is under way
 * @property {number | null} idle when its session went idle
 * @property {boolean} sessionTells whether its session reports its state
 * @property {boolean} started whether its start is told
 * @property {boolean} attempting whether it came as far as an attempt
 * @property {boolean} tried whether an attempt has ended
 * @property {boolean} counted whether it counts as active
 * @property {Failure | null} failure of the last attempt
 * @property {Facts} facts
 * @property {Usage} usage of all attempts
 */

/** After a success, for what comes late. */
export const SETTLE_MS = 1_000;
/** After a failure: another model may take over. */
export const FAILED_SETTLE_MS = 5_000;
/** Before the first attempt: longer than a cold start takes. */
export const PREPARING_MS = 60_000;
/** Without a word of the session: longer than OpenClaw waits between most attempts. */
export const SILENT_MS = 120_000;
export const ABANDONED_MS = 3_600_000;
const MAX_OPEN = 1_000;
const MAX_CLOSED = 10_000;

const USAGE = /** @type {const} */ ({
  input: "task.tokens_in",
  output: "task.tokens_out",
  cacheRead: "task.tokens_cache_read",
  cacheWrite: "task.tokens_cache_write",
  cost: "task.cost_usd",
});
const RATE_LIMITED = "rate_limited";
const HEARTBEAT = "heartbeat";
const FACT_KEYS = /** @type {ReadonlyArray<keyof Facts>} */ (["session", "model", "provider", "trigger", "channel", "agent"]);
const USAGE_KEYS = /** @type {ReadonlyArray<keyof Usage>} */ (Object.keys(USAGE));

export class Runs {
  /** @type {Map<string, Run>} in the order in which they were heard of first */
  #open = new Map();
  /** @type {Set<string>} the last ids that were closed: what comes late must not open them again */
  #closed = new Set();
  #emit;
  #maxOpen;
  #pricer;

  /**
   * @param {(record: Record_ | null) => void} emit takes what is to be sent
   * @param {{maxOpen?: number, pricer?: string}} [options] `pricer`: who says what runs cost
   */
  constructor(emit, { maxOpen = MAX_OPEN, pricer = "openclaw" } = {}) {
    this.#emit = emit;
    this.#maxOpen = maxOpen;
    this.#pricer = pricer;
  }

  /** Runs that are at work, or wait for another attempt. */
  active = 0;

  /**
   * A run works: it begins, or makes another attempt.
   * @param {string} id
   * @param {number} now
   * @param {Facts} facts
   * @param {boolean} [preparing] whether it is still on its way to an attempt
   */
  working(id, now, facts, preparing = false) {
    const begins = !this.#open.has(id);
    const run = this.#touch(id, now, facts, now);
    if (!run) return;
    if (begins) this.#succeed(run, now);
    run.attempting ||= !preparing;
    // Events are delivered out of order: one from before the end tells of no other attempt.
    if (run.ended !== null && now > run.ended) run.ended = run.idle = null;
    this.#count(run);
  }

  /**
   * Something is known of a run that says nothing of whether it still works.
   * @param {string} id
   * @param {number} now
   * @param {Facts} facts
   */
  heard(id, now, facts) {
    this.#touch(id, now, facts, now);
  }

  /**
   * An attempt of a run has ended.
   * @param {string} id
   * @param {number} now
   * @param {Facts} facts
   * @param {Failure | null} failure null when it went well
   * @param {number} [durationMs] of the attempt
   */
  attemptEnded(id, now, facts, failure, durationMs = 0) {
    const run = this.#touch(id, now, facts, now - durationMs);
    if (!run) return;
    run.ended = now;
    run.attempting = run.tried = true;
    run.failure = failure;
    this.#count(run);
    if (failure?.kind === RATE_LIMITED) this.#emit(metric("llm.rate_limited", 1, now, tags(run), { task_id: id }));
  }

  /**
   * Usage of one attempt, which may come after its end.
   * @param {string} id
   * @param {number} now
   * @param {Facts} facts
   * @param {Usage} usage
   */
  used(id, now, facts, usage) {
    const run = this.#touch(id, now, facts, now);
    if (!run) return;
    for (const key of USAGE_KEYS) {
      const value = usage[key];
      if (value !== undefined) run.usage[key] = (run.usage[key] ?? 0) + value;
    }
  }

  /**
   * A session tells its state.
   * @param {string} session
   * @param {boolean} idle
   * @param {number} now
   */
  session(session, idle, now) {
    for (const run of this.#open.values()) {
      if (run.facts.session !== session) continue;
      run.sessionTells = run.attempting = true;
      run.idle = idle ? now : null;
      this.#count(run);
    }
  }

  /**
   * Tell of starts, and of the runs that are over by now.
   * @param {number} now
   */
  tick(now) {
    for (const run of this.#open.values()) {
      this.#tellStart(run);
      if (isOver(run, now)) this.#close(run, run.attempting && run.idle === null ? ABANDONED : NO_RESULT, run.active);
    }
  }

  /**
   * The gateway ends: what has not ended never will.
   * @param {number} now
   */
  closeAll(now) {
    for (const run of this.#open.values()) this.#close(run, STOPPED, now);
  }

  /**
   * @param {string} id
   * @param {number} now
   * @param {Facts} facts
   * @param {number} began
   * @returns {Run | null} null for a run that was closed before
   */
  #touch(id, now, facts, began) {
    if (this.#closed.has(id)) return null;
    const run = this.#open.get(id) ?? this.#begin(id, began);
    run.began = Math.min(run.began, began);
    run.active = Math.max(run.active, now);
    for (const key of FACT_KEYS) if (facts[key]) run.facts[key] = facts[key];
    return run;
  }

  /** @param {string} id @param {number} began */
  #begin(id, began) {
    if (this.#open.size >= this.#maxOpen) {
      const [oldest] = this.#open.values();
      this.#close(oldest, ABANDONED, oldest.active);
    }
    /** @type {Run} */
    const run = {
      id, began, active: began, ended: null, idle: null, sessionTells: false, started: false, attempting: false, tried: false,
      counted: false, failure: null, facts: {}, usage: {},
    };
    this.#open.set(id, run);
    this.#count(run);
    return run;
  }

  /**
   * A session has one run at a time: those before this one are over.
   * @param {Run} run
   * @param {number} now
   */
  #succeed(run, now) {
    for (const other of this.#open.values()) {
      const over = other !== run && other.ended !== null && other.facts.session !== undefined && other.facts.session === run.facts.session;
      if (over) this.#close(other, ABANDONED, now);
    }
  }

  /** @param {Run} run */
  #tellStart(run) {
    if (run.started) return;
    run.started = true;
    this.#emit(event("task.started", run.began, tags(run), about(run)));
  }

  /**
   * @param {Run} run
   * @param {Failure} otherwise why it failed, if no attempt of it has ended
   * @param {number} now when it ended then
   */
  #close(run, otherwise, now) {
    this.#tellStart(run);
    this.#forget(run);
    const end = run.ended ?? now;
    const cut = run.ended === null && (otherwise === STOPPED || !run.tried);
    const failure = cut ? otherwise : run.failure;
    this.#tellFigures(run, end);
    if (failure) this.#emit(metric("task.errors", 1, end, { ...tags(run), error: failure.kind }, { task_id: run.id }));
    const payload = failure && { err: failure.text || failure.kind };
    this.#emit(event(failure ? "task.failed" : "task.completed", end, tags(run), about(run), payload));
  }

  /** @param {Run} run @param {number} end */
  #tellFigures(run, end) {
    for (const key of USAGE_KEYS) {
      const value = run.usage[key], own = key === "cost" ? { ...tags(run), cost_source: this.#pricer } : tags(run);
      if (value !== undefined) this.#emit(metric(USAGE[key], value, end, own, { task_id: run.id }));
    }
    this.#emit(metric("task.latency_ms", Math.max(0, end - run.began), end, tags(run), { task_id: run.id }));
  }

  /** @param {Run} run @param {boolean} [active] */
  #count(run, active = run.ended === null || (run.failure !== null && run.idle === null)) {
    this.active += Number(active) - Number(run.counted);
    run.counted = active;
  }

  /** @param {Run} run */
  #forget(run) {
    this.#open.delete(run.id);
    this.#count(run, false);
    this.#closed.add(run.id);
    if (this.#closed.size > MAX_CLOSED) {
      const [first] = this.#closed;
      this.#closed.delete(first);
    }
  }
}

const ABANDONED = Object.freeze({ kind: "abandoned", text: "nothing was heard of the run any more" });
const STOPPED = Object.freeze({ kind: "stopped", text: "the gateway stopped during the run" });
const NO_RESULT = Object.freeze({ kind: "no_result", text: "the run ended without a result" });

/** @param {Run} run @param {number} now */
function isOver(run, now) {
  const failed = run.ended === null || run.failure !== null;
  if (run.idle !== null) return now - Math.max(run.idle, run.active) >= (failed ? FAILED_SETTLE_MS : SETTLE_MS);
  const quiet = now - run.active;
  if (!run.attempting) return quiet >= PREPARING_MS;
  if (run.ended === null) return quiet >= ABANDONED_MS;
  if (run.sessionTells) return quiet >= (failed ? ABANDONED_MS : SILENT_MS);
  return quiet >= (failed ? SILENT_MS : FAILED_SETTLE_MS);
}

/** @param {Run} run */
function tags({ facts }) {
  // Heartbeats are told from work in all figures; what else begins runs is not worth a series of its own.
  return { model: facts.model, trigger: facts.trigger === HEARTBEAT ? HEARTBEAT : undefined };
}

/** @param {Run} run */
function about({ id, facts }) {
  const { session, provider, trigger, channel, agent } = facts;
  return { task_id: id, session_id: session, provider, trigger, channel, openclaw_agent: agent };
}
