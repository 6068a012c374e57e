// One alert: its figures, what it rests on, and where to go from here.

import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { SEVERITY_TONES, matchersOf, seriesText, webLink } from "../lib/alerts.ts";
import { useAction } from "../lib/actions.tsx";
import { send } from "../lib/api.ts";
import { href } from "../lib/route.ts";
import { Act } from "../ui/act.tsx";
import { Ago, Badge, Dialog, Tags, Time } from "../ui/basics.tsx";
import { SilenceDialog } from "../ui/silence.tsx";
import { type Alert, AlertMarks } from "./alerts-table.tsx";

export function AlertDialog({ alert, refresh, onClose }: { alert: Alert; refresh: () => void; onClose: () => void }): JSX.Element {
  const [silencing, setSilencing] = useState(false);
  const { busy, error, run } = useAction();
  const { incident, series } = alert;
  if (silencing) return <SilenceDialog matchers={matchersOf({ rule: alert.rule, ...series })} onClose={onClose} onMade={refresh} />;
  const acknowledge = (): Promise<unknown> => send("POST", `api/incidents/${encodeURIComponent(incident ?? "")}/acknowledge`);
  return (
    <Dialog title={`${alert.rule} · ${seriesText(series)}`} onClose={onClose}>
      <p><Badge tone={SEVERITY_TONES[alert.severity] ?? "idle"}>{alert.severity}</Badge> <AlertMarks alert={alert} /></p>
      <p class="why">{alert.reason}</p>
      <Facts alert={alert} />
      {error ? <p class="fault" role="alert">{error.message}</p> : null}
      <div class="buttons">
        {incident ? <Act disabled={busy || alert.acknowledgedBy !== null} onClick={() => void run(acknowledge, "Acknowledged: it is not repeated.", refresh)}>Acknowledge its incident</Act> : null}
        <Act class="second" onClick={() => setSilencing(true)}>Silence…</Act>
      </div>
    </Dialog>
  );
}

function Facts({ alert }: { alert: Alert }): JSX.Element {
  const runbook = webLink(alert.runbook);
  const facts: [string, JSX.Element | string | null][] = [
    ["Firing since", alert.firedAt ? <><Time at={alert.firedAt} /> (<Ago at={alert.firedAt} />)</> : null],
    [`${alert.phase} since`, alert.phase === "firing" ? null : <><Time at={alert.since} /> (<Ago at={alert.since} />)</>],
    ["Evaluated", <Ago at={alert.evaluated} />],
    ["Acknowledged by", alert.acknowledgedBy],
    ["Silenced by", alert.silencedBy ? <a href={href("alerts", [], { part: "silences" })}>{alert.silencedBy}</a> : null],
    ["Follows from", alert.inhibitedBy ? <a href={href("alerts", [], { alert: alert.inhibitedBy })}>{alert.inhibitedBy}</a> : null],
    ["Labels", <Tags tags={alert.labels} />],
    ["Rule", <a href={href("rules", [alert.rule])}>{alert.rule}</a>],
    ["Incident", alert.incident ? <a href={href("incidents", [alert.incident])}>{alert.incident}</a> : null],
    ["Agent", alert.series.agent ? <a href={href("agents", [alert.series.agent])}>{alert.series.agent}</a> : null],
    ["Owner", alert.owner],
    ["Runbook", runbook ? <a href={runbook} target="_blank" rel="noreferrer noopener">{runbook}</a> : alert.runbook],
  ];
  return <dl class="pairs">{facts.filter(([, value]) => value).map(([label, value]) => <><dt>{label}</dt><dd>{value}</dd></>)}</dl>;
}
