// The planner: agents of each tier, today's against what is needed, and what is needed if things were different.

import type { JSX } from "preact";
import { dollars, number, percent } from "../lib/format.ts";
import { useLive } from "../lib/live.ts";
import type { Range } from "../lib/range.ts";
import { filter, route, show } from "../lib/route.ts";
import { Panel, Stat, Stats } from "../ui/basics.tsx";
import { Loaded, State } from "../ui/states.tsx";
import { type Column, Table } from "../ui/table.tsx";
import { Corrections, type TierPlan, rate, seconds, signed, tierName } from "./capacity-figures.tsx";
import { Tier } from "./capacity-tier.tsx";
import { WhatIf, whatIf } from "./capacity-what-if.tsx";

interface Plan {
  agents: number;
  with_headroom: number;
  usd_per_month: number | null;
  start: string;
  end: string;
  source: "minutes" | "hours";
  tiers: TierPlan[];
  notes: string[];
}

const EVERY_MS = 60_000;

export function CapacityPlan({ range }: { range: Range }): JSX.Element {
  const { tags, by } = filter.value;
  const question = { tags, by: by === "tier" ? "" : by, ...range.query };
  const changed = whatIf();
  const differs = Object.keys(changed).length > 0;
  const seen = useLive<Plan>("api/capacity", question, { every: EVERY_MS, keep: true });
  const asked = useLive<Plan>(differs ? "api/capacity" : null, { ...question, ...changed }, { every: EVERY_MS, keep: true });
  return (
    <>
      <Panel title="What if"><WhatIf /></Panel>
      {differs
        ? <Loaded live={asked} what="the plan">{(plan) => <Planned plan={plan} seen={seen.data} />}</Loaded>
        : <Loaded live={seen} what="the plan">{(plan) => <Planned plan={plan} seen={null} />}</Loaded>}
    </>
  );
}

// `seen` is the plan of things as they are, to hold another one against.
function Planned({ plan, seen }: { plan: Plan; seen: Plan | null }): JSX.Element {
  if (!plan.tiers.length) {
    return <State symbol="○" title="Nothing to plan from" text="A plan is made from the tasks of whole hours that are over, and there were none. From figures of your own:" code="clawpulse capacity plan --arrival-rate 4.2 --service-time 3.1 --utilization 0.65" />;
  }
  const current = plan.tiers.every((tier) => tier.current === null) ? null : plan.tiers.reduce((sum, tier) => sum + (tier.current ?? 0), 0);
  const against = (pick: (one: Plan) => number): string => (seen ? `${number(pick(seen))} as it is` : "");
  return (
    <>
      <Stats label="All tiers">
        <Stat label="agents now" value={number(current)} note="in service and not silent" />
        <Stat label="agents needed" value={number(plan.agents)} note={against((one) => one.agents)} />
        <Stat label="with headroom" value={number(plan.with_headroom)} note={against((one) => one.with_headroom)} />
        <Stat label="change" value={signed(current === null ? null : plan.with_headroom - current)} note="from now to with headroom" />
        <Stat label="costs a month" value={plan.usd_per_month !== null && plan.usd_per_month > 0 ? `+${dollars(plan.usd_per_month)}` : dollars(plan.usd_per_month)} note={plan.usd_per_month === null ? "nobody said what an agent costs" : "beside tokens"} />
        <Stat label="arrivals counted by" value={plan.source} />
      </Stats>
      <Panel title="Tiers">
        <Table label="Tiers" columns={COLUMNS} rows={plan.tiers} id={(tier) => tierName(tier.tags)} sorted={route.value.query.sort ?? "tier"} onSort={(sort) => show({ sort })} />
        {plan.notes.map((note) => <p key={note} class="soft">{note}</p>)}
      </Panel>
      <div class="columns">{plan.tiers.map((tier) => <Tier key={tierName(tier.tags)} tier={tier} />)}</div>
    </>
  );
}

const COLUMNS: readonly Column<TierPlan>[] = [
  { key: "tier", label: "Tier", render: (tier) => tierName(tier.tags), sort: (tier) => tierName(tier.tags) },
  { key: "now", label: "Now", render: (tier) => number(tier.current), sort: (tier) => tier.current, numeric: true },
  { key: "needed", label: "Needed", render: (tier) => number(tier.agents), sort: (tier) => tier.agents, numeric: true },
  { key: "headroom", label: "With headroom", render: (tier) => <b>{number(tier.with_headroom)}</b>, sort: (tier) => tier.with_headroom, numeric: true },
  { key: "change", label: "Change", render: (tier) => signed(tier.change), sort: (tier) => tier.change, numeric: true },
  { key: "usd", label: "$/month", render: (tier) => dollars(tier.usd_per_month), sort: (tier) => tier.usd_per_month, numeric: true, minor: true },
  { key: "rate", label: "λ arrivals", render: (tier) => rate(tier.arrival_rate), sort: (tier) => tier.arrival_rate, numeric: true, minor: true },
  { key: "time", label: "s a task", render: (tier) => seconds(tier.service_time), sort: (tier) => tier.service_time, numeric: true, minor: true },
  { key: "use", label: "U busy", render: (tier) => percent(tier.utilization), sort: (tier) => tier.utilization, numeric: true, minor: true },
  { key: "at-a-time", label: "At a time", render: (tier) => number(tier.concurrency), sort: (tier) => tier.concurrency, numeric: true, minor: true },
  { key: "wait", label: "p95 wait", render: (tier) => seconds(tier.wait_with_headroom?.p95_s), sort: (tier) => tier.wait_with_headroom?.p95_s, numeric: true, minor: true },
  { key: "found", label: "Corrections", render: (tier) => <Corrections tier={tier} />, minor: true },
];
