/** The small parts: redaction, settings, queue, verdicts, batches. */

import assert from "node:assert/strict";
import test from "node:test";
import { Queue } from "../../../agent/openclaw-plugin/src/queue.js";
import { event, metric } from "../../../agent/openclaw-plugin/src/records.js";
import { errorKind, errorText } from "../../../agent/openclaw-plugin/src/redact.js";
import { read } from "../../../agent/openclaw-plugin/src/settings.js";
import { judge } from "../../../agent/openclaw-plugin/src/verdict.js";
import { document } from "../../../agent/openclaw-plugin/src/wire.js";

const NOW = 1_795_478_400_000;

test("secrets, addresses and quotations are taken out of errors", () => {
  const hidden = {
    "401 invalid key sk-abcdef1234567890": "401 invalid key ***",
    "Authorization: Bearer abc.def.ghi was refused": "Authorization *** was refused",
    "token=cp_abc_0123456789 expired": "token *** expired",
    "no route to https://user:pw@models.example/v1?key=1": "no route to <url>",
    "mail to someone@example.org bounced": "mail to <address> bounced",
    "cannot call +49 170 1234567": "cannot call <number>",
    'no rule for "what the user wrote to the agent"': "no rule for <text>",
    'bad request {"messages": ["hello"]}': "bad request <data>",
    "hash 0123456789abcdef0123456789abcdef wrong": "hash *** wrong",
    "two\nlines\u0000": "two lines",
  };
  for (const [text, words] of Object.entries(hidden)) assert.equal(errorText(text), words);
  assert.equal(errorText("x ".repeat(500)).length, 200);
  assert.equal(errorText(undefined), "");
});

test("redaction of a long text takes no long time", () => {
  for (const unit of ['"', "'a ", "{", "@", "1 ", "a@", "sk-", "bearer ", "x"]) assert.ok(errorText(unit.repeat(1_000_000)).length <= 200);
});

test("errors are of few kinds", () => {
  const kinds = {
    rate_limited: { code: "429" }, auth: { code: 401 }, http_502: { code: "502" }, timeout: { message: "Request timed out." },
    aborted: { failure: "aborted" }, error: { code: "teapot", failure: "Some long text", message: "?" },
  };
  for (const [kind, known] of Object.entries(kinds)) assert.equal(errorKind(known), kind);
});

test("values that are none make no point, and labels are made fit", () => {
  for (const value of [NaN, Infinity, 1e300, "5", null, undefined]) assert.equal(metric("m", value, NOW), null);
  const { tags } = metric("m", 1, NOW + 0.4, { model: "a=b,c|d!", long: "x".repeat(500), none: undefined, empty: " ", bad: "\u0007\ud800" });
  assert.deepEqual(tags, { model: "a_b_c_d_", long: "x".repeat(128), bad: "__" });
});

test("settings come from the configuration, then the environment, then the defaults", () => {
  const machine = { host: "box 1", home: "/home/me", root: false, exists: () => false, writable: () => false };
  const plain = read(undefined, {}, machine).settings;
  assert.deepEqual([plain.url, plain.agent, plain.intake], ["", "box-1", "/home/me/.local/state/clawpulse/intake"]);
  const shared = { ...machine, writable: (path) => path === "/var/lib/clawpulse/intake/lines" };
  assert.equal(read({}, {}, shared).settings.intake, "/var/lib/clawpulse/intake", "the system's agent takes lines from everybody");
  assert.equal(read({}, {}, { ...shared, exists: () => true }).settings.intake, "/home/me/.local/state/clawpulse/intake");
  assert.equal(read({}, {}, { ...machine, root: true }).settings.intake, "/var/lib/clawpulse/intake");
  assert.equal(read({}, { CLAWPULSE_HOME: "/srv/cp" }, machine).settings.intake, "/srv/cp/intake");
  const environment = { CLAWPULSE_URL: "https://api.example/v1/", CLAWPULSE_AGENT: "env-1", CLAWPULSE_TAGS: "env=prod,tier=fast" };
  const { settings } = read({ agent: "conf-1" }, environment, machine);
  assert.deepEqual([settings.url, settings.agent, settings.tags], ["https://api.example/v1", "conf-1", { env: "prod", tier: "fast" }]);
});

test("what is wrong with settings is named, and the rest is used", () => {
  const { settings, problems } = read({ url: "ftp://x", agent: "no spaces", tags: { "1": "x", ok: "y", n: 5 }, tokenFile: 7 }, {}, { host: "h" });
  assert.deepEqual([settings.url, settings.agent, settings.tags, settings.tokenFile], ["", "h", { ok: "y" }, ""]);
  assert.deepEqual(problems.map((problem) => problem.split(" ")[0]), ["url", "tokenFile", "agent", "tags.1", "tags.n"]);
});

test("a full queue drops the oldest, but never what is being sent", () => {
  const dropped = [];
  const queue = new Queue(3, (item) => dropped.push(item));
  for (const item of [1, 2, 3, 4]) queue.push(item);
  assert.deepEqual([dropped, queue.hold(), queue.length], [[1], 2, 3]);
  for (const item of [5, 6]) queue.push(item);
  assert.deepEqual([dropped, queue.hold()], [[1, 3, 4], 2]);
  queue.release(true);
  assert.deepEqual([queue.take(9), queue.length, queue.weight, queue.hold()], [[5, 6], 0, 0, undefined]);
});

test("a queue parts only where it may, unless there is no such place", () => {
  const queue = new Queue(100, assert.fail), together = (one, other) => one[0] === other[0];
  for (const item of ["a1", "b1", "b2", "b3", "c1"]) queue.push(item);
  assert.deepEqual(queue.take(3, together), ["a1"]);
  assert.deepEqual(queue.take(2, together), ["b1", "b2"]);
  assert.deepEqual(queue.take(1, together), ["b3"]);
  assert.deepEqual(queue.take(9, together), ["c1"]);
  assert.deepEqual(queue.take(9, together), []);
});

test("a queue is bounded by weight, and keeps what is heavier than that alone", () => {
  const dropped = [];
  const queue = new Queue(10, (item) => dropped.push(item));
  queue.push("a", 4);
  queue.push("b", 20);
  assert.deepEqual([dropped, queue.weight], [["a"], 20]);
});

test("a queue in use for long keeps its order", () => {
  const queue = new Queue(10_000, assert.fail);
  let taken = 0;
  for (let i = 0; i < 20_000; i += 1) {
    queue.push(i);
    if (i % 3) assert.deepEqual(queue.take(1), [taken++]);
  }
  assert.equal(queue.length, 20_000 - taken);
});

test("verdicts follow the wire format's table", () => {
  const of = (status, { retryAfter = null, failures = 0, chance = 0.5 } = {}) => judge({ status, retryAfter, reason: "", content: {} }, failures, chance);
  assert.deepEqual(of(200), { action: "delivered", delayMs: 0 });
  for (const status of [400, 409, 413, 422]) assert.equal(of(status).action, "drop");
  for (const status of [0, 408, 425, 429, 500, 503]) assert.deepEqual(of(status), { action: "retry", delayMs: 500 });
  for (const status of [401, 403, 404, 405, 407, 302]) assert.deepEqual(of(status), { action: "retry", delayMs: 45_000 });
  assert.deepEqual([1, 2, 5, 50].map((failures) => of(500, { failures }).delayMs), [1_000, 2_000, 16_000, 30_000]);
  assert.equal(of(503, { retryAfter: 7, chance: 0 }).delayMs, 7_000);
  assert.equal(of(429, { retryAfter: 9_999, chance: 0 }).delayMs, 300_000);
  assert.equal(of(500, { chance: 0 }).delayMs, 0);
});

test("a batch is columnar, without holes", () => {
  const header = { agent: "a", epoch: "e", seq: 3, time: NOW, tags: { env: "prod" }, info: { host: "h" } };
  const records = [
    metric("m", 1, NOW - 5, { t: "x" }, { task_id: "1" }), metric("m", 2, NOW - 4, { t: "x" }, { task_id: "2" }),
    metric("m", 3, NOW, { t: "x" }), event("e", NOW, {}, {}, { err: "no" }), event("e", NOW),
  ];
  assert.deepEqual(JSON.parse(document(header, records)), {
    v: 1, agent: "a", epoch: "e", seq: 3, time: NOW, tags: { env: "prod" }, info: { host: "h" },
    series: [
      { name: "m", tags: { t: "x" }, times: [-5, -4], values: [1, 2], attributes: { task_id: ["1", "2"] } },
      { name: "m", tags: { t: "x" }, times: [0], values: [3] },
    ],
    events: [{ name: "e", tags: {}, times: [0, 0], payloads: [{ err: "no" }, null] }],
  });
  assert.deepEqual(Object.keys(JSON.parse(document(header, []))), ["v", "agent", "epoch", "seq", "time", "tags", "info"]);
});
