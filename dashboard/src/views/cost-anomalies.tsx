// Hours that cost far more or less than their time of day and week leads to expect.

import type { JSX } from "preact";
import { dollars, duration, number } from "../lib/format.ts";
import { useLive } from "../lib/live.ts";
import { type Range, useRange } from "../lib/range.ts";
import { filter, href, route, show } from "../lib/route.ts";
import { ByField, groupName } from "../ui/by.tsx";
import { Badge, Panel, Time } from "../ui/basics.tsx";
import { RangeChoice } from "../ui/range.tsx";
import { Loaded } from "../ui/states.tsx";
import { type Column, Table } from "../ui/table.tsx";

interface Anomaly {
  tags: Record<string, string>;
  start: string;
  end: string;
  direction: "up" | "down";
  usdPerHour: number;
  usualPerHour: number;
  excess: number;
  score: number;
  chance: number;
  evidence: string;
}

interface Found {
  anomalies: Anomaly[];
  groups: number;
  notes: string[];
}

const EVERY_MS = 60_000;
const AROUND_MS = 86_400_000; // shown before and after, when one is looked at

export function CostAnomalies(): JSX.Element {
  const range = useRange("7d");
  const { tags, by: grouped } = filter.value;
  const by = route.value.query.group ?? (grouped || "tier");
  return (
    <>
      <div class="bar parts">
        <ByField value={by} offered={["tier", "model", "agent", "tenant"]} onChoose={(group) => show({ group })} />
        <RangeChoice range={range} ranges={["24h", "7d", "30d"]} />
      </div>
      <Unusual key={by} tags={tags} by={by} range={range} />
    </>
  );
}

// With `by` as its key: what was grouped otherwise is not kept.
function Unusual({ tags, by, range }: { tags: string; by: string; range: Range }): JSX.Element {
  const live = useLive<Found>("api/cost/anomalies", { tags, by, ...range.query }, { every: EVERY_MS, keep: true });
  return (
    <Loaded live={live} what="unusual hours">{(found) => (
      <>
        {found.notes.map((note) => <p key={note} class="notice">{note}</p>)}
        <Panel title="Unusual hours" aside={<span class="soft">{number(found.groups)} groups looked at</span>}>
          <Table label="Unusual hours" columns={columnsOf(by)} rows={found.anomalies} id={(one) => `${groupName(one.tags, by)} ${one.start}`} empty="No hour stands out against the same hours before." />
          <p class="soft">Compared with the same hours of up to four weeks before. A group needs five days of past; less than $0.10 an hour is no news.</p>
        </Panel>
      </>
    )}</Loaded>
  );
}

const columnsOf = (by: string): Column<Anomaly>[] => [
  { key: "group", label: by || "Group", render: (one) => <a href={around(one, by)}>{groupName(one.tags, by)}</a>, sort: (one) => groupName(one.tags, by) },
  { key: "direction", label: "Cost", render: (one) => (one.direction === "up" ? <Badge tone="bad">↑ more</Badge> : <Badge tone="info">↓ less</Badge>), sort: (one) => one.direction },
  { key: "excess", label: "Beyond the usual", render: (one) => dollars(one.excess), sort: (one) => one.excess, numeric: true },
  { key: "hour", label: "An hour", render: (one) => dollars(one.usdPerHour), sort: (one) => one.usdPerHour, numeric: true, minor: true },
  { key: "usual", label: "Usual", render: (one) => dollars(one.usualPerHour), sort: (one) => one.usualPerHour, numeric: true, minor: true },
  { key: "start", label: "Began", render: (one) => <Time at={one.start} />, sort: (one) => one.start },
  { key: "long", label: "For", render: (one) => duration((Date.parse(one.end) - Date.parse(one.start)) / 1000), sort: (one) => Date.parse(one.end) - Date.parse(one.start), numeric: true, minor: true },
  { key: "evidence", label: "Evidence", render: (one) => one.evidence, minor: true },
];

// What was spent a day before and after.
function around(one: Anomaly, by: string): string {
  return href("cost", [], { group: by, start: String(Date.parse(one.start) - AROUND_MS), end: String(Math.min(Date.now(), Date.parse(one.end) + AROUND_MS)) });
}
