// The alerts of an incident, as lanes over its time and as rows.

import type { JSX } from "preact";
import { useMemo } from "preact/hooks";
import { SEVERITY_TONES, gravity, seriesText } from "../lib/alerts.ts";
import { duration, number, time } from "../lib/format.ts";
import { href } from "../lib/route.ts";
import { Badge, Time, useNow } from "../ui/basics.tsx";
import { type Bar, type Lane, Lanes } from "../ui/lanes.tsx";
import { type Column, Table } from "../ui/table.tsx";
import type { IncidentDetails, Member } from "./incidents-one.tsx";

const LANES = 12;

export function Members({ incident }: { incident: IncidentDetails }): JSX.Element {
  const now = useNow(30_000);
  const { members, unlisted } = incident;
  const begins = useMemo(() => Math.min(time(incident.opened) ?? now, ...members.map((one) => time(one.since) ?? now)), [members]);
  const lanes = useMemo(() => members.slice(0, LANES).map(laneOf), [members]);
  return (
    <>
      {lanes.length ? <Lanes label="When each alert fired" start={begins} end={time(incident.closed) ?? now} lanes={lanes} /> : null}
      <Table label="Alerts of the incident" columns={COLUMNS} rows={members} id={(one) => one.alert} link={(one) => (one.firing ? href("alerts", [], { alert: one.alert }) : href("rules", [one.rule]))} empty="None of its alerts may be seen by this token." />
      {unlisted ? <p class="soft">and {number(unlisted)} more that are counted, not listed.</p> : null}
    </>
  );
}

function laneOf(member: Member): Lane {
  const [start, end] = [time(member.firedAt) ?? 0, time(member.ended)];
  const bar: Bar = { start, end, tone: member.severity as Bar["tone"], title: `${member.rule} ${end === null ? "fires still" : `fired for ${duration((end - start) / 1000)}`}: ${member.reason}` };
  return { id: member.alert, label: `${member.rule} · ${seriesText(member.series)}`, bars: [bar] };
}

const COLUMNS: readonly Column<Member>[] = [
  { key: "rule", label: "Rule", render: (one) => one.rule, sort: (one) => one.rule },
  { key: "series", label: "Of", render: (one) => seriesText(one.series), sort: (one) => seriesText(one.series) },
  { key: "firing", label: "State", render: (one) => (one.firing ? <Badge tone="bad">firing</Badge> : <Badge tone="good">over</Badge>), sort: (one) => Number(one.firing) },
  { key: "severity", label: "Severity", render: (one) => <Badge tone={SEVERITY_TONES[one.severity] ?? "idle"}>{one.severity}</Badge>, sort: (one) => gravity(one.severity), minor: true },
  { key: "fired", label: "Fired", render: (one) => <Time at={one.firedAt} />, sort: (one) => time(one.firedAt), numeric: true, minor: true },
  { key: "ended", label: "Ended", render: (one) => <Time at={one.ended} />, sort: (one) => time(one.ended), numeric: true, minor: true },
  { key: "reason", label: "Why", render: (one) => <span title={`${one.reason} ${one.endReason}`}>{one.reason}</span>, minor: true, wrap: true },
  { key: "owner", label: "Owner", render: (one) => one.owner ?? "", sort: (one) => one.owner, minor: true },
];
