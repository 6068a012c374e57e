// What was spent, by any tags: the sum, over time, and each group with where its figure comes from.

import type { JSX } from "preact";
import { useMemo } from "preact/hooks";
import { type Maybe, dollars, number, percent, plural, price } from "../lib/format.ts";
import { useLive } from "../lib/live.ts";
import { type Range, useRange } from "../lib/range.ts";
import { filter, href, route, show } from "../lib/route.ts";
import { ByField, groupName } from "../ui/by.tsx";
import { Meter, Panel, Stat, Stats } from "../ui/basics.tsx";
import { Chart, type ChartLine } from "../ui/chart.tsx";
import { RangeChoice } from "../ui/range.tsx";
import { Loaded, State } from "../ui/states.tsx";
import { type Column, Table } from "../ui/table.tsx";

interface Account {
  usd: number | null;
  reportedUsd: number | null;
  pricedUsd: number | null;
  tasks: number;
  reportedTasks: number;
  pricedTasks: number;
  unpricedTasks: number;
  unpricedTokens: number;
  tokens: { input: number; output: number; cacheRead: number; cacheWrite: number };
  sources: { how: string; source: string | null; tasks: number; usd: number }[];
}

interface Line extends Account {
  tags: Record<string, string>;
  points: [number, number | null][] | null;
}

interface Ledger {
  start: string;
  end: string;
  lines: Line[];
  total: Account;
  unpricedModels: { model: string | null; tasks: number; tokens: number }[];
  notes: string[];
}

const EVERY_MS = 60_000; // the ledger has whole hours
const DAY_MS = 86_400_000;
const MOST_DRAWN = 500; // lines whose points are asked for
const APART = 5; // lines that are drawn one by one
const OFFERED = ["model", "tenant", "tier", "agent", "cost_source"];

export function CostLedger(): JSX.Element {
  const range = useRange("7d");
  const { tags, by: grouped } = filter.value;
  const by = route.value.query.group ?? (grouped || "model");
  return (
    <>
      <div class="bar parts">
        <ByField value={by} offered={OFFERED} onChoose={(group) => show({ group })} />
        <RangeChoice range={range} ranges={["24h", "7d", "30d", "90d"]} />
      </div>
      <Lines key={by} tags={tags} by={by} range={range} />
    </>
  );
}

// With `by` as its key: what was grouped otherwise is not kept.
function Lines({ tags, by, range }: { tags: string; by: string; range: Range }): JSX.Element {
  const ledger = useLive<Ledger>("api/cost", { tags, by, ...range.query }, { every: EVERY_MS, keep: true });
  const drawable = ledger.data !== null && ledger.data.lines.length <= MOST_DRAWN;
  const drawn = useLive<Ledger>(drawable ? "api/cost" : null, { tags, by, step: stepOf(range.length), ...range.query }, { every: EVERY_MS, keep: true });
  return <Loaded live={ledger} what="costs">{(found) => <Spent found={found} drawn={drawn.data?.lines ?? null} by={by} range={range} />}</Loaded>;
}

function stepOf(length: number): number {
  return length <= 2 * DAY_MS ? 3_600 : length <= 8 * DAY_MS ? 6 * 3_600 : 86_400;
}

function Spent({ found, drawn, by, range }: { found: Ledger; drawn: readonly Line[] | null; by: string; range: Range }): JSX.Element {
  const { times, lines } = useMemo(() => curves(drawn ?? [], by), [drawn, by]);
  if (!found.total.tasks && !found.lines.length) {
    return <State symbol="○" title="No task in this time" text="The ledger has whole hours: the one under way is not in it yet. Choose a longer time, or another filter." code="clawpulse cost show --by model --range 7d" />;
  }
  return (
    <>
      {found.notes.map((note) => <p key={note} class="notice">{note}</p>)}
      <Sums total={found.total} hours={(Date.parse(found.end) - Date.parse(found.start)) / 3_600_000} />
      <Panel>
        <Chart title="Cost" unit="usd" times={times} lines={lines} bars={lines.length === 1} height={220} onZoom={range.zoom} onUnzoom={() => range.choose("7d")} waiting={drawn === null} note={times.length ? `in each ${stepWord(times)}, reported and priced together` : "reported and priced together"} />
      </Panel>
      <Panel title={`By ${by || "nothing"}`} aside={<span class="soft">{plural(found.lines.length, "group")} · <a href={href("cost", [], { part: "reconciliation" })}>beside the provider's bill</a></span>}>
        <Table label="Costs by group" columns={columnsOf(by, found.total)} rows={found.lines} id={(line) => groupName(line.tags, by)} sorted={route.value.query.sort ?? "-usd"} onSort={(sort) => show({ sort })} />
      </Panel>
      <div class="columns">
        <Sources account={found.total} />
        {found.unpricedModels.length ? <Unpriced models={found.unpricedModels} /> : null}
      </div>
    </>
  );
}

function Sums({ total, hours }: { total: Account; hours: number }): JSX.Element {
  const { input, output, cacheRead, cacheWrite } = total.tokens;
  const priced = total.reportedTasks + total.pricedTasks;
  return (
    <Stats label="Sums">
      <Stat label="spent" value={dollars(total.usd)} note={total.usd === null ? "no task has a known cost" : `${dollars(hours > 0 ? total.usd / hours : null)} an hour`} />
      <Stat label="a task" value={price(share(total.usd, priced))} note="of those whose cost is known" />
      <Stat label="reported by tasks" value={dollars(total.reportedUsd)} note={plural(total.reportedTasks, "task")} />
      <Stat label="priced from tokens" value={dollars(total.pricedUsd)} note={plural(total.pricedTasks, "task")} />
      <Stat label="without a price" value={plural(total.unpricedTasks, "task")} note={`${number(total.unpricedTokens)} tokens, in no sum`} {...(total.unpricedTasks ? { tone: "warn" as const } : {})} />
      <Stat label="tokens" value={number(input + output + cacheRead + cacheWrite)} note={`${number(input)} in, ${number(output)} out, ${number(cacheRead)} read from a cache`} />
    </Stats>
  );
}

const share = (part: Maybe, whole: Maybe): number | null => (part == null || !whole ? null : part / whole);
const tokensOf = ({ tokens }: Account): number => tokens.input + tokens.output + tokens.cacheRead + tokens.cacheWrite;

function columnsOf(by: string, total: Account): Column<Line>[] {
  const each = (line: Line): number | null => share(line.usd, line.reportedTasks + line.pricedTasks);
  return [
    { key: "group", label: by || "Group", render: (line) => groupName(line.tags, by), sort: (line) => groupName(line.tags, by) },
    { key: "usd", label: "Cost", render: (line) => dollars(line.usd), sort: (line) => line.usd, numeric: true },
    { key: "share", label: "Share", render: (line) => <Share of={share(line.usd, total.usd)} />, sort: (line) => line.usd, numeric: true },
    { key: "each", label: "A task", render: (line) => price(each(line)), sort: each, numeric: true },
    { key: "tasks", label: "Tasks", render: (line) => number(line.tasks), sort: (line) => line.tasks, numeric: true },
    { key: "tokens", label: "Tokens", render: (line) => number(tokensOf(line)), sort: tokensOf, numeric: true, minor: true },
    { key: "reported", label: "Reported", render: (line) => dollars(line.reportedUsd), sort: (line) => line.reportedUsd, numeric: true, minor: true },
    { key: "priced", label: "Priced", render: (line) => dollars(line.pricedUsd), sort: (line) => line.pricedUsd, numeric: true, minor: true },
    { key: "unpriced", label: "Unpriced tasks", render: (line) => number(line.unpricedTasks), sort: (line) => line.unpricedTasks, numeric: true, minor: true },
  ];
}

const Share = ({ of }: { of: number | null }): JSX.Element => <span class="share"><Meter share={of} tone="info" label={`${percent(of)} of all`} /> {percent(of)}</span>;

function Sources({ account }: { account: Account }): JSX.Element {
  return (
    <Panel title="Who says so">
      <Table label="Sources of costs" rows={account.sources} id={(one) => `${one.how} ${one.source ?? ""}`} empty="No task has a known cost." columns={[
        { key: "how", label: "How", render: (one) => one.how },
        { key: "source", label: "Source", render: (one) => one.source ?? "not told" },
        { key: "tasks", label: "Tasks", render: (one) => number(one.tasks), numeric: true },
        { key: "usd", label: "Cost", render: (one) => dollars(one.usd), numeric: true },
      ]} />
    </Panel>
  );
}

function Unpriced({ models }: { models: Ledger["unpricedModels"] }): JSX.Element {
  return (
    <Panel title="Models without a price">
      <Table label="Models without a price" rows={models} id={(one) => one.model ?? ""} columns={[
        { key: "model", label: "Model", render: (one) => one.model ?? "not told" },
        { key: "tasks", label: "Tasks", render: (one) => number(one.tasks), numeric: true },
        { key: "tokens", label: "Tokens", render: (one) => number(one.tokens), numeric: true },
      ]} />
      <p class="soft">A price of your own puts them into the sums: <code>clawpulse cost prices FILE</code>, then <code>clawpulse cost reprice --range 30d</code>.</p>
    </Panel>
  );
}

// The dearest lines one by one, all others together.
export function curves(lines: readonly Line[], by: string): { times: number[]; lines: ChartLine[] } {
  const times = lines[0]?.points?.map(([at]) => at) ?? [];
  const values = (line: Line): Maybe[] => line.points?.map(([, usd]) => usd) ?? [];
  const apart = lines.slice(0, APART).map((line): ChartLine => ({ name: groupName(line.tags, by), points: values(line) }));
  const others = lines.slice(APART).map(values);
  if (!others.length) return { times, lines: apart };
  const together = times.map((_, at) => others.reduce<number | null>((sum, points) => (points[at] == null ? sum : (sum ?? 0) + points[at]), null));
  return { times, lines: [...apart, { name: plural(others.length, "other"), points: together, color: "grey", dashed: true }] };
}

function stepWord(times: readonly number[]): string {
  const hours = times.length > 1 ? ((times[1] as number) - (times[0] as number)) / 3_600_000 : 1;
  return hours === 1 ? "hour" : hours === 24 ? "day" : `${hours} hours`;
}
