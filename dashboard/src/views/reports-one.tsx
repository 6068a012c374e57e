// One report: how far it is, what it says in short, and signed links to its files.

import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { bytes } from "../lib/format.ts";
import { EVERY_MS, useLive } from "../lib/live.ts";
import { href } from "../lib/route.ts";
import { Ago, Badge, Panel, Time, type Tone } from "../ui/basics.tsx";
import { Loaded } from "../ui/states.tsx";

export interface Report {
  id: string;
  state: "queued" | "running" | "done" | "failed";
  reason: string | null;
  title: string | null;
  summary: string | null;
  start: string;
  end: string;
  tags: string;
  schedule: string | null;
  by: string;
  created: string;
  made: string | null;
  channels: string[];
}

interface Details extends Report {
  files: { format: string; contentType: string; bytes: number; url: string; expires: string }[];
  deliveries: string[];
}

const STATES: Record<Report["state"], [Tone, string]> = { queued: ["idle", "waits"], running: ["info", "is being made"], done: ["good", "done"], failed: ["bad", "failed"] };
const FORMATS: Record<string, string> = { html: "Open the report", markdown: "Markdown", json: "JSON" };
const LINKS_MS = 10 * 60_000; // signed links hold for 15 minutes

export function StateBadge({ report }: { report: Report }): JSX.Element {
  const [tone, word] = STATES[report.state] ?? ["idle", report.state];
  return <Badge tone={tone} title={report.reason ?? ""}>{word}</Badge>;
}

export function OneReport({ id }: { id: string }): JSX.Element {
  const [over, setOver] = useState(false);
  const found = useLive<Details>(`api/reports/${encodeURIComponent(id)}`, {}, { every: over ? LINKS_MS : EVERY_MS, keep: true });
  const state = found.data?.state;
  useEffect(() => setOver(state === "done" || state === "failed"), [state]);
  return <Loaded live={found} what={`the report ${id}`}>{(report) => <Shown report={report} />}</Loaded>;
}

function Shown({ report }: { report: Details }): JSX.Element {
  return (
    <>
      <p class="path"><a href={href("reports")}>Reports</a> / {report.id}</p>
      <Panel title={report.title ?? "A report that is not made yet"} aside={<StateBadge report={report} />}>
        {report.summary ? <p>{report.summary}</p> : null}
        {report.state === "failed" ? <p class="notice error">It could not be made: {report.reason ?? "nobody said why"}. Ask for it again.</p> : null}
        {report.state === "queued" || report.state === "running" ? <p role="status">It takes some seconds. This page shows it as soon as it is there.</p> : null}
        <p class="buttons">{report.files.map((file) => <File key={file.format} file={file} />)}</p>
        <dl class="pairs">
          <dt>Period</dt><dd><Time at={report.start} /> to <Time at={report.end} /></dd>
          <dt>Agents</dt><dd>{report.tags || "all"}</dd>
          <dt>Wanted by</dt><dd>{report.schedule ? <a href={href("reports", [], { schedule: report.schedule })}>schedule {report.schedule}</a> : `token ${report.by}`}, <Ago at={report.created} /></dd>
          <dt>Made</dt><dd><Time at={report.made} /></dd>
          <dt>Told</dt><dd>{report.channels.length ? report.channels.join(", ") : "nobody"}</dd>
        </dl>
        {report.files.length ? <p class="soft">Links are signed and hold for 15 minutes; whoever has one can read the file.</p> : null}
      </Panel>
    </>
  );
}

function File({ file }: { file: Details["files"][number] }): JSX.Element {
  const label = FORMATS[file.format] ?? file.format;
  // Nothing but a web address becomes a link.
  if (!/^https?:\/\//i.test(file.url)) return <span class="soft">{label}: its link is not valid</span>;
  return <a class={file.format === "html" ? "button" : "button second"} href={file.url} target="_blank" rel="noopener noreferrer">{label} <small>{bytes(file.bytes)}</small></a>;
}
