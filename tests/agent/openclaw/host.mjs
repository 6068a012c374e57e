/** What the tests need of OpenClaw and of the API: a host that behaves as recorded, a server, a clock. */

import { createServer } from "node:http";
import { gunzipSync } from "node:zlib";
import { SHARED } from "../../../agent/openclaw-plugin/src/host.js";

/** Of one process: handlers of all registrations, subscribers of diagnostic events. */
export class Host {
  handlers = new Map();
  subscribers = new Set();
  log = [];

  /** The API that one registration gets. */
  api({ mode = "full", config = {}, on = null } = {}) {
    const log = (level) => (text) => void this.log.push(`${level} ${text}`);
    return {
      registrationMode: mode,
      pluginConfig: config,
      runtime: { version: "2026.9.6" },
      logger: { info: log("info"), warn: log("warn"), error: log("error") },
      on: on ?? ((hook, handler) => void this.handlers.set(hook, [...(this.handlers.get(hook) ?? []), handler])),
    };
  }

  /** What the plugin imports of OpenClaw. */
  diagnostics = async () => (listener) => {
    this.subscribers.add(listener);
    return () => void this.subscribers.delete(listener);
  };

  /** Call a hook as OpenClaw does: every handler with the same objects. */
  fire(hook, event, context = {}) {
    return (this.handlers.get(hook) ?? []).map((handler) => handler(event, context));
  }

  emit(event) {
    for (const listener of this.subscribers) listener(structuredClone(event));
  }

  /** One recorded or made-up occurrence. */
  play({ kind, name, event, context }) {
    if (kind === "diagnostic") this.emit(event);
    else this.fire(name, event, context);
  }
}

/** Forget the plugin of this process, as if it had just begun. */
export async function fresh() {
  await globalThis[SHARED]?.plugin.stop(100);
  delete globalThis[SHARED];
}

/** A real HTTP server that answers as `answer(count)` says, now or later: `{status, headers, body}`, or null to hang up. */
export async function server(answer = () => ({})) {
  const posts = [];
  const listening = createServer((request, response) => {
    const parts = [];
    request.on("data", (part) => parts.push(part));
    request.on("end", async () => {
      const body = Buffer.concat(parts);
      posts.push({ path: request.url, headers: request.headers, body, batch: JSON.parse(gunzipSync(body)) });
      const given = await answer(posts.length);
      if (given === null) return void request.socket.destroy();
      const { status = 200, headers = {}, body: text = '{"accepted":1,"rejected":[],"rejectedCount":0}' } = given;
      response.writeHead(status, headers).end(text);
    });
  });
  await new Promise((resolve) => listening.listen(0, "127.0.0.1", resolve));
  return {
    posts,
    url: `http://127.0.0.1:${listening.address().port}/v1/batches`,
    base: `http://127.0.0.1:${listening.address().port}`,
    close: () => new Promise((resolve) => {
      listening.closeAllConnections();
      listening.close(resolve);
    }),
  };
}

/** Wait until something is so; the test runner's own limit ends a wait in vain. */
export async function until(condition) {
  while (!condition()) await new Promise((resolve) => void setTimeout(resolve, 5));
}

/** Records by name, as `[value or payload]`. */
export function byName(records) {
  const found = {};
  for (const record of records) (found[record.name] ??= []).push(record.kind === "metric" ? record.value : record.payload);
  return found;
}
