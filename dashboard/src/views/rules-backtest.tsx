// What a rule would have done in the past: which alerts, when, how long, and what was spent until somebody was told.

import type { JSX } from "preact";
import { dollars, duration, number, plural, time } from "../lib/format.ts";
import { route, show } from "../lib/route.ts";
import { Choices, Panel, Stat, Stats, Time } from "../ui/basics.tsx";
import { seriesText } from "../lib/alerts.ts";
import { type Column, Table } from "../ui/table.tsx";
import { RulePicture } from "./rules-picture.tsx";
import type { RuleDocument } from "./rules-store.ts";
import { type Backtest, type Episode, type Trial, useTrial } from "./rules-trial.ts";

const RANGES = ["6h", "24h", "3d", "7d", "30d"];
const USUAL = "24h";
const REST_MS = 700;

// `stored`: the name of the rule in force, when it differs from what is written and is to be compared.
export function RuleBacktest({ document, stored }: { document: RuleDocument | null; stored: string | null }): JSX.Element {
  const range = RANGES.find((one) => one === route.value.query.back) ?? USUAL;
  const question = document ? JSON.stringify({ rule: document.name, document, range, picture: true }) : null;
  const trial = useTrial<Backtest>(question, "api/alerts/backtest", REST_MS);
  const before = useTrial<Backtest>(stored && document ? JSON.stringify({ rule: stored, range }) : null, "api/alerts/backtest", REST_MS);
  return (
    <Panel title="What it would have done" aside={<Choices label="How far back" value={range} options={RANGES.map((value) => ({ value, label: value }))} onChoose={(name) => show({ back: name === USUAL ? undefined : name })} />}>
      <p role="status" class="soft">{document === null ? "Replayed when the text is sound." : trial.busy ? "Replaying what is stored…" : trial.found ? said(trial.found, before) : ""}</p>
      {trial.error && !trial.busy ? <p class="notice">{trial.error.message}</p> : null}
      {trial.found && document ? <Found key={range} found={trial.found} document={document} /> : null}
    </Panel>
  );
}

function said(found: Backtest, before: Trial<Backtest>): string {
  const step = found.stepMinutes > 1 ? ` Evaluated every ${found.stepMinutes} minutes, for there is much to read.` : "";
  const compared = before.found && !before.busy ? ` The rule in force: ${plural(before.found.total, "alert")}.` : "";
  return `${plural(found.total, "alert")} in this time.${compared}${step}`;
}

function Found({ found, document }: { found: Backtest; document: RuleDocument }): JSX.Element {
  const { episodes, total } = found;
  const end = time(found.end) ?? 0;
  const seconds = episodes.reduce((sum, one) => sum + ((time(one.resolved) ?? end) - (time(one.fired) ?? end)) / 1000, 0);
  const [tokens, usd] = [sum(episodes, "tokens"), sum(episodes, "usd")];
  return (
    <>
      <Stats label="The replay in figures">
        <Stat label="alerts" value={number(total)} note={`of ${plural(new Set(episodes.map((one) => seriesText(one.series))).size, "series", "series")}`} />
        <Stat label="firing, all together" value={duration(seconds)} />
        <Stat label="spent until told" value={dollars(usd)} note={tokens === null ? "" : `${number(tokens)} tokens`} title="By the series concerned, from the first sign until somebody was told" />
      </Stats>
      {found.picture ? <RulePicture found={found} document={document} /> : null}
      {found.notes.map((note) => <p key={note} class="soft">{note}</p>)}
      <Table label="Alerts that would have been" columns={COLUMNS} rows={episodes} id={(one) => `${one.fired} ${seriesText(one.series)}`} sorted="-fired" empty="It would not have fired." />
      {total > episodes.length ? <p class="soft">The first {number(episodes.length)} of {number(total)}.</p> : null}
    </>
  );
}

function sum(episodes: readonly Episode[], what: "tokens" | "usd"): number | null {
  const known = episodes.map((one) => one.toPage[what]).filter((value): value is number => value !== null);
  return known.length ? known.reduce((a, b) => a + b, 0) : null;
}

const lasted = (one: Episode): number | null => (one.resolved === null ? null : ((time(one.resolved) ?? 0) - (time(one.fired) ?? 0)) / 1000);

const COLUMNS: readonly Column<Episode>[] = [
  { key: "series", label: "Of", render: (one) => seriesText(one.series), sort: (one) => seriesText(one.series) },
  { key: "fired", label: "Fired", render: (one) => <>{one.coarse ? <span title="From hours alone: true to the hour">≈ </span> : null}<Time at={one.fired} /></>, sort: (one) => time(one.fired), numeric: true },
  { key: "lasted", label: "For", render: (one) => (one.resolved === null ? "still fires" : duration(lasted(one) ?? 0)), sort: lasted, numeric: true },
  { key: "usd", label: "Spent until told", render: (one) => dollars(one.toPage.usd), sort: (one) => one.toPage.usd, numeric: true, minor: true },
  { key: "reason", label: "Why", render: (one) => <span title={one.reason}>{one.reason}</span>, minor: true },
];
