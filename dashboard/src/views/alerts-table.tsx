// Alerts in rows, those that somebody is told of first; in groups where the fleet's filter groups.

import type { JSX } from "preact";
import { SEVERITY_TONES, gravity, seriesText } from "../lib/alerts.ts";
import { number, time, utc } from "../lib/format.ts";
import { filter, href, narrow, route } from "../lib/route.ts";
import { Ago, Badge, Mark } from "../ui/basics.tsx";
import { State } from "../ui/states.tsx";
import { type Column, Table } from "../ui/table.tsx";

export interface Alert {
  id: string;
  rule: string;
  series: Record<string, string>;
  labels: Record<string, string>;
  severity: string;
  phase: string;
  since: string;
  firedAt: string | null;
  value: number | null;
  threshold: number | null;
  reason: string;
  data: string;
  evaluated: string;
  flapping: boolean;
  acknowledgedBy: string | null;
  silencedBy: string | null;
  inhibitedBy: string | null;
  incident: string | null;
  runbook: string | null;
  owner: string | null;
}

// `quiet`: it may fire, but nobody is told.
export type Standing = "firing" | "pending" | "quiet";

export function standingOf(alert: Alert): Standing {
  if (alert.silencedBy || alert.inhibitedBy) return "quiet";
  return alert.phase === "pending" ? "pending" : "firing";
}

const STANDINGS: readonly Standing[] = ["firing", "pending", "quiet"];

// What somebody has to see first is least: it fires and is told, is grave, nobody cares for it yet, is new.
function order(alert: Alert): number {
  const known = alert.acknowledgedBy ? 1 : 0;
  return ((STANDINGS.indexOf(standingOf(alert)) * 10 - gravity(alert.severity)) * 2 + known) * 1e14 - (time(alert.since) ?? 0);
}

const PHASE_TONES = { firing: "bad", recovering: "warn", pending: "info" } as const;

export function AlertMarks({ alert }: { alert: Alert }): JSX.Element {
  return (
    <span class="marks">
      <Badge tone={PHASE_TONES[alert.phase as keyof typeof PHASE_TONES] ?? "idle"}>{alert.phase}</Badge>
      {alert.silencedBy ? <Badge tone="idle" title={`by the silence ${alert.silencedBy}`}>silenced</Badge> : null}
      {alert.inhibitedBy ? <Badge tone="idle" title={`follows from ${alert.inhibitedBy}`}>follows from another</Badge> : null}
      {alert.acknowledgedBy ? <Badge tone="good" title={alert.acknowledgedBy}>acknowledged</Badge> : null}
      {alert.flapping ? <Badge tone="warn">flapping</Badge> : null}
      {alert.data !== "ok" ? <Badge tone="idle">{alert.data.replaceAll("_", " ")}</Badge> : null}
    </span>
  );
}

const COLUMNS: readonly Column<Alert>[] = [
  { key: "rule", label: "Rule", render: (alert) => <><Mark tone={SEVERITY_TONES[alert.severity] ?? "idle"} word={alert.severity} /> {alert.rule}</>, sort: (alert) => alert.rule },
  { key: "severity", label: "Severity", render: (alert) => <Badge tone={SEVERITY_TONES[alert.severity] ?? "idle"}>{alert.severity}</Badge>, sort: (alert) => -gravity(alert.severity), minor: true },
  { key: "phase", label: "Stands", render: (alert) => <AlertMarks alert={alert} />, sort: (alert) => order(alert) },
  { key: "series", label: "Of", render: (alert) => seriesText(alert.series), sort: (alert) => seriesText(alert.series) },
  { key: "since", label: "For", render: (alert) => <Ago at={alert.firedAt ?? alert.since} suffix="" />, sort: (alert) => -(time(alert.firedAt ?? alert.since) ?? 0), numeric: true },
  { key: "reason", label: "Why", render: (alert) => <span title={`${alert.reason}; as of ${utc(time(alert.evaluated) ?? 0)}`}>{alert.reason}</span>, sort: (alert) => alert.reason, minor: true },
];

export function AlertTable({ alerts, by }: { alerts: readonly Alert[]; by: string }): JSX.Element {
  const { args, query } = route.value;
  const table = (rows: readonly Alert[], label: string): JSX.Element => (
    <div class="plain"><Table label={label} columns={COLUMNS} rows={rows} id={(alert) => alert.id} link={(alert) => href("alerts", args, { ...query, alert: alert.id })} sorted="phase" /></div>
  );
  if (!by) return table(alerts, "Alerts");
  const groups = new Map<string, Alert[]>();
  for (const alert of alerts) {
    const value = Object.hasOwn(alert.labels, by) ? `${by}=${alert.labels[by]}` : `no ${by}`;
    groups.get(value)?.push(alert) ?? groups.set(value, [alert]);
  }
  return <>{[...groups].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, rows]) => <section key={name} class="group"><h3>{name} · {number(rows.length)}</h3>{table(rows, name)}</section>)}</>;
}

const NOTHING: Record<string, [title: string, text: string]> = {
  firing: ["Nothing fires", "No alert is told of at this moment."],
  pending: ["Nothing is pending", "No condition holds that would fire if it went on."],
  quiet: ["Nothing is silenced", "No alert is hidden by a silence or follows from another."],
  resolved: ["Nothing was resolved lately", "Alerts that end stand here until their series are gone."],
};

export function NoAlerts({ part, any }: { part: string; any: boolean }): JSX.Element {
  const [title, text] = NOTHING[part] ?? ["All quiet", "No alert fires or is pending. Rules are checked every minute; see which are in force under Rules."];
  const { tags } = filter.value;
  if (tags && !any) return <State symbol="●" title={title} text={`${text} Only those that fit ${tags} are looked at.`} action={["Look at the whole fleet", () => narrow({ tags: "" })]} />;
  return <State symbol="●" title={title} text={text} />;
}
