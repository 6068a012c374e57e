// One incident: what fires, what happened when, who was told, what people wrote.

import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { type Delivery, SEVERITY_TONES, matchersOf } from "../lib/alerts.ts";
import { useAction } from "../lib/actions.tsx";
import { send } from "../lib/api.ts";
import { duration, number, time } from "../lib/format.ts";
import { useLive } from "../lib/live.ts";
import { href } from "../lib/route.ts";
import { Act } from "../ui/act.tsx";
import { Ago, Badge, Panel, Stat, Stats, Tags, Time, useNow } from "../ui/basics.tsx";
import { SilenceDialog } from "../ui/silence.tsx";
import { Loaded } from "../ui/states.tsx";
import { type Incident, IncidentMarks } from "./incidents.tsx";
import { Members } from "./incidents-members.tsx";
import { MessageTable } from "./incidents-messages.tsx";
import { Postmortem } from "./incidents-postmortem.tsx";

export interface Member {
  alert: string;
  rule: string;
  series: Record<string, string>;
  labels: Record<string, string>;
  severity: string;
  firing: boolean;
  since: string;
  firedAt: string;
  ended: string | null;
  value: number | null;
  threshold: number | null;
  reason: string;
  endReason: string;
  acknowledgedBy: string | null;
  runbook: string | null;
  owner: string | null;
}

export interface IncidentDetails extends Incident {
  members: Member[];
  unlisted: number;
  timeline: { at: string; text: string }[];
  notes: { at: string; by: string; text: string }[];
  deliveries: Delivery[];
  partial: boolean;
  newErrors: string | null;
}

export function IncidentPage({ id }: { id: string }): JSX.Element {
  const found = useLive<IncidentDetails>(`api/incidents/${encodeURIComponent(id)}`);
  const title = found.data?.title;
  useEffect(() => { if (title) document.title = `${title} · ClawPulse`; }, [title]);
  return (
    <>
      <p class="path"><a href={href("incidents")}>Incidents</a> / {title ?? id}</p>
      <Loaded live={found} what={`the incident ${id}`}>{(incident) => <Story incident={incident} refresh={found.refresh} />}</Loaded>
    </>
  );
}

function Story({ incident, refresh }: { incident: IncidentDetails; refresh: () => void }): JSX.Element {
  return (
    <>
      <Panel title={<><Badge tone={SEVERITY_TONES[incident.severity] ?? "idle"}>{incident.severity}</Badge> {incident.title}</>} aside={<Actions incident={incident} refresh={refresh} />}>
        <p><IncidentMarks incident={incident} /> {incident.acknowledgedBy.length ? <>taken care of by {incident.acknowledgedBy.join(", ")}</> : incident.state === "open" ? "waits for somebody to acknowledge it" : ""}</p>
        {incident.hidden ? <p class="why">Nobody is told: {incident.hidden}</p> : null}
        {Object.keys(incident.group).length ? <Tags tags={incident.group} /> : null}
        {incident.partial ? <p class="notice">This token sees only some of its alerts, and nothing that speaks of the others.</p> : null}
      </Panel>
      <Figures incident={incident} />
      <Panel title="Alerts"><Members incident={incident} /></Panel>
      <div class="columns">
        <Panel title="What happened"><Timeline incident={incident} /></Panel>
        <Panel title="Notes"><Notes incident={incident} refresh={refresh} /></Panel>
      </div>
      {incident.partial ? null : <Panel title="Messages"><MessageTable deliveries={incident.deliveries} /></Panel>}
    </>
  );
}

function Figures({ incident }: { incident: IncidentDetails }): JSX.Element {
  const now = useNow(10_000);
  const lasts = ((time(incident.closed) ?? now) - (time(incident.opened) ?? now)) / 1000;
  const failed = incident.deliveries.filter((one) => one.state === "undelivered").length;
  return (
    <Stats label="The incident in figures">
      <Stat label="opened" value={<Ago at={incident.opened} />} />
      <Stat label={incident.closed ? "lasted" : "lasts"} value={duration(lasts)} note={incident.closed ? <>closed <Ago at={incident.closed} /></> : ""} />
      <Stat label="firing" value={number(incident.firing)} note={`of ${number(incident.alerts)} alerts`} {...(incident.firing ? { tone: "bad" as const } : {})} />
      <Stat label="messages" value={number(incident.deliveries.length)} note={failed ? `${number(failed)} not delivered` : ""} {...(failed ? { tone: "bad" as const } : {})} />
      <Stat label="route" value={incident.route} />
    </Stats>
  );
}

function Actions({ incident, refresh }: { incident: IncidentDetails; refresh: () => void }): JSX.Element {
  const [open, setOpen] = useState<"" | "silence" | "postmortem">("");
  const { busy, run } = useAction();
  const acknowledge = (): Promise<unknown> => send("POST", `api/incidents/${encodeURIComponent(incident.id)}/acknowledge`);
  const rules = [...new Set(incident.members.filter((one) => one.firing).map((one) => one.rule))];
  const matchers = matchersOf({ ...(rules.length === 1 ? { rule: rules[0] as string } : {}), ...incident.group });
  const close = (): void => setOpen("");
  return (
    <>
      {incident.firing ? <Act disabled={busy || incident.acknowledgedBy.length > 0} onClick={() => void run(acknowledge, "Acknowledged: it is not repeated, and channels are told.", refresh)}>Acknowledge</Act> : null}
      <Act class="second" onClick={() => setOpen("silence")}>Silence…</Act>
      <button type="button" class="second" onClick={() => setOpen("postmortem")}>Postmortem…</button>
      {open === "silence" ? <SilenceDialog matchers={matchers} onClose={close} onMade={refresh} /> : null}
      {open === "postmortem" ? <Postmortem id={incident.id} onClose={close} /> : null}
    </>
  );
}

// Notes stand among what happened, where they were written.
function Timeline({ incident }: { incident: IncidentDetails }): JSX.Element {
  const written = incident.notes.map((note) => ({ at: note.at, text: `${note.by}: ${note.text}` }));
  const all = [...incident.timeline, ...written].sort((a, b) => (time(a.at) ?? 0) - (time(b.at) ?? 0));
  if (!all.length) return <p class="nothing">Nothing is told.</p>;
  return <ol class="happened">{all.map((entry, index) => <li key={index}><Time at={entry.at} /> {entry.text}</li>)}</ol>;
}

// The range of a link of the API, as the view of errors has it.
function newErrors(link: string): Record<string, string | undefined> {
  const query = new URLSearchParams(link.split("?")[1]);
  const [start, end] = [time(query.get("start")), time(query.get("end")) ?? Date.now()];
  return { new: "true", start: start === null ? undefined : String(start), end: String(end) };
}

function Notes({ incident, refresh }: { incident: IncidentDetails; refresh: () => void }): JSX.Element {
  const [text, setText] = useState("");
  const { busy, error, run } = useAction();
  const write = (): Promise<unknown> => send("POST", `api/incidents/${encodeURIComponent(incident.id)}/notes`, { text: text.trim() });
  return (
    <>
      {incident.notes.length ? <ul class="happened">{incident.notes.map((note, index) => <li key={index}><Time at={note.at} /> <b>{note.by}</b><p class="written">{note.text}</p></li>)}</ul> : <p class="nothing">Nobody wrote anything yet.</p>}
      <form class="form" onSubmit={(event) => { event.preventDefault(); if (text.trim()) void run(write, "Noted.", () => { setText(""); refresh(); }); }}>
        <label><span>Write a note: for others, and for the postmortem</span><textarea class="low" rows={3} maxLength={2000} value={text} onInput={(event) => setText(event.currentTarget.value)} /></label>
        {error ? <p class="fault" role="alert">{error.message}</p> : null}
        <div class="buttons"><button type="submit" class="second" disabled={busy || !text.trim()}>Note</button>
          {incident.newErrors ? <a href={href("errors", [], newErrors(incident.newErrors))}>Errors first seen in its time</a> : null}</div>
      </form>
    </>
  );
}
