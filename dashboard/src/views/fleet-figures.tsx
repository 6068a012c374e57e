// The fleet's figures in a row, and budgets that warn or more.

import type { JSX } from "preact";
import type { Budget, Summary } from "../lib/fleet.ts";
import { type Maybe, dollars, milliseconds, number, percent } from "../lib/format.ts";
import { type Compared, against, useWeekAgo } from "./fleet-week.ts";

export function Figures({ summary, tags }: { summary: Summary; tags: string }): JSX.Element {
  const { p50, p95, p99 } = summary.latency;
  const then = useWeekAgo(tags);
  const figures: [Compared, Maybe, (value: Maybe) => string][] = [
    ["tasks/min", summary.tasksPerMinute, number],
    ["error rate", summary.errorRate1m, percent],
    ["p50", p50, milliseconds],
    ["p95", p95, milliseconds],
    ["p99", p99, milliseconds],
    ["tokens/min", summary.tokensPerMinute, number],
    ["$/hour", summary.costPerHour, dollars],
  ];
  return (
    <dl id="totals">
      <div><dt>agents</dt><dd>{number(summary.agents)}</dd></div>
      {figures.map(([label, value, text]) => {
        const by = against(value, then[label], label === "error rate");
        return <div key={label} title={`of the last whole minute${by ? `; ${text(then[label])} in the same hour a week ago` : ""}`}><dt>{label}{by ? <small class="week">{by} on the week</small> : null}</dt><dd>{text(value)}</dd></div>;
      })}
    </dl>
  );
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
