// Each provider's keys by fingerprint: their age, and who uses which.

import type { JSX } from "preact";
import { plural } from "../lib/format.ts";
import { useLive } from "../lib/live.ts";
import { phaseTone } from "../lib/rollout.ts";
import { href } from "../lib/route.ts";
import { Ago, Badge, Panel } from "../ui/basics.tsx";
import { Loaded, State } from "../ui/states.tsx";
import { Table } from "../ui/table.tsx";

interface Stored {
  shard: string;
  alias: string;
  fingerprint: string;
  id: string | null;
  created: string;
  ageDays: number;
  overdue: boolean;
  assigned: number;
  reported: number;
}

interface Provider {
  provider: string;
  kind: string | null;
  maxAgeDays: number | null;
  schedule: { everyDays: number; source: string; due: string | null } | null;
  vault: string | null;
  keys: Stored[];
  others: { fingerprint: string; assigned: number; reported: number }[];
  agents: number;
  behind: number;
  errors: Record<string, string>;
  last: { id: string; phase: string; since: string; reason: string } | null;
}

export function Keys(): JSX.Element {
  const found = useLive<{ providers: Provider[] }>("api/keys", {}, { every: 15_000 });
  return (
    <Loaded live={found} what="the keys">
      {({ providers }) => providers.length ? <div class="columns">{providers.map((one) => <ProviderKeys key={one.provider} provider={one} />)}</div> : (
        <Panel title="API keys"><State symbol="○" title="No provider of keys" text="Agents tell of no key, and no provider is set up." code="clawpulse keys settings providers.yaml" /></Panel>
      )}
    </Loaded>
  );
}

interface Row {
  place: string;
  fingerprint: string;
  key: Stored | null;
  assigned: number;
  reported: number;
}

function ProviderKeys({ provider }: { provider: Provider }): JSX.Element {
  const rows: Row[] = [
    ...provider.keys.map((key) => ({ place: [key.shard, key.alias].filter(Boolean).join(" / "), key, fingerprint: key.fingerprint, assigned: key.assigned, reported: key.reported })),
    ...provider.others.map((one) => ({ place: "not in Vault", key: null, ...one })),
  ];
  return (
    <Panel title={`Keys of ${provider.provider}`} aside={<Standing provider={provider} />}>
      {provider.vault ? <p class="notice">What Vault has is not known: {provider.vault}</p> : null}
      <Table label={`Keys of ${provider.provider}`} rows={rows} id={(row) => `${row.place} ${row.fingerprint}`} empty="Vault has no key of this provider, and no agent tells of one." columns={[
        { key: "place", label: "Place", render: (row) => row.key ? row.place : <Badge tone="warn">{row.place}</Badge> },
        { key: "age", label: "Age", numeric: true, render: (row) => row.key ? <Age stored={row.key} most={provider.maxAgeDays} /> : "–" },
        { key: "fingerprint", label: "Fingerprint", render: (row) => <code title={row.key?.id ?? undefined}>{row.fingerprint}</code> },
        { key: "assigned", label: "Should use", numeric: true, render: (row) => row.assigned },
        { key: "reported", label: "Use", numeric: true, render: (row) => row.reported },
      ]} />
      <Errors errors={provider.errors} />
      <p class="soft">
        {provider.schedule ? <>Every {provider.schedule.everyDays} days by itself, due <Ago at={provider.schedule.due} />. </> : "Rotated by hand. "}
        {provider.last ? <>Last: <a href={href("rotations", [provider.last.id])}><Badge tone={phaseTone(provider.last.phase)}>{provider.last.phase}</Badge> <Ago at={provider.last.since} /></a></> : "Never rotated."}
      </p>
    </Panel>
  );
}

function Standing({ provider }: { provider: Provider }): JSX.Element {
  return (
    <>
      <span class="soft">{provider.kind ?? "not set up"}</span> {plural(provider.agents, "agent")}{" "}
      {provider.behind ? <Badge tone="warn">{provider.behind} not on the key they should use</Badge> : provider.agents ? <Badge tone="good">all in step</Badge> : null}
    </>
  );
}

function Age({ stored, most }: { stored: Stored; most: number | null }): JSX.Element {
  const text = <Ago at={stored.created} suffix="" />;
  return stored.overdue ? <Badge tone="bad" title={most ? `older than the ${most} days that it may get` : undefined}>{text}, overdue</Badge> : text;
}

const NAMED = 5;

function Errors({ errors }: { errors: Record<string, string> }): JSX.Element | null {
  const all = Object.entries(errors);
  if (!all.length) return null;
  return (
    <ul class="troubled">
      {all.slice(0, NAMED).map(([agent, error]) => <li key={agent}><a href={href("agents", [agent], { part: "keys" })}>{agent}</a>: {error}</li>)}
      {all.length > NAMED ? <li>and {all.length - NAMED} more</li> : null}
    </ul>
  );
}
