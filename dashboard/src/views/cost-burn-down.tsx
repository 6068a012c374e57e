// How budgets of dollars and tokens are used up, hour by hour, and where they will end.

import type { JSX } from "preact";
import { useMemo } from "preact/hooks";
import type { Budget } from "../lib/fleet.ts";
import { type Maybe, dollars, number, percent } from "../lib/format.ts";
import { useLive } from "../lib/live.ts";
import { filter, route, show } from "../lib/route.ts";
import { Badge, Meter, Panel, Stat, Stats, Time, type Tone } from "../ui/basics.tsx";
import { Chart, type ChartLine, type Mark } from "../ui/chart.tsx";
import { Loaded } from "../ui/states.tsx";
import { Table } from "../ui/table.tsx";

interface Burn {
  group: string;
  budget: string;
  start: string;
  end: string;
  asOf: string;
  limit: number | null;
  used: number;
  reported: number;
  passed: string | null;
  points: [number, number][];
  forecast: { expected: number; low: number; high: number; level: number; chanceAbove: number | null; points: [number, number, number, number][]; notes: string[] } | null;
  reason: string | null;
  notes: string[];
}

const BURNING = ["usd_per_month", "usd_per_day", "tokens_per_month", "tokens_per_day"];
const TONES: Record<string, Tone> = { ok: "good", warn: "warn", alert: "bad", act: "bad" };
const EVERY_MS = 60_000;
const LIKELY = 0.5;

const amount = (value: Maybe, budget: string): string => (budget.startsWith("usd") ? dollars(value) : value == null ? number(value) : `${number(value)} tokens`);
const words = (budget: string): string => budget.replace("usd", "dollars").replaceAll("_", " ");

export function CostBurnDown(): JSX.Element {
  const { tags } = filter.value;
  const states = useLive<{ budgets: Budget[] }>("api/budgets/state", { tags }, { every: EVERY_MS, keep: true });
  return <Loaded live={states} what="budgets">{({ budgets }) => <Budgets budgets={budgets.filter((one) => BURNING.includes(one.budget))} />}</Loaded>;
}

function Budgets({ budgets }: { budgets: readonly Budget[] }): JSX.Element {
  const { of: group = "", budget } = route.value.query;
  const chosen = budgets.find((one) => one.group === group && one.budget === budget) ?? budgets[0];
  const key = (one: Budget): string => `${one.group} ${one.budget}`;
  return (
    <>
      {chosen ? <Burning group={chosen.group} budget={chosen.budget} key={key(chosen)} /> : <NoBudget />}
      {budgets.length ? (
        <Panel title="Budgets">
          <Table label="Budgets" rows={budgets} id={key} sorted={route.value.query.sort ?? "-share"} onSort={(sort) => show({ sort })} columns={[
            { key: "group", label: "Group", render: (one) => <Pick one={one} chosen={one === chosen} />, sort: (one) => one.group },
            { key: "budget", label: "Budget", render: (one) => words(one.budget), sort: (one) => one.budget },
            { key: "level", label: "Level", render: (one) => <Badge tone={one.level ? (TONES[one.level] ?? "idle") : "idle"} title={one.reason}>{one.level ?? "unknown"}</Badge>, sort: (one) => one.level },
            { key: "used", label: "Used", render: (one) => amount(one.used, one.budget), sort: (one) => one.used, numeric: true },
            { key: "limit", label: "Limit", render: (one) => amount(one.limit, one.budget), sort: (one) => one.limit, numeric: true },
            { key: "share", label: "Share", render: (one) => <span class="share"><Meter share={one.share} tone={one.level ? (TONES[one.level] ?? "idle") : "idle"} label={`${percent(one.share)} used`} /> {percent(one.share)}</span>, sort: (one) => one.share, numeric: true },
            { key: "forecast", label: "At its rate", render: (one) => amount(one.forecast, one.budget), sort: (one) => one.forecast, numeric: true, minor: true },
            { key: "reason", label: "Why", render: (one) => one.reason, minor: true, wrap: true },
          ]} />
          <p class="soft">This table and its alerts count minute by minute, the burn-down whole hours; both count what tasks reported and what is priced from tokens.</p>
        </Panel>
      ) : null}
    </>
  );
}

function Pick({ one, chosen }: { one: Budget; chosen: boolean }): JSX.Element {
  return <button type="button" class="chip" aria-pressed={chosen} onClick={() => show({ of: one.group, budget: one.budget })}>{one.group || "whole workspace"}</button>;
}

// Without a budget the month's spending is shown all the same.
function NoBudget(): JSX.Element {
  return (
    <>
      <p class="notice">No budget of dollars or tokens is set for what is shown. In a file, <code>{'budgets: {"": {usd_per_month: 500}}'}</code>, and then: <code>clawpulse channels apply FILE</code></p>
      <Burning group="" budget="usd_per_month" />
    </>
  );
}

function Burning({ group, budget }: { group: string; budget: string }): JSX.Element {
  const found = useLive<Burn>("api/cost/burn-down", { group, budget }, { every: EVERY_MS, keep: true });
  return (
    <Panel title={`${group || "Whole workspace"}: ${words(budget)}`}>
      <Loaded live={found} what="the burn-down">{(burn) => <Burned burn={burn} />}</Loaded>
    </Panel>
  );
}

function Burned({ burn }: { burn: Burn }): JSX.Element {
  const { times, lines } = useMemo(() => curves(burn), [burn]);
  const marks = useMemo((): Mark[] => (burn.passed ? [{ at: Date.parse(burn.passed), label: "limit passed" }] : []), [burn.passed]);
  const { forecast, limit, budget } = burn;
  const above = forecast?.chanceAbove ?? null;
  return (
    <>
      {burn.notes.map((note) => <p key={note} class="notice">{note}</p>)}
      <Stats label="Of the period">
        <Stat label="used" value={amount(burn.used, budget)} note={`${amount(burn.reported, budget)} of it reported`} />
        <Stat label="limit" value={limit === null ? "none" : amount(limit, budget)} note={limit === null ? "" : `${percent(burn.used / limit)} used`} {...(limit !== null && burn.used > limit ? { tone: "bad" as const } : {})} />
        <Stat label="expected at the end" value={amount(forecast?.expected, budget)} note={forecast ? `${percent(forecast.level)} between ${amount(forecast.low, budget)} and ${amount(forecast.high, budget)}` : (burn.reason ?? "")} />
        <Stat label="chance to pass the limit" value={percent(above)} {...(above !== null && above >= LIKELY ? { tone: "bad" as const } : {})} />
        <Stat label={burn.passed && Date.parse(burn.passed) > Date.now() ? "will be passed" : "limit passed"} value={burn.passed ? <small><Time at={burn.passed} /></small> : "not in this period"} />
        <Stat label="counted up to" value={<small><Time at={burn.asOf} /></small>} note={<>ends <Time at={burn.end} /></>} />
      </Stats>
      <Chart title="Used up" unit={budget.startsWith("usd") ? "usd" : "tokens"} times={times} lines={lines} band={forecast !== null} height={260} marks={marks} note={budget.startsWith("usd") ? "USD since the period began" : "tokens since the period began"} />
      {forecast?.notes.map((note) => <p key={note} class="soft">{note}</p>)}
    </>
  );
}

// The room between the first and the last line is what the forecast is sure of.
function curves({ start, points, forecast, limit }: Burn): { times: number[]; lines: ChartLine[] } {
  const coming = forecast?.points ?? [];
  const [last, used] = points.at(-1) ?? [Date.parse(start), 0];
  const times = [...points.map(([at]) => at), ...coming.map(([at]) => at)];
  const ahead = (pick: (point: [number, number, number, number]) => number): Maybe[] => [...points.map(([at]) => (at === last ? used : null)), ...coming.map(pick)];
  const past: ChartLine = { name: "used", points: [...points.map(([, total]) => total), ...coming.map(() => null)], color: 1 };
  const held: ChartLine[] = limit === null ? [] : [{ name: "limit", points: times.map(() => limit), color: "red", dashed: true }];
  if (!coming.length) return { times, lines: [past, ...held] };
  return {
    times,
    lines: [
      { name: "at least", points: ahead(([, , low]) => low), color: 5 },
      past,
      { name: "expected", points: ahead(([, expected]) => expected), color: 5, dashed: true },
      ...held,
      { name: "at most", points: ahead(([, , , high]) => high), color: 5 },
    ],
  };
}
