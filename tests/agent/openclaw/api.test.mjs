/** Straight to the API, over a real HTTP server. */

import assert from "node:assert/strict";
import test from "node:test";
import { gzipSync } from "node:zlib";
import { Api } from "../../../agent/openclaw-plugin/src/api.js";
import { post } from "../../../agent/openclaw-plugin/src/post.js";
import { metric } from "../../../agent/openclaw-plugin/src/records.js";
import { Reports } from "../../../agent/openclaw-plugin/src/reports.js";
import { server, until } from "./host.mjs";

const SENDER = { agent: "agent-7", epoch: "k3f9x2", tags: {}, info: {} };

/** An outlet to a server that answers as `answer` says, with a clock that the test moves. */
async function world(context, { answer, limits, random = () => 0.5, timeout = 5_000 } = {}) {
  const api = await server(answer), log = [], clock = { now: 1_795_478_400_000 };
  context.after(() => api.close());
  const outlet = new Api({
    sender: SENDER, send: (body) => post(api.url, "cp_a_b", body, timeout), random, clock: () => clock.now, limits,
    reports: new Reports((level, text) => log.push(`${level} ${text}`)),
  });
  const add = (...values) => values.forEach((value) => outlet.add(metric("m", value, clock.now)));
  const step = (ms) => {
    clock.now += ms;
    outlet.tick(clock.now);
  };
  return { api, outlet, log, clock, add, step, flush: () => outlet.flush(clock.now) };
}

/** All values of a metric that the server was sent. */
function values(api, name = "m") {
  return api.posts.flatMap(({ batch }) => batch.series ?? []).filter((series) => series.name === name).flatMap((series) => series.values);
}

test("a batch goes out when it is old enough, and an empty one as a heartbeat", async (t) => {
  const { api, add, step } = await world(t);
  step(0);
  await until(() => api.posts.length === 1);
  add(1, 2);
  step(9_999);
  step(1);
  await until(() => api.posts.length === 2);
  step(14_999);
  step(1);
  await until(() => api.posts.length === 3);
  assert.deepEqual(api.posts.map(({ batch }) => [batch.seq, batch.series?.[0].values ?? []]), [[0, []], [1, [1, 2]], [2, []]]);
  const [{ headers, path }] = api.posts;
  const sent = [path, headers.authorization, headers["content-encoding"], headers["content-type"]];
  assert.deepEqual(sent, ["/v1/batches", "Bearer cp_a_b", "gzip", "application/json"]);
});

test("a batch ends before a task rather than within it", async (t) => {
  const { api, outlet, add, clock, flush } = await world(t);
  add(...Array.from({ length: 998 }, (_, i) => i));
  for (const name of ["task.tokens_in", "task.tokens_out", "task.cost_usd"]) outlet.add(metric(name, 1, clock.now, {}, { task_id: "r1" }));
  outlet.tick(clock.now);
  await until(() => api.posts.length === 1);
  await flush();
  const names = api.posts.map(({ batch }) => batch.series.map((series) => series.name));
  assert.deepEqual(names, [["m"], ["task.tokens_in", "task.tokens_out", "task.cost_usd"]]);
  assert.equal(values(api).length, 998);
});

test("a retry sends the same bytes, after growing pauses, and nothing is lost", async (t) => {
  const answers = [{ status: 503 }, null, { status: 500 }, { status: 429, headers: { "retry-after": "7" } }];
  const { api, add, step, flush, log } = await world(t, { answer: (count) => count <= answers.length ? answers[count - 1] : {} });
  add(1);
  await flush();
  for (const [index, pause] of [500, 1_000, 2_000, 7_350].entries()) {
    step(pause - 1);
    assert.equal(api.posts.length, index + 1);
    step(1);
    await until(() => api.posts.length === index + 2);
    await flushed();
  }
  assert.equal(new Set(api.posts.map(({ body }) => body.toString("hex"))).size, 1);
  assert.deepEqual(log.map((line) => line.split(" ")[0]), ["warn", "info"]);
});

/** Let what was answered be taken in. */
async function flushed() {
  for (let i = 0; i < 20; i += 1) await new Promise(setImmediate);
  await new Promise((resolve) => void setTimeout(resolve, 20));
}

test("while a server is down batches wait in order", async (t) => {
  let down = true;
  const { api, add, flush, clock } = await world(t, { answer: () => down ? { status: 502 } : {} });
  for (const value of [1, 2, 3]) {
    add(value);
    clock.now += 60_000;
    await flush();
  }
  down = false;
  await flush();
  assert.deepEqual(api.posts.slice(-3).map(({ batch }) => [batch.seq, batch.series[0].values]), [[0, [1]], [1, [2]], [2, [3]]]);
});

test("when too much waits the oldest is dropped, and the number is told", async (t) => {
  let down = true;
  const { api, add, flush, log } = await world(t, { answer: () => down ? { status: 502 } : {}, limits: { bytes: 600 } });
  for (let value = 1; value <= 12; value += 1) {
    add(value);
    await flush();
  }
  down = false;
  await flush();
  add(13);
  await flush();
  const accepted = { posts: api.posts.slice(12) };
  const dropped = values(accepted, "clawpulse.dropped").reduce((sum, value) => sum + value, 0);
  assert.ok(dropped > 0);
  assert.equal(values(accepted).length + dropped, 13);
  assert.deepEqual(values(accepted).slice(-2), [12, 13]);
  assert.equal(log.filter((line) => line.includes("points were lost")).length, 1);
});

test("records beyond the bound are dropped and counted before they are batches", async (t) => {
  const { api, add, flush } = await world(t, { limits: { records: 100 } });
  for (let value = 0; value < 250; value += 1) add(value);
  await flush();
  assert.equal(values(api).length, 100);
  assert.equal(values(api).at(-1), 249);
  assert.deepEqual(values(api, "clawpulse.dropped"), [150]);
});

test("a batch has at most 1,000 points", async (t) => {
  const { api, add, flush, step } = await world(t);
  for (let value = 0; value < 2_500; value += 1) add(value);
  step(0);
  await until(() => api.posts.length === 2);
  await flush();
  assert.deepEqual(api.posts.map(({ batch }) => batch.series[0].values.length), [1_000, 1_000, 500]);
});

test("a refused token is told once; the data is kept until it is good again", async (t) => {
  let status = 401;
  const { api, add, step, flush, log } = await world(t, {
    answer: () => status === 200 ? {} : { status, body: '{"title":"Unauthorized","detail":"the token is revoked"}' },
  });
  add(1);
  await flush();
  for (let minute = 0; minute < 3; minute += 1) {
    step(60_000);
    await until(() => api.posts.length === minute + 2);
    await flushed();
  }
  assert.deepEqual(log.map((line) => line.slice(0, 5)), ["error"]);
  assert.ok(log[0].includes("the token is revoked") && !log[0].includes("cp_a_b"));
  status = 200;
  await flush();
  assert.deepEqual(values(api).filter((value) => value === 1).length, 5);
  assert.equal(log.at(-1), "info delivering again");
});

test("what the server can never take is dropped, told and counted", async (t) => {
  const { api, add, flush, log } = await world(t, { answer: (count) => count === 1 ? { status: 400, body: '{"detail":"tags: no"}' } : {} });
  add(1, 2);
  await flush();
  await flush();
  assert.deepEqual(values(api, "clawpulse.dropped"), [2]);
  assert.ok(log.some((line) => line.includes("tags: no")));
});

test("points that the server rejects are counted and told once", async (t) => {
  const body = '{"rejected":[{"in":"series","series":0,"point":0,"reason":"too old"}],"rejectedCount":3}';
  const { api, add, flush, log } = await world(t, { answer: () => ({ body }) });
  for (const value of [1, 2]) {
    add(value);
    await flush();
  }
  assert.deepEqual(values(api, "clawpulse.rejected"), [3]);
  assert.equal(log.filter((line) => line.includes("too old")).length, 1);
});

test("no answer in time, nobody there and a token that no header takes are tries that failed", async (t) => {
  const silent = await server(() => new Promise(() => {}));
  t.after(() => silent.close());
  const body = gzipSync("{}");
  const answers = [
    await post(silent.url, "t", body, 50), await post("http://127.0.0.1:1/v1/batches", "t", body, 5_000),
    await post(silent.url, "a\nsecret", body, 5_000),
  ];
  assert.deepEqual(answers.map(({ status }) => status), [0, 0, 0]);
  assert.match(answers[0].reason, /no answer within 0.05 s/);
  assert.doesNotMatch(answers[2].reason, /secret/);
});
