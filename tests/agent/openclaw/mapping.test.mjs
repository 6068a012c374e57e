/** From OpenClaw's events to tasks and metrics. */

import assert from "node:assert/strict";
import test from "node:test";
import { Mapping } from "../../../agent/openclaw-plugin/src/mapping.js";
import * as runs from "../../../agent/openclaw-plugin/src/runs.js";
import {
  NOW, SAID, callEnded, callStarted, context, dequeue, ended, enqueue, output, phase, refusal, sessionState,
} from "./events.mjs";
import { byName } from "./host.mjs";

/** A mapping, and what came out of it. */
function world() {
  const records = [];
  const mapping = new Mapping((record) => record && records.push(record));
  const hook = (name, event, at) => mapping.hook(name, event, context(event.runId), at);
  const attempt = (run, at, { last, usage } = {}) => {
    hook("model_call_started", callStarted(run), at);
    hook("model_call_ended", callEnded(run), at + 700);
    hook("agent_end", ended(run, { last, durationMs: 800 }), at + 800);
    hook("llm_output", output(run, usage), at + 801);
  };
  return { records, mapping, hook, attempt, of: (name) => records.filter((record) => record.name === name) };
}

/** The records of a task but its start, by name. */
function task(records, run) {
  return byName(records.filter((record) => record.attributes.task_id === run && record.name.startsWith("task.")));
}

test("a run becomes a task with latency, tokens and cost", () => {
  const { mapping, attempt, records, of } = world();
  mapping.diagnostic(phase("r1", "runner_entered", NOW - 500), NOW);
  attempt("r1", NOW);
  mapping.diagnostic(sessionState("r1", "processing", NOW + 1), NOW);
  mapping.diagnostic(sessionState("r1", "idle", NOW + 900), NOW);
  mapping.tick(NOW + 900 + runs.SETTLE_MS);
  assert.deepEqual(task(records, "r1"), {
    "task.started": [null], "task.tokens_in": [1000], "task.tokens_out": [34], "task.tokens_cache_read": [200],
    "task.tokens_cache_write": [0], "task.cost_usd": [0.00357], "task.latency_ms": [1300], "task.completed": [null],
  });
  const [started] = of("task.started"), [completed] = of("task.completed");
  assert.deepEqual([started.time, completed.time], [NOW - 500, NOW + 800]);
  assert.deepEqual(completed.tags, { model: "fixed-1" });
  assert.deepEqual(completed.attributes, {
    task_id: "r1", session_id: "session-r1", provider: "fixed", trigger: "user", channel: "webchat", openclaw_agent: "main",
  });
});

test("a cost says who priced it", () => {
  for (const [version, source] of [["2026.9.6", "openclaw 2026.9.6"], [undefined, "openclaw"]]) {
    const records = [], mapping = new Mapping((record) => record && records.push(record), version);
    mapping.hook("llm_output", output("r1"), context("r1"), NOW);
    mapping.stop(NOW + 1);
    const [cost] = records.filter(({ name }) => name === "task.cost_usd"), [tokens] = records.filter(({ name }) => name === "task.tokens_in");
    assert.deepEqual(cost.tags, { model: "fixed-1", cost_source: source });
    assert.deepEqual(tokens.tags, { model: "fixed-1" });
  }
});

test("the start is told while the run is under way", () => {
  const { mapping, hook, of } = world();
  hook("model_call_started", callStarted("r1"), NOW);
  mapping.tick(NOW + 1_000);
  assert.equal(of("task.started").length, 1);
  assert.equal(of("task.completed").length, 0);
});

test("a model without a price has no cost, not a cost of 0", () => {
  for (const usage of [{ input: 5, output: 1, cost: { total: 0 } }, { input: 5, output: 1 }]) {
    const { mapping, attempt, records } = world();
    attempt("r1", NOW, { usage });
    mapping.tick(NOW + 60_000);
    assert.deepEqual(task(records, "r1")["task.tokens_in"], [5]);
    assert.equal("task.cost_usd" in task(records, "r1"), false);
    assert.equal("task.tokens_cache_read" in task(records, "r1"), false);
  }
});

test("a refusal of the provider is a failure though OpenClaw calls the attempt a success", () => {
  const { mapping, attempt, records, of } = world();
  attempt("r1", NOW, { last: refusal(500, "500 upstream exploded"), usage: null });
  mapping.diagnostic(sessionState("r1", "idle", NOW + 900), NOW);
  mapping.tick(NOW + 900 + runs.FAILED_SETTLE_MS);
  assert.deepEqual(task(records, "r1"), {
    "task.started": [null], "task.latency_ms": [800], "task.errors": [1], "task.failed": [{ err: "500 upstream exploded" }],
  });
  assert.deepEqual(of("task.errors")[0].tags, { model: "fixed-1", error: "http_500" });
});

test("attempts of one run are one task, with the outcome of the last and the tokens of all", () => {
  const { mapping, attempt, records, of } = world();
  mapping.diagnostic(sessionState("r1", "processing", NOW), NOW);
  attempt("r1", NOW, { last: refusal(429, "429 slow down"), usage: { input: 10 } });
  mapping.diagnostic(sessionState("r1", "processing", NOW + 900), NOW);
  mapping.tick(NOW + 40_000);
  assert.equal(of("task.failed").length, 0);
  attempt("r1", NOW + 60_000);
  mapping.diagnostic(sessionState("r1", "idle", NOW + 60_900), NOW);
  mapping.tick(NOW + 70_000);
  assert.deepEqual(task(records, "r1")["task.tokens_in"], [1010]);
  assert.deepEqual(task(records, "r1")["task.latency_ms"], [60_800]);
  assert.deepEqual([of("task.completed").length, of("task.failed").length], [1, 0]);
  assert.equal(of("llm.rate_limited").length, 1);
});

test("after a fallback to another model the run goes on", () => {
  const { mapping, attempt, of } = world();
  attempt("r1", NOW, { last: refusal(401, "no") });
  mapping.diagnostic(sessionState("r1", "idle", NOW + 900), NOW);
  mapping.tick(NOW + 900 + runs.FAILED_SETTLE_MS - 1);
  attempt("r1", NOW + 4_000);
  mapping.diagnostic(sessionState("r1", "idle", NOW + 5_000), NOW);
  mapping.tick(NOW + 7_000);
  assert.deepEqual([of("task.completed").length, of("task.failed").length], [1, 0]);
});

test("events from before the end do not open a run again", () => {
  const { mapping, attempt, of } = world();
  attempt("r1", NOW);
  mapping.diagnostic(phase("r1", "assistant_output_started", NOW + 799), NOW + 850);
  mapping.diagnostic(sessionState("r1", "idle", NOW + 900), NOW + 900);
  mapping.tick(NOW + 2_000);
  assert.equal(of("task.completed").length, 1);
  mapping.hook("llm_output", output("r1"), context("r1"), NOW + 5_000);
  mapping.tick(NOW + 10_000_000);
  assert.equal(of("task.started").length, 1);
  assert.equal(of("task.tokens_in").length, 1);
});

test("a run that fails before its first attempt is told as failed", () => {
  const { mapping, records } = world();
  for (const name of ["runner_entered", "workspace", "model_resolution"]) mapping.diagnostic(phase("r1", name, NOW + 100), NOW);
  mapping.tick(NOW + 100 + runs.PREPARING_MS - 1);
  assert.deepEqual(Object.keys(task(records, "r1")), ["task.started"]);
  mapping.tick(NOW + 100 + runs.PREPARING_MS);
  assert.deepEqual(task(records, "r1")["task.failed"], [{ err: "the run ended without a result" }]);
});

test("the next run of a session ends the one before", () => {
  const { mapping, attempt, of } = world();
  const same = (run, at) => mapping.diagnostic({ ...phase(run, "runner_entered", at), sessionId: "s" }, at);
  mapping.diagnostic({ ...sessionState("r1", "processing", NOW), sessionId: "s" }, NOW);
  attempt("r1", NOW, { last: refusal(400, "no") });
  same("r1", NOW + 100);
  mapping.diagnostic({ ...sessionState("r1", "processing", NOW + 1_000), sessionId: "s" }, NOW);
  same("r2", NOW + 1_000);
  assert.deepEqual(of("task.failed").map((record) => record.attributes.task_id), ["r1"]);
});

test("where sessions tell nothing, silence ends a run", () => {
  const { mapping, attempt, of } = world();
  attempt("good", NOW);
  attempt("bad", NOW, { last: refusal(500, "no") });
  mapping.tick(NOW + 10_000);
  assert.deepEqual([of("task.completed").length, of("task.failed").length], [1, 0]);
  mapping.tick(NOW + 802 + runs.SILENT_MS);
  assert.equal(of("task.failed").length, 1);
});

test("what never ends is closed: after an hour, and when there are too many", () => {
  const { mapping, hook, of } = world();
  hook("model_call_started", callStarted("r0"), NOW);
  mapping.tick(NOW + runs.ABANDONED_MS);
  assert.deepEqual(of("task.errors")[0].tags.error, "abandoned");
  for (let i = 1; i <= 1_010; i += 1) hook("model_call_started", callStarted(`r${i}`), NOW + runs.ABANDONED_MS + i);
  assert.deepEqual(of("task.failed").map((record) => record.attributes.task_id), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10].map((i) => `r${i}`));
  mapping.sample(NOW + runs.ABANDONED_MS + 2_000);
  assert.equal(of("fleet.active_workers").at(-1).value, 1_000);
});

test("runs at once are kept apart, and counted as active", () => {
  const { mapping, hook, records, of } = world();
  const all = ["a", "b", "c", "d"];
  for (const run of all) hook("model_call_started", callStarted(run), NOW);
  mapping.sample(NOW + 1);
  for (const [i, run] of all.entries()) {
    hook("llm_output", output(run, { input: i + 1, output: 1 }), NOW + 10 + i);
    hook("agent_end", ended(run), NOW + 10 + i);
    mapping.diagnostic(sessionState(run, "idle", NOW + 20), NOW);
  }
  mapping.tick(NOW + 20_000);
  mapping.sample(NOW + 20_001);
  assert.deepEqual(all.map((run) => task(records, run)["task.tokens_in"]), [[1], [2], [3], [4]]);
  assert.deepEqual(of("fleet.active_workers").map((record) => record.value), [4, 4, 0]);
});

test("a stop of the gateway fails what has not ended, and completes what has", () => {
  const { mapping, hook, attempt, of } = world();
  attempt("done", NOW);
  hook("model_call_started", callStarted("cut"), NOW);
  mapping.stop(NOW + 900);
  assert.deepEqual(of("task.completed").map((record) => record.attributes.task_id), ["done"]);
  assert.deepEqual(of("task.errors").map((record) => [record.attributes.task_id, record.tags.error]), [["cut", "stopped"]]);
});

test("the depth of queues is what waits, in all lanes, with its peak", () => {
  const { mapping, of } = world();
  mapping.diagnostic(enqueue("main", 5, NOW), NOW);
  mapping.diagnostic(enqueue("session:agent:main:x", 2, NOW), NOW);
  mapping.diagnostic(enqueue("main", 6, NOW + 1), NOW);
  mapping.diagnostic(dequeue("main", 1, 40, NOW + 2), NOW);
  mapping.sample(NOW + 1_000);
  mapping.diagnostic(dequeue("session:agent:main:x", 0, 3, NOW + 1_001), NOW);
  mapping.sample(NOW + 2_000);
  assert.deepEqual(of("queue.depth").map((record) => record.value), [3, 2, 1]);
  assert.deepEqual(of("openclaw.queue.wait_ms").map((record) => [record.value, record.tags.lane]), [[40, "main"], [3, "session"]]);
});

test("a lane that was emptied without a word is forgotten after an hour", () => {
  const { mapping, of } = world();
  mapping.diagnostic(enqueue("main", 1, NOW), NOW);
  mapping.diagnostic(enqueue("other", 1, NOW + 3_600_001), NOW);
  mapping.sample(NOW + 3_600_002);
  assert.equal(of("queue.depth").at(-1).value, 1);
});

test("sessions are counted by state", () => {
  const { mapping, of } = world();
  for (const [run, state] of [["a", "processing"], ["b", "processing"], ["c", "waiting"], ["b", "idle"]]) {
    mapping.diagnostic(sessionState(run, state, NOW), NOW);
  }
  mapping.sample(NOW + 1);
  assert.deepEqual([of("openclaw.sessions.processing")[0].value, of("openclaw.sessions.waiting")[0].value], [1, 1]);
});

test("the same event counts once, however many registrations pass it on", () => {
  const { mapping, hook, records } = world();
  const diagnostic = enqueue("main", 1, NOW), told = output("r1"), end = ended("r1");
  for (let i = 0; i < 3; i += 1) {
    mapping.diagnostic(structuredClone(diagnostic), NOW);
    hook("llm_output", told, NOW);
    hook("agent_end", end, NOW);
  }
  mapping.tick(NOW + 60_000);
  mapping.sample(NOW + 60_001);
  assert.deepEqual(task(records, "r1")["task.tokens_in"], [1000]);
  assert.equal(records.find((record) => record.name === "queue.depth").value, 1);
});

test("no text of a conversation gets through", () => {
  const { mapping, attempt, records } = world();
  attempt("r1", NOW);
  attempt("r2", NOW, { last: refusal(400, `400 no rule for "${SAID} and more of it"`) });
  mapping.diagnostic(sessionState("r1", "idle", NOW), NOW);
  mapping.diagnostic({ type: "session.stuck", sessionId: "s", sessionKey: SAID, reason: SAID, classification: "stale_session_state", ts: NOW }, NOW);
  mapping.diagnostic(dequeue(`session:${SAID}`, 0, 1, NOW), NOW);
  mapping.tick(NOW + 600_000);
  mapping.sample(NOW + 600_000);
  assert.equal(records.some((record) => record.name === "task.failed"), true);
  assert.equal(records.some((record) => record.name === "openclaw.session.stuck"), true);
  assert.equal(JSON.stringify(records).includes(SAID), false);
});

test("rubbish from OpenClaw does no harm", () => {
  const { mapping, records } = world();
  const rubbish = [null, undefined, 7, "x", [], {}, { runId: 5 }, { runId: "r", usage: "x", messages: 7, durationMs: -1, success: false }];
  for (const event of rubbish) {
    for (const name of ["model_call_started", "model_call_ended", "llm_output", "agent_end", "after_tool_call"]) {
      mapping.hook(name, event, event, NOW);
    }
    for (const type of ["queue.lane.enqueue", "queue.lane.dequeue", "session.state", "run.execution_phase", "session.stuck", "?"]) {
      mapping.diagnostic(typeof event === "object" ? { ...event, type } : event, NOW);
    }
  }
  mapping.tick(NOW + 10_000_000);
  assert.deepEqual(task(records, "r")["task.failed"], [{ err: "error" }]);
  assert.equal(records.every((record) => record.kind === "event" || Number.isFinite(record.value)), true);
});

test("heartbeats are told from work in all figures", () => {
  for (const [trigger, tags] of [["heartbeat", { model: "fixed-1", trigger: "heartbeat" }], ["cron", { model: "fixed-1" }]]) {
    const { mapping, records } = world();
    const around = { ...context("r1"), trigger };
    mapping.hook("agent_end", ended("r1"), around, NOW);
    mapping.hook("llm_output", output("r1"), around, NOW + 1);
    mapping.tick(NOW + 60_000);
    const told = records.filter((record) => record.attributes.task_id === "r1" && record.name !== "task.started");
    assert.equal(told.length, 7);
    told.forEach(({ name, tags: found }) => assert.deepEqual(found, name === "task.cost_usd" ? { ...tags, cost_source: "openclaw" } : tags));
  }
});
