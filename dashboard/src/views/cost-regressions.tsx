// Whose tasks cost more than in the period before, and what changed when that began.

import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { type Maybe, change, dollars, number, price } from "../lib/format.ts";
import { useLive } from "../lib/live.ts";
import { filter, href, route, show } from "../lib/route.ts";
import { ByField, groupName } from "../ui/by.tsx";
import { Badge, Choices, Dialog, Panel, Time, type Tone } from "../ui/basics.tsx";
import { Loaded } from "../ui/states.tsx";
import { Table } from "../ui/table.tsx";

interface Suspect {
  change: string;
  id: string | null;
  at: string;
  score: number;
  why: string;
}

interface Cause {
  at: string | null;
  low: string | null;
  high: string | null;
  culprit: string | null;
  suspects: Suspect[];
  reason: string;
}

interface Regression {
  tags: Record<string, string>;
  verdict: "regression" | "improvement" | "same" | "too_little";
  before: number | null;
  after: number | null;
  tasksBefore: number;
  tasksAfter: number;
  ratio: number | null;
  low: number | null;
  high: number | null;
  traffic: number;
  mix: number;
  perTask: number;
  reason: string;
  cause: Cause | null;
  notes: string[];
}

interface Found {
  start: string;
  middle: string;
  end: string;
  groups: Regression[];
  notes: string[];
}

const VERDICTS: Record<string, [Tone, string]> = { regression: ["bad", "dearer"], improvement: ["good", "cheaper"], same: ["idle", "same"], too_little: ["idle", "too little to say"] };
const EVERY_MS = 60_000;

const signed = (value: Maybe): string => (value != null && value > 0 ? `+${dollars(value)}` : dollars(value));

// Of a change that nobody could measure there are no parts.
const part = (of: Regression, usd: number): string => signed(of.verdict === "too_little" ? null : usd);

function titleOf(groups: readonly Regression[]): string {
  const dearer = groups.filter((one) => one.verdict === "regression").length;
  if (dearer) return `${dearer} of ${groups.length} got dearer`;
  return groups.length && groups.every((one) => one.verdict === "too_little") ? "Too few tasks to compare" : "Nothing got dearer";
}

export function CostRegressions(): JSX.Element {
  const { tags, by: grouped } = filter.value;
  const by = route.value.query.group ?? (grouped || "tier");
  const period = route.value.query.period ?? "7d";
  return (
    <>
      <div class="bar parts">
        <ByField value={by} offered={["tier", "model", "agent", "tenant"]} onChoose={(group) => show({ group })} />
        <Choices label="Length of both periods" value={period} options={["1d", "7d", "14d", "28d"].map((value) => ({ value, label: value }))} onChoose={(chosen) => show({ period: chosen === "7d" ? undefined : chosen })} />
      </div>
      <Compared key={by} tags={tags} by={by} period={period} />
    </>
  );
}

// With `by` as its key: what was grouped otherwise is not kept.
function Compared({ tags, by, period }: { tags: string; by: string; period: string }): JSX.Element {
  const found = useLive<Found>("api/cost/regressions", { tags, by, period }, { every: EVERY_MS, keep: true });
  return <Loaded live={found} what="regressions of cost">{(answer) => <Groups found={answer} by={by} />}</Loaded>;
}

function Groups({ found, by }: { found: Found; by: string }): JSX.Element {
  const [open, setOpen] = useState<Regression | null>(null);
  return (
    <>
      {found.notes.map((note) => <p key={note} class="notice">{note}</p>)}
      <Panel title={titleOf(found.groups)} aside={<span class="soft"><Time at={found.middle} /> to <Time at={found.end} />, against as long before</span>}>
        <Table label="Cost of a task, before and after" rows={found.groups} id={(one) => groupName(one.tags, by)} empty="No task in either period. Costs come with tasks, or from their tokens." columns={[
          { key: "group", label: by || "Group", render: (one) => <button type="button" class="chip" onClick={() => setOpen(one)}>{groupName(one.tags, by)}</button>, sort: (one) => groupName(one.tags, by) },
          { key: "verdict", label: "Verdict", render: (one) => <Verdict of={one} />, sort: (one) => one.verdict },
          { key: "before", label: "A task before", render: (one) => price(one.before), sort: (one) => one.before, numeric: true, minor: true },
          { key: "after", label: "A task after", render: (one) => price(one.after), sort: (one) => one.after, numeric: true },
          { key: "ratio", label: "Change", render: (one) => change(one.ratio === null ? null : one.ratio - 1), sort: (one) => one.ratio, numeric: true },
          { key: "perTask", label: "By cost a task", render: (one) => part(one, one.perTask), sort: (one) => one.perTask, numeric: true },
          { key: "traffic", label: "By traffic", render: (one) => part(one, one.traffic), sort: (one) => one.traffic, numeric: true, minor: true },
          { key: "mix", label: "By mix of agents", render: (one) => part(one, one.mix), sort: (one) => one.mix, numeric: true, minor: true },
          { key: "culprit", label: "Likeliest reason", render: (one) => one.cause?.culprit ?? one.cause?.suspects[0]?.change ?? "", minor: true },
        ]} />
        <p class="soft">More tasks are no regression, nor is another mix of agents. A group is dearer when its tasks cost at least 20 % more and chance does not explain it.</p>
      </Panel>
      {open ? <Story one={open} name={groupName(open.tags, by)} onClose={() => setOpen(null)} /> : null}
    </>
  );
}

function Verdict({ of }: { of: Regression }): JSX.Element {
  const [tone, word] = VERDICTS[of.verdict] ?? ["idle", of.verdict];
  return <Badge tone={tone} title={of.reason}>{word}</Badge>;
}

function Story({ one, name, onClose }: { one: Regression; name: string; onClose: () => void }): JSX.Element {
  return (
    <Dialog title={name} onClose={onClose} wide>
      <p><Verdict of={one} /> {one.reason}</p>
      <dl class="pairs">
        <dt>A task</dt><dd>{price(one.before)} before, {price(one.after)} after</dd>
        <dt>At the same mix</dt><dd>{change(one.ratio === null ? null : one.ratio - 1)}, likely between {change(one.low === null ? null : one.low - 1)} and {change(one.high === null ? null : one.high - 1)}</dd>
        <dt>Tasks</dt><dd>{number(one.tasksBefore)} before, {number(one.tasksAfter)} after</dd>
        <dt>Change of the cost</dt><dd>{signed(one.perTask)} by cost a task, {signed(one.traffic)} by traffic, {signed(one.mix)} by mix</dd>
      </dl>
      {one.notes.map((note) => <p key={note} class="soft">{note}</p>)}
      {one.cause ? <Why cause={one.cause} /> : null}
    </Dialog>
  );
}

function Why({ cause }: { cause: Cause }): JSX.Element {
  return (
    <>
      <h3>What changed</h3>
      <p>{cause.reason}{cause.at ? <> Began at <Time at={cause.at} />.</> : null}</p>
      <Table label="Suspects" rows={cause.suspects} id={(one) => `${one.at} ${one.change}`} empty="No change is known of that time." columns={[
        { key: "change", label: "Change", render: (one) => (one.id ? <a href={href("rollouts", [one.id])}>{one.change}</a> : one.change) },
        { key: "at", label: "At", render: (one) => <Time at={one.at} /> },
        { key: "score", label: "Likelihood", render: (one) => `${number(one.score * 100)} %`, numeric: true },
        { key: "why", label: "Why", render: (one) => one.why },
      ]} />
    </>
  );
}
