import assert from "node:assert/strict";
import { chmodSync, mkdtempSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { spawn } from "node:child_process";
import { test } from "node:test";
import { run } from "../../../agent/openclaw-hook/command.js";
import { due } from "../../../agent/openclaw-hook/commands.js";
import { words } from "../../../agent/openclaw-hook/errors.js";
import { answer } from "../../../agent/openclaw-hook/gateway.js";
import { listening, restart, serving } from "../../../agent/openclaw-hook/serving.js";
import { settings } from "../../../agent/openclaw-hook/settings.js";
import { blank, load, save } from "../../../agent/openclaw-hook/state.js";
import { translate } from "../../../agent/openclaw-hook/translate.js";
import { refusal } from "../../../agent/openclaw-hook/version.js";

test("every member of a document has its place, and unknown ones are left out", () => {
  const wanted = translate({
    model: { primary: "a/b", fallbacks: ["c/d"] },
    files: { "AGENTS.md": "text" },
    limits: { concurrency: 4, timeout_s: 600, max_tokens: 8000 },
    tools: { allow: ["read"], deny: [] },
    channels: { slack: { enabled: true, botToken: { secret: "slack/bot" } } },
    openclaw: { agents: { defaults: { maxConcurrent: 5, thinkingDefault: "low" } }, ui: null },
    version: "2026.9.6",
    hooks: { migrate: { command: "migrate-db", arguments: ["--to", "7"], irreversible: true } },
    resources: { cpu: 2 },
    paused: true,
    more: 1,
  });
  assert.deepEqual(wanted, {
    patch: {
      agents: {
        defaults: {
          model: { primary: "a/b", fallbacks: ["c/d"] },
          maxConcurrent: 5,
          timeoutSeconds: 600,
          params: { maxTokens: 8000 },
          thinkingDefault: "low",
        },
      },
      tools: { allow: ["read"], deny: [] },
      channels: { slack: { enabled: true, botToken: { source: "exec", provider: "fleet", id: "slack/bot" } } },
      ui: null,
    },
    files: { "AGENTS.md": "text" },
    version: "2026.9.6",
    commands: { migrate: { command: "migrate-db", arguments: ["--to", "7"] } },
    paused: true,
  });
  assert.deepEqual(translate({}), { patch: {}, files: {}, version: null, commands: {}, paused: false });
});

for (const [document, reason] of [
  [[], "the document is no object"],
  [{ model: "a/b" }, "model must be an object"],
  [{ model: { primary: 1 } }, "model.primary must be a text"],
  [{ model: { fallbacks: ["a", ""] } }, "model.fallbacks[1] must be a text"],
  [{ tools: { allow: "all" } }, "tools.allow must be a list of texts"],
  [{ limits: { concurrency: 0 } }, "limits.concurrency must be a whole number above 0"],
  [{ limits: { timeout_s: "9" } }, "limits.timeout_s must be a whole number above 0"],
  [{ files: { "../x": "" } }, 'files: "../x" is no name of a file'],
  [{ files: { "AGENTS.md": null } }, "files.AGENTS.md must be a text"],
  [{ files: { "AGENTS.md": "x".repeat(200_000) } }, "files.AGENTS.md has 200002 bytes, more than OpenClaw's command takes"],
  [{ openclaw: { gateway: { port: 1 } } }, "gateway.port cannot be rolled out"],
  [{ openclaw: { gateway: null } }, "gateway cannot be rolled out"],
  [{ openclaw: { ui: { x: "x".repeat(130_000) } } }, "the configuration is longer than"],
  [JSON.parse('{"openclaw": {"a": {"__proto__": 1}}}'), "a.__proto__: no setting has such a name"],
  [{ channels: { x: { token: { secret: "a b" } } } }, "channels.x.token.secret is no name of a secret"],
  [{ version: "latest; rm" }, "version must be one of OpenClaw's"],
  [{ hooks: { m: { command: "../x" } } }, "hooks.m.command must be the name of an executable"],
  [{ hooks: { m: { command: "x", arguments: [1] } } }, "hooks.m.arguments[0] must be a text"],
  [{ paused: "yes" }, "paused must be true or false"],
]) {
  test(`a document is refused: ${reason}`, () => {
    assert.throws(() => translate(document), (error) => error.constructor.name === "Refused" && error.message.startsWith(reason));
  });
}

const ended = (error, code = 1) => ({ code, out: `Warning: x\n${JSON.stringify({ ok: false, error })}`, err: "", late: false });

for (const [kind, given] of Object.entries({
  refused: ended({ code: "INVALID_REQUEST", message: "invalid config: tools: no" }),
  stale: ended({ code: "INVALID_REQUEST", message: "config changed since last load; re-run config.get and retry" }),
  limited: ended({ code: "UNAVAILABLE", message: "rate limit exceeded for config.patch; retry after 12s" }),
  kept: ended({ code: "UNAVAILABLE", message: "config.patch persisted and was accepted for restart; wait" }),
  failed: ended({ code: "UNAVAILABLE", message: "config.patch persisted but was not applied to the active Gateway (failed)" }),
  suspended: ended({ code: "UNAVAILABLE", message: "x", details: { reason: "gateway-suspending" } }),
  unreachable: ended({ type: "gateway_transport_error", message: "Gateway not reachable" }),
})) {
  test(`an answer of the gateway is ${kind}`, () => {
    assert.throws(() => answer(given), (error) => error.kind === kind && error.afterMs === (kind === "limited" ? 12_000 : 0));
  });
}

test("answers that are none", () => {
  assert.deepEqual(answer({ code: 0, out: 'Note\n{"a": 1}', err: "", late: false }), { a: 1 });
  assert.throws(() => answer({ code: 0, out: "{", err: "", late: true }), /did not end in time/);
  assert.throws(() => answer({ code: 127, out: "", err: "spawn x ENOENT\nmore", late: false }), /code 127 and printed no JSON: spawn x ENOENT/);
  assert.throws(() => answer({ code: 1, out: "{}", err: "", late: false }), /failed without a word/);
  assert.throws(() => answer({ code: 0, out: "[1]", err: "", late: false }), /printed no JSON/);
});

test("reasons are one short line without secrets, and names of settings stay", () => {
  assert.equal(words(new Error('invalid config: agents: Unrecognized key: "nosuch"\nmore')), 'invalid config: agents: Unrecognized key "nosuch" more');
  assert.equal(words("no apiKey=abcdef123 Bearer abc.def.ghi sk-abcdef123456 xoxb-12345678"), "no apiKey=*** Bearer *** *** ***");
  assert.equal(words("/work/home-of-2026/openclaw/configuration.json"), "/work/home-of-2026/openclaw/configuration.json");
  assert.equal(words(`id 0123456789abcdef0123456789abcdefgh`), "id ***");
  assert.equal(words("x".repeat(5_000)).length, 250);
});

test("what an update says", () => {
  assert.equal(refusal({ dryRun: true, currentVersion: "1", targetVersion: "2", notes: ["The Gateway restarts"] }), "");
  assert.equal(refusal({ status: "ok" }), "");
  assert.equal(refusal({ status: "skipped", reason: "already-current" }), "");
  assert.equal(refusal({ status: "skipped", reason: "container-image-install" }), "openclaw update: skipped, container-image-install");
  assert.equal(refusal({ status: "error", reason: "state-migrated-no-rollback" }), "openclaw update: error, state-migrated-no-rollback");
  assert.equal(refusal({ notes: ["fine", "Would refuse update: Node is too old"] }), "Would refuse update: Node is too old");
});

test("commands are due once for each change, by name", () => {
  const commands = { b: { command: "x", arguments: [] }, a: { command: "y", arguments: ["1"] } };
  const all = due(commands, {});
  assert.deepEqual(all.map(([name]) => name), ["a", "b"]);
  const ran = Object.fromEntries(all.map(([name, , digest]) => [name, digest]));
  assert.deepEqual(due(commands, ran), []);
  assert.deepEqual(due({ ...commands, b: { command: "x", arguments: [""] } }, ran).map(([name]) => name), ["b"]);
});

const folder = () => mkdtempSync(join(tmpdir(), "clawpulse-hook-"));

test("settings come from the agent and from OpenClaw's own file", () => {
  const file = join(folder(), "openclaw.env");
  writeFileSync(file, '# a comment\nOPENCLAW_GATEWAY_TOKEN="a b"\nexport OPENCLAW_STATE_DIR=/x\nnonsense\nOPENCLAW_GATEWAY_PORT=1234\n');
  const given = settings({ CLAWPULSE_HOME: "/h", HOME: "/me", CLAWPULSE_OPENCLAW_ENV: file, CLAWPULSE_HOOK_SECONDS: "90", CLAWPULSE_OPENCLAW_PORT: "1" });
  assert.deepEqual([given.port, given.ms, given.command, given.home], [1234, 88_000, ["openclaw"], "/h"]);
  assert.deepEqual([given.env.OPENCLAW_GATEWAY_TOKEN, given.env.OPENCLAW_STATE_DIR, given.env.HOME], ["a b", "/x", "/me"]);
  assert.equal(settings({ CLAWPULSE_HOME: "/h", CLAWPULSE_OPENCLAW_ENV: "/nowhere" }).port, null);
  assert.throws(() => settings({}), /CLAWPULSE_HOME is not set/);
});

test("the memory is its owner's alone, whole, and blank at first", () => {
  const home = folder();
  assert.deepEqual(load(home), blank());
  save(home, { ...blank(), document: "x" });
  assert.equal(load(home).document, "x");
  const file = join(home, "openclaw", "state.json");
  assert.equal(statSync(file).mode & 0o777, 0o600);
  writeFileSync(file, readFileSync(file, "utf8").slice(0, 20));
  assert.throws(() => load(home), /openclaw\/state.json is damaged/);
});

test("programs get no shell, their time, and what they are to read", async () => {
  const script = join(folder(), "program");
  writeFileSync(script, '#!/bin/sh\nprintf "%s|" "$@"; cat; echo no >&2; exit 3\n');
  chmodSync(script, 0o700);
  assert.deepEqual(await run([script, "$(id)", "a b"], { env: { PATH: "/bin:/usr/bin" }, ms: 20_000, input: "text" }), {
    code: 3,
    out: "$(id)|a b|text",
    err: "no\n",
    late: false,
  });
  assert.equal((await run(["sleep", "30"], { env: { PATH: "/bin:/usr/bin" }, ms: 50 })).late, true);
  assert.equal((await run(["/nowhere"], { env: {}, ms: 1_000, input: "x" })).code, 127);
});

test("sockets that listen on a port", () => {
  const table = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:4965 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 111 1
   1: 0100007F:4965 0100007F:1234 01 00000000:00000000 00:00000000 00000000     0        0 222 1
   2: 0100007F:0050 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 333 1`;
  assert.deepEqual([listening(table, 18_789), listening(table, 80), listening(table, 81), listening("", 80)], [["111"], ["333"], [], []]);
});

const SERVER = `
process.title = process.argv[1];
process.on("SIGUSR2", () => { console.log("restarts"); process.exit(0); });
const server = require("node:net").createServer().listen(0, "127.0.0.1", () => console.log(server.address().port));
`;

test("a gateway is found by its port, and only that process is told to start again", { timeout: 60_000 }, async () => {
  for (const title of ["openclaw-gateway", "something-else"]) {
    const child = spawn(process.execPath, ["-e", SERVER, title], { stdio: ["ignore", "pipe", "inherit"] });
    const port = Number(String((await once(child.stdout, "data"))[0]));
    const found = serving(port);
    assert.equal(found?.pid, title === "openclaw-gateway" ? child.pid : undefined);
    restart(found && { ...found, birth: "1" });
    restart(null);
    assert.deepEqual(serving(port), found);
    const said = once(child.stdout, "data");
    if (found) {
      restart(found);
      assert.equal(String((await said)[0]), "restarts\n");
      await once(child, "close");
      restart(found);
    } else child.kill();
    assert.equal(serving(port)?.pid, undefined);
  }
});
