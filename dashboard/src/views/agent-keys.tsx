// Which API keys an agent should use and does, by fingerprint.

import type { JSX } from "preact";
import { useLive } from "../lib/live.ts";
import { href } from "../lib/route.ts";
import { Ago, Badge, Panel } from "../ui/basics.tsx";
import { Table } from "../ui/table.tsx";
import type { AgentDetails } from "./agent.tsx";

interface Vaulted {
  providers: { provider: string; keys: { fingerprint: string; created: string | null }[] }[];
}

interface Row {
  provider: string;
  assigned: string | null;
  reported: string | null;
  error: string | null;
  used: string | null;
}

export function AgentKeys({ agent }: { agent: AgentDetails }): JSX.Element {
  const known = useLive<Partial<Vaulted>>("api/keys", {}, { every: 60_000 });
  const rows: Row[] = Object.entries(agent.keys ?? {}).map(([provider, key]) => ({ provider, ...key }));
  const created = (row: Row): string | null =>
    known.data?.providers?.find((one) => one.provider === row.provider)?.keys?.find((key) => key.fingerprint === row.reported)?.created ?? null;
  return (
    <Panel title="API keys" aside={<a href={href("rotations")}>Rotations</a>}>
      <Table label="API keys" rows={rows} id={(row) => row.provider} empty="This agent tells of no key. docs/rotation.md says how it does." columns={[
        { key: "provider", label: "Provider", render: (row) => row.provider },
        { key: "assigned", label: "Should use", render: (row) => row.assigned ?? "none assigned" },
        { key: "reported", label: "Uses", render: (row) => row.reported ?? "not told" },
        { key: "state", label: "State", render: (row) => <State row={row} /> },
        { key: "age", label: "Age", render: (row) => <Ago at={created(row)} suffix="" /> },
        { key: "used", label: "Last taken by the provider", render: (row) => <Ago at={row.used} /> },
      ]} />
    </Panel>
  );
}

function State({ row }: { row: Row }): JSX.Element {
  if (row.error) return <Badge tone="bad" title={row.error}>{row.error}</Badge>;
  if (!row.assigned) return <Badge tone="idle">its own</Badge>;
  return row.assigned === row.reported ? <Badge tone="good">in step</Badge> : <Badge tone="warn">not yet</Badge>;
}
