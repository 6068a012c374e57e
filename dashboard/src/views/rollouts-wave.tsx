// One wave of a rollout: what its gate found, control against canary, and its members.

import type { JSX } from "preact";
import { MISSING, number, plural } from "../lib/format.ts";
import { type Member, type Rollout, type Wave, lookOf } from "../lib/rollout.ts";
import { href } from "../lib/route.ts";
import { Ago, Panel, Tags } from "../ui/basics.tsx";
import { type Bounds, Gate } from "../ui/gate.tsx";
import { type Column, Table } from "../ui/table.tsx";
import { Compare } from "./rollouts-compare.tsx";

export function WaveDetails({ rollout, wave, path }: { rollout: Rollout; wave: Wave; path: string }): JSX.Element {
  return (
    <>
      <Panel title={`Gate of wave ${wave.number + 1}`} aside={<span class="soft">{rollout.channel ? null : rulesOf(rollout)}</span>}>
        {wave.verdict ? <Gate verdict={wave.verdict} bounds={boundsOf(rollout)} /> : <p class="nothing">{withoutVerdict(rollout, wave)}</p>}
      </Panel>
      <Compare path={path} wave={wave.number} />
      <Panel title={`Agents of wave ${wave.number + 1}`} aside={<span class="soft">{plural(wave.members.length, "agent")}</span>}>
        <Table label={`Agents of wave ${wave.number + 1}`} rows={wave.members} columns={COLUMNS} id={(one) => one.agent} link={(one) => href("agents", [one.agent])} />
      </Panel>
    </>
  );
}

interface GatePolicy {
  alpha?: number;
  min_tasks?: number;
  ratio?: number;
}

const gateOf = (rollout: Rollout): GatePolicy => (rollout.policy.gate as GatePolicy | undefined) ?? {};

// The gate of a rotation compares error rates alone.
function boundsOf(rollout: Rollout): Bounds {
  const { alpha, min_tasks: minTasks } = gateOf(rollout);
  return rollout.channel ? { evidence: null, minTasks: null } : { evidence: alpha ? 1 / alpha : null, minTasks: minTasks ?? null };
}

function rulesOf(rollout: Rollout): string {
  const { alpha, ratio } = gateOf(rollout);
  return alpha && ratio ? `fails at an e-value of ${number(1 / alpha)} and ${number(ratio)} times both references` : "";
}

function withoutVerdict(rollout: Rollout, wave: Wave): string {
  if (rollout.policy.gates === false || rollout.gateless) return "This rollout has no gate: waves follow each other when they are applied.";
  return wave.state === "waiting" || wave.state === "applying" ? "The gate looks when the wave's agents have applied it." : "The gate has not looked at this wave.";
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
