import assert from "node:assert/strict";
import { test } from "node:test";
import { arrays, difference, leaves, merged } from "../../../agent/openclaw-hook/json.js";
import { configOf, mainAgent, plan, remember, replaced, restored, united } from "../../../agent/openclaw-hook/managed.js";

const NOTHING = { before: [], made: [] };
const HIDDEN = "__OPENCLAW_REDACTED__";

/** A reproducible stream of random documents. */
function random(seed) {
  let state = seed;
  const below = (n) => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return Math.floor((state / 2_147_483_648) * n);
  };
  const document = (depth, nulls) =>
    Object.fromEntries(
      Array.from({ length: below(4) }, () => [
        "abc"[below(3)],
        depth > 0 && below(2) ? document(depth - 1, nulls) : [1, "x", [1, { y: 2 }], true, nulls ? null : false][below(5)],
      ]),
    );
  return document;
}

test("merging and taking differences are one another's opposite", () => {
  for (let seed = 1; seed < 500; seed += 1) {
    const document = random(seed);
    const [from, to, patch] = [document(3), document(3), document(3, true)];
    assert.deepEqual(merged(from, difference(from, to)), to);
    assert.deepEqual(difference(from, from), {});
    assert.deepEqual(merged(merged(from, patch), patch), merged(from, patch));
  }
});

test("whatever was managed in between, managing nothing brings back what was there", () => {
  for (let seed = 1; seed < 500; seed += 1) {
    const document = random(seed);
    const original = document(3);
    let [current, memory] = [original, NOTHING];
    for (let change = 0; change < 4; change += 1) {
      const wanted = change < 3 ? document(3, true) : {};
      const planned = plan(current, current, memory, wanted);
      current = merged(current, planned.patch);
      memory = planned.memory;
      assert.deepEqual(merged(current, wanted), current, "what is wanted is there");
      assert.deepEqual(plan(current, current, memory, wanted).patch, {}, "twice is once");
    }
    assert.deepEqual(current, original);
    assert.deepEqual(memory, NOTHING);
  }
});

test("a memory that knows more than is managed does no harm", () => {
  for (let seed = 1; seed < 200; seed += 1) {
    const document = random(seed);
    const [original, one, other] = [document(3), document(3, true), document(3, true)];
    const first = plan(original, original, NOTHING, one);
    const second = plan(merged(original, first.patch), {}, first.memory, other);
    const both = united(first.memory, second.memory);
    assert.deepEqual(restored(merged(original, first.patch), both), original, "written was the first one");
    assert.deepEqual(restored(merged(merged(original, first.patch), second.patch), both), original, "or both");
  }
});

test("a model that was a text comes back as a text, and objects that were made go", () => {
  const original = { agents: { defaults: { model: "a/b" } } };
  const wanted = { agents: { defaults: { model: { primary: "c/d" }, params: { maxTokens: 5 } } } };
  const { patch, memory } = plan(original, original, NOTHING, wanted);
  assert.deepEqual(patch, wanted);
  assert.deepEqual(memory, {
    before: [{ path: ["agents", "defaults", "model"], value: "a/b" }, { path: ["agents", "defaults", "params", "maxTokens"] }],
    made: [["agents", "defaults", "params"]],
  });
  assert.deepEqual(plan(merged(original, patch), {}, memory, {}).patch, { agents: { defaults: { model: "a/b", params: null } } });
});

test("what somebody else put into an object that was made stays", () => {
  const { patch, memory } = plan({}, {}, NOTHING, { a: { b: 1 } });
  const current = merged(merged({}, patch), { a: { theirs: 2 } });
  assert.deepEqual(restored(current, memory), { a: { theirs: 2 } });
});

test("OpenClaw is told of each array that goes or is replaced", () => {
  const runtime = { tools: { deny: ["a"], allow: ["b"] }, channels: { slack: { list: [], inner: { more: [[1], { x: [1] }] } } } };
  assert.deepEqual(replaced({ tools: { deny: ["c"], allow: null }, channels: { slack: null } }, runtime), [
    "tools.deny",
    "tools.allow",
    "channels.slack.list",
    "channels.slack.inner.more",
  ]);
  assert.deepEqual(arrays({ a: [[1]] }, []), ["a"]);
});

test("secrets in plain text are never remembered", () => {
  const shown = { channels: { slack: { botToken: HIDDEN } }, keys: { list: [HIDDEN] } };
  for (const patch of [{ channels: { slack: { botToken: { source: "exec" } } } }, { channels: null }, { keys: { list: [] } }]) {
    assert.throws(() => remember(shown, patch), /holds a secret in plain text, which could not be put back/);
  }
  assert.deepEqual(remember(shown, { channels: { slack: { enabled: true } } }).before, [{ path: ["channels", "slack", "enabled"] }]);
});

test("names of references are taken from whoever knows them, if it is the same reference", () => {
  const hidden = { source: "exec", provider: "fleet", id: HIDDEN };
  const shown = { sourceConfig: { a: { key: hidden }, b: { key: hidden }, c: { key: { ...hidden, provider: "other" } } } };
  const known = (id) => ({ key: { source: "exec", provider: "fleet", id } });
  const current = configOf(shown, { a: known("one"), c: known("three") }, [{ a: known("two"), b: known("two") }]);
  assert.deepEqual([current.a.key.id, current.b.key.id, current.c.key.id], ["one", "two", HIDDEN]);
});

test("what is hidden is known if we wrote it, and never taken from the file", () => {
  const shown = { sourceConfig: { proxy: { url: HIDDEN }, token: HIDDEN } };
  const current = configOf(shown, { proxy: { url: "theirs" }, token: "theirs" }, [{ proxy: { url: "http://ours" } }]);
  assert.deepEqual(current, { proxy: { url: "http://ours" }, token: HIDDEN });
});

test("of two memories of one place the first one knows", () => {
  const memory = (value) => ({ before: [{ path: ["a"], value }], made: [["b"]] });
  assert.deepEqual(united(memory(1), memory(2)), memory(1));
});

test("variables are taken as their authors wrote them", () => {
  const shown = { sourceConfig: { a: { b: "/home/x", c: 1 }, d: "${X}" }, parsed: { a: { b: "${HOME}", c: 2 }, $include: "y" } };
  assert.deepEqual(configOf(shown, undefined, []), { a: { b: "${HOME}", c: 1 }, d: "${X}" });
  assert.deepEqual(configOf({ sourceConfig: null }, undefined, []), {});
});

test("the agent whose files are managed", () => {
  assert.equal(mainAgent({}), "main");
  assert.equal(mainAgent({ agents: { entries: { clerk: {} } } }), "clerk");
  assert.equal(mainAgent({ agents: { entries: { clerk: {}, main: {} } } }), "main");
  assert.throws(() => mainAgent({ agents: { entries: { a: {}, b: {} } } }), /several agents here \(a, b\)/);
});

test("the places of a patch", () => {
  assert.deepEqual(leaves({ a: { b: 1, c: null, d: {} }, e: [] }), [
    [["a", "b"], 1],
    [["a", "c"], null],
    [["a", "d"], {}],
    [["e"], []],
  ]);
});
