// What a gate says of a wave, with the numbers that it rests on.

import type { JSX } from "preact";
import { MISSING, type Maybe, dollars, milliseconds, number, percent, plural } from "../lib/format.ts";
import { type Finding, OUTCOME, type Verdict } from "../lib/rollout.ts";
import { Ago, Badge, Meter, type Tone } from "./basics.tsx";
import { type Column, Table } from "./table.tsx";

const WORDS: Record<string, [word: string, text: (value: Maybe) => string]> = {
  "task.errors": ["errors", percent],
  "task.latency_ms": ["latency", milliseconds],
  "task.cost_usd": ["cost a task", dollars],
  "task.tokens_out": ["tokens out a task", number],
};
const wordOf = (metric: string): string => WORDS[metric]?.[0] ?? metric;
const textOf = (metric: string, value: Maybe): string => (WORDS[metric]?.[1] ?? number)(value);

export interface Bounds {
  // Evidence from which on a metric is called worse; null when the gate goes by something else.
  evidence: number | null;
  minTasks: number | null;
}

export function Gate({ verdict, bounds }: { verdict: Verdict; bounds: Bounds }): JSX.Element {
  return (
    <>
      <p class="why"><Badge tone={OUTCOME[verdict.outcome]}>{verdict.outcome}</Badge> {verdict.reason}</p>
      <p class="soft">
        {plural(verdict.tasks, "task")} of the wave{bounds.minTasks === null ? "" : ` (at least ${number(bounds.minTasks)} for a pass)`} · control: {plural(verdict.controlTasks, "task")} of {plural(verdict.controlAgents, "agent")} · looked <Ago at={verdict.lookedAt} />
      </p>
      {verdict.findings.length ? <Table label="What the gate found" rows={verdict.findings} id={(one) => one.metric} columns={columnsOf(bounds)} /> : null}
    </>
  );
}

const columnsOf = (bounds: Bounds): Column<Finding>[] => [
  { key: "metric", label: "Metric", render: (one) => <span title={one.metric}>{wordOf(one.metric)}</span> },
  { key: "outcome", label: "Says", render: (one) => <Badge tone={OUTCOME[one.outcome]} title={one.reason}>{one.outcome}</Badge> },
  { key: "wave", label: "Wave", numeric: true, render: (one) => <b>{textOf(one.metric, one.wave)}</b> },
  { key: "past", label: "Its own past", numeric: true, render: (one) => <>{textOf(one.metric, one.past)} <Ratio of={one.wave} to={one.past} /></> },
  { key: "control", label: "Control", numeric: true, render: (one) => <>{textOf(one.metric, one.control)} <Ratio of={one.wave} to={one.control} /></> },
  ...(bounds.evidence === null ? [] : [{ key: "evidence", label: "Evidence for worse (e-value)", render: (one: Finding) => <Evidence value={one.evidence} bound={bounds.evidence as number} /> }]),
  { key: "reason", label: "Why", render: (one) => <span title={one.reason}>{one.reason || <span class="soft">{MISSING}</span>}</span>, minor: true },
];

function Ratio({ of, to }: { of: number | null; to: number | null }): JSX.Element | null {
  return of === null || !to ? null : <small class="soft">×{number(Math.round((of / to) * 100) / 100)}</small>;
}

// On a scale of logarithms: evidence multiplies.
function Evidence({ value, bound }: { value: number; bound: number }): JSX.Element {
  const share = value <= 1 ? 0 : Math.log(value) / Math.log(bound);
  const tone: Tone = share >= 1 ? "bad" : share >= 0.5 ? "warn" : "good";
  const text = `${value < 0.01 && value > 0 ? "< 0.01" : number(value)} of ${number(bound)}`;
  return <span class="evidence"><Meter share={share} tone={tone} label={`evidence ${text}`} /><span>{text}</span></span>;
}
