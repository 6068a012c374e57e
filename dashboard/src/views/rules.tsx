// Alert rules: those in force, one to edit with what it would have done, and those that do not earn their keep.

import type { JSX } from "preact";
import { useMemo } from "preact/hooks";
import { SEVERITY_TONES, gravity } from "../lib/alerts.ts";
import { useLive } from "../lib/live.ts";
import { go, href, route, show } from "../lib/route.ts";
import { Ago, Badge, Choices } from "../ui/basics.tsx";
import { Loaded, State } from "../ui/states.tsx";
import { type Column, Table } from "../ui/table.tsx";
import { Audit } from "./rules-audit.tsx";
import { Packs } from "./rules-packs.tsx";
import { NewRule, RulePage } from "./rules-one.tsx";

export interface Rule {
  name: string;
  origin: string;
  replaces: string | null;
  severity: string;
  digest: string;
  expires: string | null;
  document: Record<string, unknown>;
}

export interface Rules {
  packs: string[];
  rules: Rule[];
  own: { packs?: string[]; rules?: Record<string, unknown>[] };
  faults: string[];
}

const SLOW_MS = 30_000;

export default function RulesView(): JSX.Element {
  const [name] = route.value.args;
  const found = useLive<Rules>("api/rules", {}, { every: SLOW_MS });
  return <Loaded live={found} what="the rules">{(rules) => (name ? <RulePage key={name} name={name} rules={rules} refresh={found.refresh} /> : route.value.query.part === "new" ? <NewRule key={route.value.query.from} rules={rules} refresh={found.refresh} /> : <All rules={rules} refresh={found.refresh} />)}</Loaded>;
}

const PARTS = [{ value: "", label: "In force" }, { value: "audit", label: "Audit" }, { value: "packs", label: "Packs" }];

function All({ rules, refresh }: { rules: Rules; refresh: () => void }): JSX.Element {
  const { part = "" } = route.value.query;
  return (
    <>
      <div class="bar spaced">
        <Choices label="What to see" value={part} options={PARTS} onChoose={(name) => show({ part: name || undefined })} />
        <button type="button" onClick={() => go("rules", [], { part: "new" })}>New rule…</button>
      </div>
      {rules.faults.map((fault) => <p key={fault} class="notice error">{fault}</p>)}
      {part === "audit" ? <Audit /> : part === "packs" ? <Packs rules={rules} refresh={refresh} /> : <InForce rules={rules} />}
    </>
  );
}

function InForce({ rules }: { rules: Rules }): JSX.Element {
  const rows = useMemo(() => rules.rules.map((rule) => ({ ...rule, said: sentence(rule.document) })), [rules]);
  if (!rows.length) return <State symbol="∅" title="No rule is in force" text="Nothing is watched. Put a pack in force, or write a rule of your own." code="clawpulse alerts apply alerts/*.yaml" action={["New rule…", () => go("rules", [], { part: "new" })]} />;
  return <div class="plain"><Table label="Rules in force" columns={COLUMNS} rows={rows} id={(rule) => rule.name} link={(rule) => href("rules", [rule.name])} sorted="name" /></div>;
}

type Row = Rule & { said: string };

const COLUMNS: readonly Column<Row>[] = [
  { key: "name", label: "Rule", render: (rule) => rule.name, sort: (rule) => rule.name },
  { key: "severity", label: "Severity", render: (rule) => <Badge tone={SEVERITY_TONES[rule.severity] ?? "idle"}>{rule.severity}</Badge>, sort: (rule) => -gravity(rule.severity) },
  { key: "origin", label: "From", render: (rule) => (rule.origin === "own" ? <>own{rule.replaces ? <span class="soft"> instead of {rule.replaces}’s</span> : null}</> : <>pack {rule.origin}</>), sort: (rule) => rule.origin },
  { key: "said", label: "What it watches", render: (rule) => <span title={rule.said}>{rule.said}</span>, sort: (rule) => rule.said, minor: true },
  { key: "expires", label: "Expires", render: (rule) => (rule.expires ? <Ago at={rule.expires} /> : ""), sort: (rule) => rule.expires, minor: true },
];

// What its author said it does, else what it compares.
function sentence(document: Record<string, unknown>): string {
  if (typeof document.description === "string") return document.description;
  const when = document.when && typeof document.when === "object" ? (document.when as Record<string, unknown>) : {};
  return Object.entries(when).map(([key, value]) => `${key} ${typeof value === "object" ? JSON.stringify(value) : String(value)}`).join(", ");
}
