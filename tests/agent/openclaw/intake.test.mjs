/** To the local agent's intake folder. */

import assert from "node:assert/strict";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";
import { Intake, MAX_LINE_BYTES, line, writes } from "../../../agent/openclaw-plugin/src/intake.js";
import { event, metric } from "../../../agent/openclaw-plugin/src/records.js";
import { Reports } from "../../../agent/openclaw-plugin/src/reports.js";

const NOW = 1_795_478_400_000;

function world(context, { limits, make = true } = {}) {
  const folder = join(mkdtempSync(join(tmpdir(), "intake-")), "intake"), log = [];
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  if (make) mkdirSync(folder);
  const outlet = new Intake({ folder, tags: { tier: "fast" }, reports: new Reports((level, text) => log.push(`${level} ${text}`)), limits });
  const lines = () => existsSync(join(folder, "lines")) ? readFileSync(join(folder, "lines"), "utf8").split("\n").slice(0, -1) : [];
  return { folder, log, outlet, lines, add: (...values) => values.forEach((value) => outlet.add(metric("m", value, NOW))) };
}

test("metrics and events become lines", async (t) => {
  const { outlet, lines } = world(t);
  outlet.add(metric("task.latency_ms", 12.5, NOW, { model: "fixed-1" }, { task_id: "r1" }));
  outlet.add(event("task.failed", NOW, {}, { task_id: "r1" }, { err: 'a\t"b"' }));
  outlet.add(event("task.started", NOW));
  await outlet.flush(NOW);
  assert.deepEqual(lines(), [
    `m\t${NOW}\ttask.latency_ms\t12.5\ttier=fast\tmodel=fixed-1\ttask_id=r1`,
    `e\t${NOW}\ttask.failed\t{"err":"a\\t\\"b\\""}\ttier=fast\ttask_id=r1`,
    `e\t${NOW}\ttask.started\t\ttier=fast`,
  ]);
});

test("a line is never longer than what is appended whole", () => {
  const labels = Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`k${i}`, "ä".repeat(128)]));
  const text = line(metric("m", 1, NOW, {}, { task_id: "r1", ...labels }), {});
  assert.ok(Buffer.byteLength(text) <= MAX_LINE_BYTES && text.includes("task_id=r1") && text.endsWith("\n"));
});

test("no write ends within a task that fits into one", () => {
  const fat = { k: "x".repeat(100) }, figures = ["task.tokens_in", "task.tokens_out", "task.cost_usd"];
  for (let before = 0; before < 30; before += 1) {
    const others = Array.from({ length: before }, (_, i) => metric("m", i, NOW, fat));
    const tasks = ["r1", "r2"].flatMap((id) => figures.map((name) => metric(name, 1, NOW, fat, { task_id: id })));
    const records = [...others, ...tasks, ...others];
    const texts = writes(records, {}).map(String);
    assert.equal(texts.join(""), records.map((record) => line(record, {})).join(""));
    for (const id of ["r1", "r2"]) assert.equal(texts.filter((text) => text.includes(`task_id=${id}`)).length, 1);
    assert.ok(texts.every((text) => Buffer.byteLength(text) <= MAX_LINE_BYTES));
  }
});

test("a task that is too long for one write goes in several", () => {
  const records = Array.from({ length: 300 }, (_, i) => metric("m", i, NOW, {}, { task_id: "r1" }));
  const texts = writes(records, {}).map(String);
  assert.ok(texts.length > 1 && texts.every((text) => text.endsWith("\n") && Buffer.byteLength(text) <= MAX_LINE_BYTES));
  assert.equal(texts.join(""), records.map((record) => line(record, {})).join(""));
});

test("the agent may take the file at any moment", async (t) => {
  const { folder, outlet, lines, add } = world(t);
  const taken = [];
  for (let round = 0; round < 5; round += 1) {
    add(...Array.from({ length: 300 }, (_, i) => round * 300 + i));
    const writing = outlet.flush(NOW);
    await new Promise(setImmediate);
    if (existsSync(join(folder, "lines"))) {
      renameSync(join(folder, "lines"), join(folder, "taken"));
      await writing;
      taken.push(...readFileSync(join(folder, "taken"), "utf8").split("\n").slice(0, -1));
    }
    await writing;
  }
  const values = [...taken, ...lines()].map((text) => Number(text.split("\t")[3])).sort((a, b) => a - b);
  assert.deepEqual(values, Array.from({ length: 1_500 }, (_, i) => i));
});

test("without the folder the data waits, told once, until the agent is there", async (t) => {
  const { folder, outlet, lines, add, log } = world(t, { make: false });
  add(1);
  await outlet.flush(NOW);
  await outlet.flush(NOW);
  assert.deepEqual(log.map((text) => text.slice(0, 5)), ["warn "]);
  mkdirSync(folder);
  await outlet.flush(NOW);
  assert.equal(lines().length, 1);
  assert.equal(log.at(-1), `info writing to ${folder} again`);
});

test("after a failure the next try waits", async (t) => {
  const { folder, outlet, lines, add } = world(t, { make: false });
  add(1);
  await outlet.flush(NOW);
  mkdirSync(folder);
  outlet.tick(NOW + 4_999);
  assert.deepEqual(lines(), []);
  outlet.tick(NOW + 5_000);
  await outlet.flush(NOW + 5_000);
  assert.equal(lines().length, 1);
});

test("beyond the bound the oldest is dropped, and counted", async (t) => {
  const { folder, outlet, lines, add } = world(t, { make: false, limits: { records: 10 } });
  add(...Array.from({ length: 25 }, (_, i) => i));
  mkdirSync(folder);
  await outlet.flush(NOW);
  const written = lines().map((text) => text.split("\t").slice(2, 4).join(" "));
  assert.deepEqual(written, ["clawpulse.dropped 15", ...Array.from({ length: 10 }, (_, i) => `m ${i + 15}`)]);
});

test("a file that nobody takes does not grow without bound", async (t) => {
  const { folder, outlet, lines, add, log } = world(t, { limits: { fileBytes: 50 } });
  add(1, 2);
  await outlet.flush(NOW);
  add(3);
  await outlet.flush(NOW);
  assert.equal(lines().length, 2);
  assert.ok(log[0].includes("does not take"));
  rmSync(join(folder, "lines"));
  await outlet.flush(NOW);
  assert.equal(lines().length, 1);
});

test("nothing is written through a link, and nobody waits for a pipe", async (t) => {
  const { folder, outlet, add, log } = world(t);
  const elsewhere = join(folder, "elsewhere");
  writeFileSync(elsewhere, "");
  symlinkSync(elsewhere, join(folder, "lines"));
  add(1);
  await outlet.flush(NOW);
  assert.equal(readFileSync(elsewhere, "utf8"), "");
  assert.equal(log.length, 1);
});

test("a folder that may not be written to costs the data, told once", { skip: process.getuid?.() === 0 && "root may write anywhere" }, async (t) => {
  const { folder, outlet, add, log } = world(t);
  chmodSync(folder, 0o500);
  add(1);
  await outlet.flush(NOW);
  chmodSync(folder, 0o700);
  assert.equal(log.length, 1);
});
