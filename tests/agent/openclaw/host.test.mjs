/** The plugin as a whole within a host that behaves as OpenClaw was recorded to. */

import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import test from "node:test";
import { register } from "../../../agent/openclaw-plugin/src/host.js";
import { NOW, callStarted, context, dequeue, ended, enqueue, output } from "./events.mjs";
import { Host, fresh, server, until } from "./host.mjs";
import { occurrences, replay } from "./replay.mjs";

test.beforeEach(fresh);
test.after(fresh);

/** A host with the plugin on, sending to a real server. */
async function world(t, { answer, loads = ["full", "discovery", "discovery"], config = {}, clock = { now: NOW } } = {}) {
  const api = await server(answer), host = new Host();
  t.after(() => api.close());
  const settings = { url: `${api.base}/`, tokenEnv: "TOKEN", agent: "oc-1", tags: { env: "prod" }, ...config };
  const surroundings = { environment: { TOKEN: "cp_secret_token" }, clock: () => clock.now };
  const plugins = loads.map((mode) => register(host.api({ mode, config: settings }), host.diagnostics, surroundings));
  await new Promise(setImmediate);
  return { api, host, clock, plugins, plugin: plugins[0], settings, surroundings };
}

function points(api, name) {
  return api.posts.flatMap(({ batch }) => [...(batch.series ?? []), ...(batch.events ?? [])]).filter((column) => column.name === name)
    .flatMap((column) => column.values ?? column.times.map(() => 1));
}

test("three loads are one plugin with one subscription", async (t) => {
  const { api, host, plugins } = await world(t);
  assert.equal(new Set(plugins).size, 1);
  assert.equal(host.subscribers.size, 1);
  host.fire("gateway_start", {});
  host.fire("llm_output", output("r1"), context("r1"));
  host.fire("agent_end", ended("r1"), context("r1"));
  host.emit(enqueue("main", 1, NOW));
  host.emit(dequeue("main", 0, 5, NOW));
  await Promise.all(host.fire("gateway_stop", {}));
  assert.deepEqual(points(api, "task.tokens_in"), [1000]);
  assert.deepEqual(points(api, "openclaw.queue.wait_ms"), [5]);
  assert.equal(host.subscribers.size, 0);
});

test("what was recorded of OpenClaw 2026.9.6 comes out as its five turns", async (t) => {
  const { api, host, plugin, clock } = await world(t);
  replay(host, plugin, clock);
  await Promise.all(host.fire("gateway_stop", {}));
  const tasks = {};
  for (const { batch } of api.posts) {
    for (const column of [...(batch.series ?? []), ...(batch.events ?? [])]) {
      for (const [i, id] of (column.attributes?.task_id ?? []).entries()) {
        const told = column.values?.[i] ?? column.payloads?.[i]?.err ?? "";
        if (column.name.startsWith("task.")) ((tasks[id] ??= {})[column.name] ??= []).push(column.tags.error ?? told);
      }
    }
  }
  const seconds = (task) => task["task.latency_ms"].map((ms) => Math.round(ms / 1_000));
  const shown = Object.values(tasks).map((task) => ({ ...task, "task.latency_ms": seconds(task) }));
  const good = (tokens, cached, out, cost) => ({
    "task.tokens_in": [tokens], "task.tokens_cache_read": [cached], "task.tokens_cache_write": [0], "task.tokens_out": [out],
    "task.cost_usd": [cost], "task.completed": [""], "task.started": [""],
  });
  const bad = (kind, words) => ({ "task.started": [""], "task.errors": [kind], "task.failed": [words] });
  assert.deepEqual(shown, [
    { ...good(1000, 200, 34, 0.0035700000000000003), "task.latency_ms": [3] },
    { ...good(700, 0, 9, 0.002235), "task.latency_ms": [2] },
    { ...bad("http_500", "500 upstream exploded ***"), "task.latency_ms": [66] },
    { ...bad("auth", "401 invalid api key"), "task.latency_ms": [2] },
    { ...bad("stopped", "the gateway stopped during the run"), "task.latency_ms": [shown[4]?.["task.latency_ms"][0]] },
  ]);
  assert.equal(JSON.stringify(api.posts.map(({ batch }) => batch)).includes("TEXT-OF-A-CONVERSATION"), false);
});

test("the recording has text of conversations, so that its absence means something", () => {
  assert.ok(occurrences().some((each) => JSON.stringify(each).includes("TEXT-OF-A-CONVERSATION")));
});

test("hooks give nothing to wait for, and no hook can hold up a turn", async (t) => {
  const { host } = await world(t);
  assert.deepEqual([...host.handlers.keys()].filter((hook) => hook.startsWith("before_")), []);
  for (const hook of host.handlers.keys()) {
    if (hook !== "gateway_stop") assert.deepEqual(new Set(host.fire(hook, {}, {})), new Set([undefined]));
  }
});

test("commands that only look at plugins send nothing", async (t) => {
  const { api, host, plugin } = await world(t, { loads: ["cli-metadata", "setup-only"] });
  assert.deepEqual([plugin, host.handlers.size, host.subscribers.size], [null, 0, 0]);
  const looking = await world(t, { loads: ["full"] });
  await looking.plugin.stop(100);
  assert.equal(api.posts.length + looking.api.posts.length, 0);
});

test("a host that throws at every turn costs telemetry only", async () => {
  const broken = () => {
    throw new Error("host fault");
  };
  const host = new Host();
  const api = { ...host.api({ on: broken }), logger: { info: broken, warn: broken, error: broken } };
  const plugin = register(api, broken, { environment: {} });
  plugin.hook("agent_end", ended("r1"), context("r1"));
  plugin.diagnostic(new Proxy({}, { get: broken }));
  plugin.hook("agent_end", new Proxy({}, { get: broken }), {});
  await plugin.stop(100);
  for (const worse of [{}, { on: 5 }, Object.defineProperty({}, "pluginConfig", { get: broken })]) register(worse, broken, { environment: {} });
});

test("a fault is told once", async (t) => {
  const { host, plugin } = await world(t);
  const fault = () => {
    throw new Error("kaputt");
  };
  for (let i = 0; i < 5; i += 1) plugin.diagnostic(new Proxy({}, { get: fault }));
  assert.equal(host.log.filter((line) => line.includes("kaputt")).length, 1);
});

test("other settings replace the plugin; what it had is sent", async (t) => {
  const { api, host, plugin, settings, surroundings } = await world(t);
  host.fire("llm_output", output("r1"), context("r1"));
  host.fire("agent_end", ended("r1"), context("r1"));
  const next = register(host.api({ config: { ...settings, agent: "oc-2" } }), host.diagnostics, surroundings);
  assert.notEqual(next, plugin);
  assert.ok(plugin.stopped);
  await until(() => points(api, "task.completed").length === 1);
  host.fire("llm_output", output("r2"), context("r2"));
  await next.stop(1_000);
  assert.deepEqual(new Set(api.posts.map(({ batch }) => batch.agent)), new Set(["oc-1", "oc-2"]));
  assert.deepEqual(points(api, "task.tokens_in"), [1000, 1000]);
});

test("a reload with the same settings goes on, in whichever order it stops and starts", async (t) => {
  const { api, host, settings, surroundings } = await world(t, { loads: ["full"] });
  host.fire("gateway_start", {});
  const before = new Map(host.handlers);
  host.handlers.clear();
  register(host.api({ config: settings }), host.diagnostics, surroundings);
  await Promise.all(before.get("gateway_stop").map((handler) => handler({}, {})));
  host.fire("gateway_start", {});
  await new Promise(setImmediate);
  assert.equal(host.subscribers.size, 1);
  host.fire("llm_output", output("r1"), context("r1"));
  await Promise.all(host.fire("gateway_stop", {}));
  assert.deepEqual(points(api, "task.tokens_in"), [1000]);
  assert.equal(new Set(api.posts.map(({ batch }) => batch.epoch)).size, 2);
});

test("a token in a file is read again at each delivery", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "token-")), tokenFile = join(folder, "token");
  t.after(() => rmSync(folder, { recursive: true }));
  const { api, host, plugin, clock } = await world(t, { config: { tokenFile } });
  host.fire("gateway_start", {});
  await until(() => host.log.some((line) => line.startsWith("error") && line.includes("cannot read the token")));
  for (const token of ["cp_first", "cp_second"]) {
    writeFileSync(tokenFile, `${token}\n`);
    await until(() => {
      clock.now += 10_000;
      plugin.tick();
      return api.posts.some(({ headers }) => headers.authorization === `Bearer ${token}`);
    });
  }
  assert.equal(host.log.join().includes("cp_first"), false);
});

test("without a token the operator is told which setting is missing, once", async (t) => {
  const { api, host, plugin, clock } = await world(t, { config: { tokenEnv: "OTHER" } });
  host.fire("gateway_start", {});
  await until(() => host.log.length >= 2);
  for (let i = 0; i < 30; i += 1) {
    clock.now += 10_000;
    plugin.tick();
    await new Promise(setImmediate);
  }
  assert.equal(api.posts.length, 0);
  assert.deepEqual(host.log.filter((line) => line.startsWith("error")).map((line) => line.includes("OTHER")), [true]);
});

test("a stop waits no longer than it may for a server that does not answer", async (t) => {
  const { api, host, plugin } = await world(t, { answer: () => new Promise(() => {}) });
  host.fire("agent_end", ended("r1"), context("r1"));
  await plugin.stop(50);
  assert.ok(plugin.stopped);
  assert.ok(api.posts.length <= 1);
});

test("a flood of events is taken in without holding up the process", async (t) => {
  const { api, host, plugin, clock } = await world(t);
  const delay = monitorEventLoopDelay({ resolution: 5 });
  delay.enable();
  const batch = 500, batches = 20;
  for (let i = 0; i < batches; i += 1) {
    for (let j = 0; j < batch; j += 2) {
      const run = `r${i}-${j}`;
      host.emit(enqueue(`session:${run}`, 1, clock.now));
      host.fire("model_call_started", callStarted(run), context(run));
    }
    clock.now += 50;
    plugin.tick();
    await new Promise((resolve) => void setTimeout(resolve, 1));
  }
  delay.disable();
  const [median, highest] = [delay.percentile(50), delay.max].map((ns) => (ns / 1e6).toFixed(1));
  t.diagnostic(`${batch * batches} events; event loop delay: median ${median} ms, highest ${highest} ms`);
  await plugin.stop(3_000);
  const told = points(api, "task.started").length, dropped = points(api, "clawpulse.dropped").reduce((sum, value) => sum + value, 0);
  assert.ok(told > 0);
  assert.ok(told + dropped >= (batch * batches) / 2);
});

test("an unhandled rejection or exception never came of all this", () => {
  assert.deepEqual(unhandled, []);
});

const unhandled = [];
for (const kind of ["unhandledRejection", "uncaughtException"]) process.on(kind, (error) => unhandled.push(error));

test("the manifest names the settings that are read", () => {
  const folder = new URL("../../../agent/openclaw-plugin/", import.meta.url);
  const manifest = JSON.parse(readFileSync(new URL("openclaw.plugin.json", folder), "utf8"));
  const source = readFileSync(new URL("src/settings.js", folder), "utf8");
  for (const key of Object.keys(manifest.configSchema.properties)) assert.match(source, new RegExp(`\\b${key}\\b`));
});
