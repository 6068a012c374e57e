// One wave of a rollout: what its gate found, control against canary, and its members.

import type { JSX } from "preact";
import { MISSING, plural } from "../lib/format.ts";
import { type Member, type Rollout, type Wave, lookOf } from "../lib/rollout.ts";
import { href } from "../lib/route.ts";
import { Ago, Panel, Tags } from "../ui/basics.tsx";
import { type Column, Table } from "../ui/table.tsx";

export function WaveDetails({ wave }: { rollout: Rollout; wave: Wave; path: string }): JSX.Element {
  return (
    <Panel title={`Agents of wave ${wave.number + 1}`} aside={<span class="soft">{plural(wave.members.length, "agent")}</span>}>
      <Table label={`Agents of wave ${wave.number + 1}`} rows={wave.members} columns={COLUMNS} id={(one) => one.agent} link={(one) => href("agents", [one.agent])} />
    </Panel>
  );
}

const short = (hash: string): JSX.Element => <code title={hash}>{hash.length > 12 ? `${hash.slice(0, 8)}…` : hash}</code>;

const COLUMNS: readonly Column<Member>[] = [
  { key: "agent", label: "Agent", render: (one) => one.agent, sort: (one) => one.agent },
  { key: "state", label: "State", render: (one) => <MemberMark state={one.state} />, sort: (one) => one.state },
  { key: "since", label: "Since", render: (one) => <Ago at={one.since} suffix="" />, sort: (one) => one.since, numeric: true },
  { key: "applied", label: "Applied", render: (one) => <Ago at={one.appliedAt} />, sort: (one) => one.appliedAt, numeric: true, minor: true },
  { key: "detail", label: "It says", render: (one) => <span title={one.detail}>{one.detail || <span class="soft">{MISSING}</span>}</span> },
  { key: "hash", label: "From → to", render: (one) => <>{short(one.before)} → {short(one.after)}</>, minor: true },
  { key: "tags", label: "Tags when planned", render: (one) => <Tags tags={one.tags} />, minor: true },
];

function MemberMark({ state }: { state: string }): JSX.Element {
  const look = lookOf(state);
  return <span class="mark" data-health={look.health}><span class="symbol" aria-hidden="true">{look.symbol}</span> {look.word}</span>;
}
