/**
 * From what OpenClaw tells (typed hooks and diagnostic events, 2026.9) to what the fleet wants to know. No text of a conversation is
 * looked at, let alone kept: of messages only why the last one of the model ended. Everything is optional: other versions may leave
 * fields out or send other types.
 */

import { Gauges } from "./gauges.js";
import { event, metric } from "./records.js";
import { errorKind, errorText } from "./redact.js";
import { Runs } from "./runs.js";

/** @typedef {import("./records.js").Record_} Record_ */
/** @typedef {import("./runs.js").Facts} Facts */
/** @typedef {Readonly<Record<string, unknown>>} Fields */

/** The hooks that are listened to. None is a `before_*` hook: those fail closed. */
export const HOOKS = Object.freeze(["model_call_started", "model_call_ended", "llm_output", "after_tool_call", "agent_end"]);

/** Phases of a run before its first attempt. */
const PREPARING = Object.freeze([
  "runner_entered", "workspace", "runtime_plugins", "before_agent_reply", "model_resolution", "auth", "context_engine",
]);
const REMEMBERED = 4_096;
const FAILED_STOPS = Object.freeze(["error", "aborted"]);
const LAST_MESSAGES = 50;

export class Mapping {
  #runs;
  #gauges = new Gauges();
  #emit;
  /** Events by hook that were seen: a second registration gets the same objects. */
  #seen = new Map(HOOKS.map((name) => [name, /** @type {WeakSet<object>} */ (new WeakSet())]));
  /** @type {Set<number>} numbers of the last diagnostic events */
  #numbers = new Set();

  /**
   * @param {(record: Record_ | null) => void} emit takes what is to be sent; null is nothing
   * @param {string} [version] of OpenClaw
   */
  constructor(emit, version) {
    this.#emit = emit;
    this.#runs = new Runs(emit, { pricer: version ? `openclaw ${version}` : "openclaw" });
  }

  /**
   * @param {string} name one of `HOOKS`
   * @param {unknown} given the hook's event
   * @param {unknown} context
   * @param {number} now ms since 1970
   */
  hook(name, given, context, now) {
    const fields = object(given), seen = this.#seen.get(name);
    if (!seen || seen.has(fields)) return;
    seen.add(fields);
    const around = object(context);
    const id = text(fields.runId) ?? text(around.runId);
    if (id) this.#run(name, id, fields, facts(fields, around), now);
    this.#gauges.workers(this.#runs.active, now);
  }

  /**
   * @param {unknown} given a diagnostic event
   * @param {number} now
   */
  diagnostic(given, now) {
    const fields = object(given);
    if (this.#repeated(fields.seq)) return;
    this.#diagnosed(fields, number(fields.ts) ?? now);
  }

  /**
   * Close what is over. To be called each second or so.
   * @param {number} now
   */
  tick(now) {
    this.#runs.tick(now);
    this.#gauges.workers(this.#runs.active, now);
  }

  /**
   * Send the present values of all gauges.
   * @param {number} now
   */
  sample(now) {
    this.#gauges.sample(now).forEach(this.#emit);
  }

  /**
   * The gateway ends.
   * @param {number} now
   */
  stop(now) {
    this.#runs.closeAll(now);
    this.#gauges.workers(0, now);
  }

  /** @param {string} name @param {string} id @param {Fields} fields @param {Facts} known @param {number} now */
  #run(name, id, fields, known, now) {
    switch (name) {
      case "model_call_started":
        return this.#runs.working(id, now, known);
      case "model_call_ended":
        this.#runs.heard(id, now, known);
        return this.#modelCall(id, fields, known, now);
      case "llm_output":
        return this.#runs.used(id, now, known, usage(object(fields.usage)));
      case "agent_end":
        return this.#runs.attemptEnded(id, now, known, failure(fields), number(fields.durationMs));
      default:
        return this.#runs.heard(id, now, known);
    }
  }

  /** @param {string} id @param {Fields} fields @param {Facts} known @param {number} now */
  #modelCall(id, fields, known, now) {
    const tags = { model: known.model, provider: known.provider, outcome: fields.outcome };
    const of = { task_id: id };
    this.#emit(metric("openclaw.model_call.duration_ms", number(fields.durationMs) ?? NaN, now, tags, of));
    this.#emit(metric("openclaw.model_call.ttfb_ms", number(fields.timeToFirstByteMs) ?? NaN, now, tags, of));
  }

  /** @param {Fields} fields @param {number} time */
  #diagnosed(fields, time) {
    const lane = text(fields.lane), session = text(fields.sessionId) ?? text(fields.sessionKey), id = text(fields.runId);
    switch (fields.type) {
      case "queue.lane.enqueue":
        return lane && this.#gauges.enqueued(lane, time);
      case "queue.lane.dequeue":
        return lane && this.#dequeued(lane, fields, time);
      case "session.state":
        return session && this.#session(session, String(fields.state), time);
      case "session.stuck":
      case "session.stalled":
        return this.#emit(attention(fields, time));
      case "run.execution_phase":
        return id && this.#runs.working(id, time, facts(fields, {}), PREPARING.includes(String(fields.phase)));
    }
  }

  /** @param {string} lane @param {Fields} fields @param {number} time */
  #dequeued(lane, fields, time) {
    this.#gauges.dequeued(lane, number(fields.queueSize) ?? 0, time);
    // Lanes of sessions are named after them, without bound, and the names can hold who is spoken to.
    const [kind] = lane.split(":", 1);
    this.#emit(metric("openclaw.queue.wait_ms", number(fields.waitMs) ?? NaN, time, { lane: kind }));
  }

  /** @param {string} session @param {string} state @param {number} time */
  #session(session, state, time) {
    this.#gauges.session(session, state, time);
    this.#runs.session(session, state === "idle", time);
    this.#gauges.workers(this.#runs.active, time);
  }

  /** @param {unknown} seq @returns {boolean} whether this event came before, over another registration */
  #repeated(seq) {
    if (typeof seq !== "number") return false;
    if (this.#numbers.has(seq)) return true;
    this.#numbers.add(seq);
    if (this.#numbers.size > REMEMBERED) {
      const [first] = this.#numbers;
      this.#numbers.delete(first);
    }
    return false;
  }
}

/**
 * @param {Fields} fields of the event
 * @param {Fields} around its context
 * @returns {Facts}
 */
function facts(fields, around) {
  return {
    session: text(fields.sessionId) ?? text(around.sessionId),
    model: text(fields.model) ?? text(around.modelId),
    provider: text(fields.provider) ?? text(around.modelProviderId),
    trigger: text(around.trigger),
    channel: text(around.channel),
    agent: text(around.agentId),
  };
}

/** @param {Fields} fields of an event on a session that does not get on @param {number} time */
function attention({ type, classification, sessionId }, time) {
  return event(`openclaw.${type}`, time, { classification }, { session_id: sessionId });
}

/** @param {Fields} given @returns {import("./runs.js").Usage} */
function usage({ input, output, cacheRead, cacheWrite, cost }) {
  const total = number(object(cost).total);
  // A model without a price costs 0 to OpenClaw; to the fleet its cost is unknown.
  return {
    input: count(input), output: count(output), cacheRead: count(cacheRead), cacheWrite: count(cacheWrite), cost: total || undefined,
  };
}

/**
 * Why an attempt failed, or null. `success` is true even when the provider refused: then the model's last message ends in an error.
 * @param {Fields} fields of `agent_end`
 * @returns {import("./runs.js").Failure | null}
 */
function failure({ success, error, messages }) {
  const last = lastOfModel(messages);
  const stop = text(last.stopReason);
  if (success !== false && !(stop && FAILED_STOPS.includes(stop))) return null;
  const message = text(error) ?? text(last.errorMessage);
  return { kind: errorKind({ code: last.errorCode, failure: stop === "aborted" ? stop : undefined, message }), text: errorText(message) };
}

/** @param {unknown} messages @returns {Fields} the model's last message, or nothing */
function lastOfModel(messages) {
  const last = Array.isArray(messages) ? messages.slice(-LAST_MESSAGES).reverse() : [];
  return object(last.find((message) => object(message).role === "assistant"));
}

/** @param {unknown} value @returns {Fields} */
function object(value) {
  return typeof value === "object" && value !== null ? /** @type {Fields} */ (value) : {};
}

/** @param {unknown} value */
function text(value) {
  return typeof value === "string" && value ? value : undefined;
}

/** @param {unknown} value */
function number(value) {
  return typeof value === "number" && Number.isFinite(value) && value >= 0 ? value : undefined;
}

/** @param {unknown} value */
function count(value) {
  const found = number(value);
  return found === undefined ? undefined : Math.round(found);
}
