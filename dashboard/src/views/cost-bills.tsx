// What each tenant (or any tag) used in a month, and files of it for whoever writes the bill.

import type { JSX } from "preact";
import { useAction } from "../lib/actions.tsx";
import { download } from "../lib/api.ts";
import { dollars, number } from "../lib/format.ts";
import { useLive } from "../lib/live.ts";
import { filter, route, show } from "../lib/route.ts";
import { ByField, groupName } from "../ui/by.tsx";
import { Panel, Stat, Stats, Time } from "../ui/basics.tsx";
import { Loaded } from "../ui/states.tsx";
import { Table } from "../ui/table.tsx";

interface Account {
  usd: number | null;
  reportedUsd: number | null;
  pricedUsd: number | null;
  tasks: number;
  unpricedTasks: number;
  tokens: { input: number; output: number; cacheRead: number; cacheWrite: number };
}

interface Bills {
  start: string;
  end: string;
  bills: (Account & { tags: Record<string, string> })[];
  total: Account;
  notes: string[];
}

const EVERY_MS = 60_000;
const KEPT_MONTHS = 14; // the ledger has 400 days
const thisMonth = (): string => new Date().toISOString().slice(0, 7);

export function CostBills(): JSX.Element {
  const { tags, by: grouped } = filter.value;
  const by = route.value.query.group ?? (grouped || "tenant");
  const month = route.value.query.month ?? thisMonth();
  const query = { tags, by, month };
  return (
    <>
      <div class="bar parts">
        <ByField label="A bill for each" value={by} offered={["tenant", "team", "env", "tier", "model"]} onChoose={(group) => show({ group })} />
        <label class="field"><span>Month (UTC)</span>
          <select value={month} onChange={(event) => show({ month: event.currentTarget.value === thisMonth() ? undefined : event.currentTarget.value })}>{months(month).map((one) => <option key={one} value={one}>{one}</option>)}</select>
        </label>
        <Files query={query} />
      </div>
      <Month key={by} query={query} />
    </>
  );
}

interface Asked extends Record<string, string> {
  tags: string;
  by: string;
  month: string;
}

// With `by` as its key: what was grouped otherwise is not kept.
function Month({ query }: { query: Asked }): JSX.Element {
  const found = useLive<Bills>("api/cost/chargeback", query, { every: EVERY_MS, keep: true });
  return <Loaded live={found} what="bills">{(answer) => <Listed found={answer} by={query.by} />}</Loaded>;
}

// The last months, newest first, and the one that was asked for.
export function months(chosen: string, now = new Date()): string[] {
  const found = Array.from({ length: KEPT_MONTHS }, (_, back) => new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - back)).toISOString().slice(0, 7));
  return found.includes(chosen) ? found : [...found, chosen];
}

function Files({ query }: { query: Asked }): JSX.Element {
  const { busy, run } = useAction();
  const save = (format: "csv" | "focus"): void => {
    const name = `clawpulse-${format === "csv" ? "chargeback" : "focus"}-${query.month}.csv`;
    void run(() => download("api/cost/chargeback", { ...query, format }, name), `Saved ${name}.`);
  };
  return (
    <span class="choices">
      <button type="button" disabled={busy} onClick={() => save("csv")}>Save CSV</button>
      <button type="button" disabled={busy} title="A dataset of FOCUS 1.2, for FinOps tools" onClick={() => save("focus")}>Save FOCUS</button>
    </span>
  );
}

function Listed({ found, by }: { found: Bills; by: string }): JSX.Element {
  const { total } = found;
  return (
    <>
      {found.notes.map((note) => <p key={note} class="notice">{note}</p>)}
      <Stats label="All bills">
        <Stat label="all bills" value={dollars(total.usd)} note={`${found.bills.length} of them`} />
        <Stat label="reported by tasks" value={dollars(total.reportedUsd)} />
        <Stat label="priced from tokens" value={dollars(total.pricedUsd)} />
        <Stat label="tasks" value={number(total.tasks)} note={total.unpricedTasks ? `${number(total.unpricedTasks)} without a price, in no bill` : ""} />
        <Stat label="counted up to" value={<small><Time at={found.end} /></small>} />
      </Stats>
      <Panel title={`Bills by ${by || "nothing"}`}>
        <Table label="Bills" rows={found.bills} id={(one) => groupName(one.tags, by)} empty="Nothing was used in this month." sorted={route.value.query.sort ?? "-usd"} onSort={(sort) => show({ sort })} columns={[
          { key: "group", label: by || "Group", render: (one) => groupName(one.tags, by), sort: (one) => groupName(one.tags, by) },
          { key: "usd", label: "Bill", render: (one) => dollars(one.usd), sort: (one) => one.usd, numeric: true },
          { key: "tasks", label: "Tasks", render: (one) => number(one.tasks), sort: (one) => one.tasks, numeric: true },
          { key: "in", label: "Tokens in", render: (one) => number(one.tokens.input), sort: (one) => one.tokens.input, numeric: true, minor: true },
          { key: "out", label: "Tokens out", render: (one) => number(one.tokens.output), sort: (one) => one.tokens.output, numeric: true, minor: true },
          { key: "cache", label: "From and to a cache", render: (one) => number(one.tokens.cacheRead + one.tokens.cacheWrite), sort: (one) => one.tokens.cacheRead + one.tokens.cacheWrite, numeric: true, minor: true },
          { key: "unpriced", label: "Unpriced tasks", render: (one) => number(one.unpricedTasks), sort: (one) => one.unpricedTasks, numeric: true, minor: true },
        ]} />
      </Panel>
    </>
  );
}
