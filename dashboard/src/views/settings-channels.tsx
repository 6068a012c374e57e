// Channels: what there is, whether a message gets through, and the document.

import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { useAction } from "../lib/actions.tsx";
import { send } from "../lib/api.ts";
import { useLive } from "../lib/live.ts";
import { href } from "../lib/route.ts";
import { Act } from "../ui/act.tsx";
import { Badge, Panel, type Tone } from "../ui/basics.tsx";
import { Loaded } from "../ui/states.tsx";
import { type Column, Table } from "../ui/table.tsx";
import { documentOf } from "./settings-documents.ts";
import { Editor } from "./settings-editor.tsx";

interface Row {
  name: string;
  kind: string;
  where: string;
}

interface Tested {
  state: string;
  text: string;
}

const COLUMNS: readonly Column<Row>[] = [
  { key: "name", label: "Channel", render: (row) => <b>{row.name}</b>, sort: (row) => row.name },
  { key: "kind", label: "Kind", render: (row) => row.kind, sort: (row) => row.kind },
  { key: "where", label: "To", render: (row) => row.where, minor: true },
  { key: "test", label: "Test", render: (row) => <Test name={row.name} /> },
];
const EVERY_MS = 15_000;
// What tells where a channel leads, by kind.
const PLACES = ["channel", "to", "topic", "url", "host"];

export function Channels(): JSX.Element {
  const live = useLive<Record<string, unknown>>("api/channels", {}, { every: EVERY_MS });
  const doc = documentOf("channels");
  return (
    <>
      <Panel title="Do messages get through?" aside={<a href={href("incidents", [], { part: "messages" })}>What became of real messages</a>}>
        <Loaded live={live} what="the channels">{(found) => <Table label="Channels" columns={COLUMNS} rows={rowsOf(found)} id={(row) => row.name} sorted="name" empty="No channel yet: alerts reach nobody. Write one below." />}</Loaded>
      </Panel>
      {doc ? <Editor doc={doc} /> : null}
    </>
  );
}

function rowsOf(found: Record<string, unknown>): Row[] {
  return Object.entries(found).map(([name, value]) => {
    const given: Record<string, unknown> = value && typeof value === "object" ? { ...value } : {};
    const where = PLACES.map((key) => given[key]).filter((one) => typeof one === "string" || Array.isArray(one));
    return { name, kind: String(given.kind ?? "not told"), where: where.map(String).join(", ") };
  });
}

const TONES: Record<string, Tone> = { sent: "good", pending: "warn" };

function Test({ name }: { name: string }): JSX.Element {
  const [result, setResult] = useState<Tested | null>(null);
  const { busy, error, run } = useAction();
  const test = async (): Promise<void> => {
    setResult(null);
    setResult((await send<Tested>("POST", `api/channels/${encodeURIComponent(name)}/test`)).body);
  };
  return (
    <span class="test">
      <Act class="second small" disabled={busy} onClick={() => void run(test, `Tried ${name}.`)}>{busy ? "Sending…" : "Send a test"}<span class="unseen"> to {name}</span></Act>
      <span role="status">{error ? <span class="fault">{error.message}</span> : result ? <><Badge tone={TONES[result.state] ?? "bad"}>{result.state}</Badge> {result.text}</> : busy ? "waits up to 20 s for what becomes of it" : ""}</span>
    </span>
  );
}
