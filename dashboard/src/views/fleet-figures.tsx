// The fleet's figures in a row, and budgets that warn or more.

import type { JSX } from "preact";
import type { Budget, Summary } from "../lib/fleet.ts";
import { type Maybe, dollars, milliseconds, number, percent } from "../lib/format.ts";

export function Figures({ summary }: { summary: Summary }): JSX.Element {
  const { p50, p95, p99 } = summary.latency;
  const figures: [string, string][] = [
    ["agents", number(summary.agents)],
    ["tasks/min", number(summary.tasksPerMinute)],
    ["error rate", percent(summary.errorRate1m)],
    ["p50", milliseconds(p50)],
    ["p95", milliseconds(p95)],
    ["p99", milliseconds(p99)],
    ["tokens/min", number(summary.tokensPerMinute)],
    ["$/hour", dollars(summary.costPerHour)],
  ];
  return <dl id="totals">{figures.map(([label, value]) => <div key={label}><dt>{label}</dt><dd>{value}</dd></div>)}</dl>;
}

const TONE = { ok: ["green", "●"], warn: ["yellow", "▲"], alert: ["red", "■"], act: ["red", "■"] } as const;

export function Budgets({ budgets }: { budgets: readonly Budget[] }): JSX.Element | null {
  if (!budgets.length) return null;
  return (
    <ul id="budgets" aria-label="Budgets that are nearly used up, or more">
      {budgets.map((budget) => {
        const [health, symbol] = TONE[budget.level ?? "ok"];
        const figures = `${amountOf(budget, budget.used)} of ${amountOf(budget, budget.limit)}`;
        return (
          <li key={`${budget.group} ${budget.budget}`} title={budget.reason} data-health={health}>
            <span class="symbol">{symbol}</span> {budget.group || "workspace"} {words(budget.budget)}: <b>{percent(budget.share)}</b> · {[figures, ...more(budget)].join(" · ")}
          </li>
        );
      })}
    </ul>
  );
}

function more({ agent, forecast, act, ...budget }: Budget): string[] {
  return [
    ...(agent ? [agent] : []),
    ...(forecast == null ? [] : [`at this rate ${amountOf(budget, forecast)}`]),
    ...(act?.state ? [`${act.does}: ${act.state}`] : []),
    ...(act?.detail ? [act.detail] : []),
  ];
}

export const words = (name: string): string => name.replace("usd", "dollars").replace("_per_", " of the ").replace("_percent", " of an agent");
export const amountOf = ({ budget }: { budget: string }, value: Maybe): string =>
  budget.startsWith("usd") ? dollars(value) : budget.endsWith("percent") ? percent(value == null ? value : value / 100) : number(value);
