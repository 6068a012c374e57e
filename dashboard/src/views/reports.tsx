// Reports: the list, one to open, and one to be made now.

import type { JSX } from "preact";
import { duration } from "../lib/format.ts";
import { useLive } from "../lib/live.ts";
import { href, route, show } from "../lib/route.ts";
import { Ago, Badge, Choices, Panel, Time } from "../ui/basics.tsx";
import { Loaded, State } from "../ui/states.tsx";
import { type Column, Table } from "../ui/table.tsx";
import { ReportOrder } from "./reports-order.tsx";
import { OneReport, type Report, StateBadge } from "./reports-one.tsx";

const EVERY_MS = 15_000;
const MOST = 100;
const STATES = [{ value: "", label: "All" }, { value: "done", label: "Done" }, { value: "open", label: "Being made" }, { value: "failed", label: "Failed" }];

export default function Reports(): JSX.Element {
  const id = route.value.args[0];
  return <><h2 class="unseen">Reports</h2>{id ? <OneReport id={id} key={id} /> : <List />}</>;
}

function List(): JSX.Element {
  const { state = "", schedule } = route.value.query;
  const found = useLive<{ reports: Report[]; next: string | null }>("api/reports", { state, schedule, limit: MOST }, { every: EVERY_MS, keep: true });
  return (
    <>
      <div class="bar parts">
        <ReportOrder />
        <Choices label="State" value={state} options={STATES} onChoose={(value) => show({ state: value || undefined })} />
        {schedule ? <button type="button" class="chip" onClick={() => show({ schedule: undefined })}>schedule {schedule} ✕</button> : null}
      </div>
      <Loaded live={found} what="reports">{(answer) => <Listed reports={answer.reports} more={answer.next !== null} narrowed={Boolean(state || schedule)} />}</Loaded>
    </>
  );
}

function Listed({ reports, more, narrowed }: { reports: readonly Report[]; more: boolean; narrowed: boolean }): JSX.Element {
  if (!reports.length && !narrowed) {
    return <State symbol="○" title="No report yet" text="Each Monday one is made of the week before. Make one now with the button above, or with:" code="clawpulse report run --range 7d" />;
  }
  return (
    <Panel title="Reports" aside={more ? <span class="soft">the newest {MOST}; older ones: <code>clawpulse report list</code></span> : null}>
      <Table label="Reports" columns={COLUMNS} rows={reports} id={(one) => one.id} link={(one) => href("reports", [one.id])} empty="No such report." />
    </Panel>
  );
}

const COLUMNS: readonly Column<Report>[] = [
  { key: "title", label: "Report", render: (one) => one.title ?? (one.state === "failed" ? "Not made" : "Not made yet"), sort: (one) => one.title },
  { key: "state", label: "State", render: (one) => <StateBadge report={one} />, sort: (one) => one.state },
  { key: "summary", label: "In short", render: (one) => one.summary ?? one.reason ?? "", minor: true, wrap: true },
  { key: "period", label: "Period", render: (one) => <>{duration((Date.parse(one.end) - Date.parse(one.start)) / 1000)} until <Time at={one.end} /></>, sort: (one) => one.end, minor: true },
  { key: "tags", label: "Agents", render: (one) => one.tags || "all", sort: (one) => one.tags, minor: true },
  { key: "why", label: "Wanted by", render: (one) => (one.schedule ? <Badge tone="idle">{one.schedule}</Badge> : one.by), sort: (one) => one.schedule ?? one.by, minor: true },
  { key: "created", label: "Asked for", render: (one) => <Ago at={one.created} />, sort: (one) => one.created },
];
