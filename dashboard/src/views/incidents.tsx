// Incidents: listed and searched; one with all that happened; and the messages that channels were sent.

import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { SEVERITY_TONES, gravity } from "../lib/alerts.ts";
import { duration, number, time } from "../lib/format.ts";
import { useLive } from "../lib/live.ts";
import { filter, href, narrow, route, show } from "../lib/route.ts";
import { Ago, Badge, Choices, Mark, useNow } from "../ui/basics.tsx";
import { Loaded, State } from "../ui/states.tsx";
import { type Column, Table } from "../ui/table.tsx";
import { Messages } from "./incidents-messages.tsx";
import { IncidentPage } from "./incidents-one.tsx";

export interface Incident {
  id: string;
  title: string;
  severity: string;
  state: "open" | "closed";
  opened: string;
  closed: string | null;
  route: string;
  group: Record<string, string>;
  firing: number;
  alerts: number;
  acknowledgedBy: string[];
  hidden: string | null;
  flapping: boolean;
}

const SPANS: Record<string, string> = { "": "7 days", "30": "30 days", "90": "90 days", "399": "all that is kept" };
const DAY_MS = 86_400_000;

export default function Incidents(): JSX.Element {
  const [id] = route.value.args;
  return id ? <IncidentPage key={id} id={id} /> : <List />;
}

function List(): JSX.Element {
  const { part = "", state = "", days = "", q = "" } = route.value.query;
  const options = [{ value: "", label: "Incidents" }, { value: "messages", label: "Messages sent" }];
  return (
    <>
      <div class="bar spaced">
        <Choices label="What to see" value={part} options={options} onChoose={(name) => show({ part: name || undefined })} />
        {part ? null : (
          <div class="aside">
            <Choices label="State" value={state} options={[{ value: "", label: "All" }, { value: "open", label: "Open" }, { value: "closed", label: "Closed" }]} onChoose={(name) => show({ state: name || undefined })} />
            <label class="field"><span>of the last</span><select value={days} onChange={(event) => show({ days: event.currentTarget.value || undefined })}>{Object.entries(SPANS).map(([value, label]) => <option key={value} value={value}>{label}</option>)}</select></label>
            <Search q={q} />
          </div>
        )}
      </div>
      {part === "messages" ? <Messages /> : <Found state={state} days={days} q={q} />}
    </>
  );
}

const TYPING_MS = 300;

function Search({ q }: { q: string }): JSX.Element {
  const [text, setText] = useState(q);
  const timer = useRef(0);
  useEffect(() => () => clearTimeout(timer.current), []);
  return (
    <label class="field"><span>with the words</span>
      <input type="search" value={text} maxLength={256} placeholder="rule, tag, reason, note" onInput={(event) => {
        const value = event.currentTarget.value;
        setText(value);
        clearTimeout(timer.current);
        timer.current = window.setTimeout(() => show({ q: value.trim() || undefined }), TYPING_MS);
      }} />
    </label>
  );
}

function Found({ state, days, q }: { state: string; days: string; q: string }): JSX.Element {
  const now = useNow(60_000);
  const { tags } = filter.value;
  // By the hour, so that the question stays the same and its answer may be that nothing changed.
  const since = days in SPANS && days ? new Date(Math.floor((now - Number(days) * DAY_MS) / 3_600_000) * 3_600_000).toISOString() : undefined;
  const found = useLive<{ incidents: Incident[]; total: number }>("api/incidents", { state, since, q, tags, limit: 500 }, { keep: true, every: 10_000 });
  return (
    <Loaded live={found} what="the incidents">
      {({ incidents, total }) => incidents.length === 0 ? <None narrowed={Boolean(state || q || tags)} /> : (
        <>
          <div class="plain"><Table label="Incidents" columns={COLUMNS} rows={incidents} id={(one) => one.id} link={(one) => href("incidents", [one.id])} sorted="-state" /></div>
          {total > incidents.length ? <p class="soft">The newest {number(incidents.length)} of {number(total)}: search, or choose a shorter time.</p> : null}
        </>
      )}
    </Loaded>
  );
}

function None({ narrowed }: { narrowed: boolean }): JSX.Element {
  return narrowed
    ? <State symbol="∅" title="No incident fits" text="Nothing fits this state, these words and the filter of tags." action={["Show all", () => { narrow({ tags: "" }); show({ state: undefined, q: undefined }); }]} />
    : <State symbol="●" title="No incident" text="No alert fired in this time. Whoever is told of one, and how, is up to routes and channels: clawpulse channels test tries one." />;
}

export function IncidentMarks({ incident }: { incident: Incident }): JSX.Element {
  const { acknowledgedBy: names } = incident;
  return (
    <span class="marks">
      {incident.state === "open" ? <Badge tone="bad">open</Badge> : <Badge tone="idle">closed</Badge>}
      {names.length ? <Badge tone="good" title={names.join(", ")}>acknowledged</Badge> : null}
      {incident.hidden ? <Badge tone="idle" title={incident.hidden}>nobody is told</Badge> : null}
      {incident.flapping ? <Badge tone="warn">flapping</Badge> : null}
    </span>
  );
}

const lasted = ({ opened, closed }: Incident): number => ((time(closed) ?? Date.now()) - (time(opened) ?? 0)) / 1000;

const COLUMNS: readonly Column<Incident>[] = [
  { key: "title", label: "Incident", render: (one) => <><Mark tone={SEVERITY_TONES[one.severity] ?? "idle"} word={one.severity} /> {one.title}</>, sort: (one) => one.title },
  { key: "state", label: "State", render: (one) => <IncidentMarks incident={one} />, sort: (one) => Number(one.state === "open") * 1e14 + (time(one.opened) ?? 0) },
  { key: "severity", label: "Severity", render: (one) => <Badge tone={SEVERITY_TONES[one.severity] ?? "idle"}>{one.severity}</Badge>, sort: (one) => gravity(one.severity), minor: true },
  { key: "firing", label: "Firing", render: (one) => `${number(one.firing)} of ${number(one.alerts)}`, sort: (one) => one.firing, numeric: true },
  { key: "opened", label: "Opened", render: (one) => <Ago at={one.opened} />, sort: (one) => time(one.opened), numeric: true },
  { key: "lasted", label: "Lasted", render: (one) => duration(lasted(one)), sort: lasted, numeric: true, minor: true },
  { key: "route", label: "Route", render: (one) => one.route, sort: (one) => one.route, minor: true },
];
