// Both sides of a bill: sums, what can explain the gap, and every model and day.

import type { JSX } from "preact";
import { useMemo } from "preact/hooks";
import { type Maybe, MISSING, change, dollars, number, plural } from "../lib/format.ts";
import { Panel, Stat, Stats } from "../ui/basics.tsx";
import { Chart, type ChartLine } from "../ui/chart.tsx";
import { type Column, Table } from "../ui/table.tsx";

interface Tokens {
  input: number;
  output: number;
  cacheRead: number;
  cacheWrite: number;
}

interface Line {
  day: string | null;
  model: string | null;
  ours: { usd: number | null; reportedUsd: number; pricedUsd: number; tasks: number; unpriced: number; tokens: Tokens };
  theirs: { usd: number | null; tokens: Tokens };
  gapUsd: number | null;
  gap: number | null;
  parts: { volume: number; price: number; accounting: number } | null;
}

export interface Reconciled {
  provider: string;
  scope: string | null;
  start: string;
  end: string;
  total: Line | null;
  models: Line[];
  days: Line[];
  others: { item: string; usd: number }[];
  reasons: { kind: string; text: string; usd: number | null }[];
  fault: string | null;
  retry: boolean;
}

const DAY_MS = 86_400_000;
// Reasons that tell of figures that are not there, not of a gap between those that are.
const NOT_THERE: readonly string[] = ["missing-hours", "unsettled"];
const WORDS: Record<string, string> = {
  "unpriced": "no price", "unassigned": "unknown model", "more-tokens": "they counted more", "fewer-tokens": "they counted fewer", "kinds": "kinds of tokens", "price": "prices",
  "accounting": "accounting", "not-tokens": "beside tokens", "tiers": "service tiers", "keys": "keys",
};

const signed = (value: Maybe): string => (value != null && value > 0 ? `+${dollars(value)}` : dollars(value));
const sum = ({ input, output, cacheRead, cacheWrite }: Tokens): number => input + output + cacheRead + cacheWrite;
const dayOf = (at: string | null): string => at?.slice(0, 10) ?? MISSING; // days are of UTC, as the provider's are
const lastDay = (end: string): string => (Number.isNaN(Date.parse(end)) ? MISSING : new Date(Date.parse(end) - DAY_MS).toISOString().slice(0, 10));

export function Both({ found, again }: { found: Reconciled; again: () => void }): JSX.Element {
  const [missing, explaining] = [true, false].map((wanted) => found.reasons.filter((one) => NOT_THERE.includes(one.kind) === wanted)) as [Reconciled["reasons"], Reconciled["reasons"]];
  return (
    <>
      {missing.map((one) => <p key={one.text} class="notice">{one.text}.</p>)}
      <Sums found={found} again={again} />
      <Days lines={found.days} />
      <Panel title="What can explain the gap">
        <Table label="What can explain the gap" rows={explaining} id={(one) => `${one.kind} ${one.text}`} columns={REASONS} empty="Nothing does: both sides agree, up to rounding." />
      </Panel>
      <Panel title="By model"><Table label="By model" rows={found.models} id={(line) => line.model ?? ""} columns={MODELS} empty="Neither side has anything of these days." /></Panel>
      <Panel title="By day and model"><Table label="By day and model" rows={found.days} id={(line) => `${line.day} ${line.model}`} columns={DAYS} empty="Neither side has anything of these days." /></Panel>
      {found.others.length ? <Panel title="Billed beside tokens" aside={<span class="soft">in none of the figures above</span>}><Table label="Billed beside tokens" rows={found.others} id={(one) => one.item} columns={OTHERS} /></Panel> : null}
    </>
  );
}

function Sums({ found, again }: { found: Reconciled; again: () => void }): JSX.Element {
  const { total } = found;
  return (
    <>
      <div class="bar parts"><span class="soft">{found.provider}{found.scope ? `, ${found.scope}` : ""}: {dayOf(found.start)} to {lastDay(found.end)} (UTC)</span> <button type="button" class="second small" onClick={again}>Ask again</button></div>
      <Stats label="Both sides">
        <Stat label="ours" value={dollars(total?.ours.usd)} note={total ? `${dollars(total.ours.reportedUsd)} reported, ${dollars(total.ours.pricedUsd)} priced` : ""} />
        <Stat label="billed" value={dollars(total?.theirs.usd)} note={total?.theirs.usd === null ? "not told" : "for tokens"} />
        <Stat label="gap" value={signed(total?.gapUsd)} note={total?.gap == null ? "" : `${change(total.gap)} of what was billed`} title="Billed less ours: above 0, they billed more than is known here" />
        <Stat label="our tokens" value={number(total ? sum(total.ours.tokens) : null)} note={total ? plural(total.ours.tasks, "task") : ""} />
        <Stat label="their tokens" value={number(total ? sum(total.theirs.tokens) : null)} />
        <Stat label="tasks without a price" value={number(total?.ours.unpriced)} tone={total?.ours.unpriced ? "warn" : undefined} />
      </Stats>
    </>
  );
}

// A day that the provider has not told all of is not drawn as if it had.
function Days({ lines }: { lines: readonly Line[] }): JSX.Element | null {
  const { times, drawn } = useMemo(() => {
    const days = [...new Set(lines.map((line) => line.day).filter((day): day is string => day !== null))].sort();
    const of = (side: (line: Line) => number | null): Maybe[] => days.map((day) => {
      const values = lines.filter((line) => line.day === day).map(side);
      return values.includes(null) ? null : (values as number[]).reduce((one, other) => one + other, 0);
    });
    const made: ChartLine[] = [{ name: "ours", points: of((line) => line.ours.usd ?? 0), color: 1 }, { name: "billed", points: of((line) => line.theirs.usd), color: 2 }];
    return { times: days.map((day) => Date.parse(day)), drawn: made };
  }, [lines]);
  return times.length > 1 ? <Panel><Chart title="Each day" unit="usd" times={times} lines={drawn} note="days of UTC" /></Panel> : null;
}

const REASONS: readonly Column<Reconciled["reasons"][number]>[] = [
  { key: "usd", label: "Part of the gap", render: (one) => signed(one.usd), sort: (one) => (one.usd === null ? null : Math.abs(one.usd)), numeric: true },
  { key: "kind", label: "What", render: (one) => WORDS[one.kind] ?? one.kind, sort: (one) => one.kind, minor: true },
  { key: "text", label: "Why", render: (one) => one.text, wrap: true },
];

const FIGURES: readonly Column<Line>[] = [
  { key: "ours", label: "Ours", render: (line) => dollars(line.ours.usd), sort: (line) => line.ours.usd, numeric: true },
  { key: "billed", label: "Billed", render: (line) => dollars(line.theirs.usd), sort: (line) => line.theirs.usd, numeric: true },
  { key: "gap", label: "Gap", render: (line) => signed(line.gapUsd), sort: (line) => (line.gapUsd === null ? null : Math.abs(line.gapUsd)), numeric: true },
  { key: "share", label: "Gap, of billed", render: (line) => change(line.gap), sort: (line) => line.gap, numeric: true },
];
const TOKENS: readonly Column<Line>[] = [
  { key: "ourTokens", label: "Our tokens", render: (line) => number(sum(line.ours.tokens)), sort: (line) => sum(line.ours.tokens), numeric: true, minor: true },
  { key: "theirTokens", label: "Their tokens", render: (line) => number(sum(line.theirs.tokens)), sort: (line) => sum(line.theirs.tokens), numeric: true, minor: true },
];
const MODEL: Column<Line> = { key: "model", label: "Model", render: (line) => line.model ?? MISSING, sort: (line) => line.model };

const part = (key: "volume" | "price" | "accounting", label: string): Column<Line> => ({ key, label, render: (line) => signed(line.parts?.[key]), sort: (line) => line.parts?.[key], numeric: true, minor: true });
const MODELS: readonly Column<Line>[] = [MODEL, ...FIGURES, part("volume", "By tokens"), part("price", "By price"), part("accounting", "By accounting"), ...TOKENS];
const DAYS: readonly Column<Line>[] = [{ key: "day", label: "Day (UTC)", render: (line) => dayOf(line.day), sort: (line) => line.day }, MODEL, ...FIGURES, ...TOKENS];
const OTHERS: readonly Column<{ item: string; usd: number }>[] = [
  { key: "item", label: "What", render: (one) => one.item, sort: (one) => one.item },
  { key: "usd", label: "Billed", render: (one) => dollars(one.usd), sort: (one) => one.usd, numeric: true },
];
