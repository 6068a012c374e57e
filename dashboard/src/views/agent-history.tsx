// An agent's history: latency as a band, errors, tokens, cost, CPU and memory. Dragging over one zooms all.

import type { JSX } from "preact";
import type { Range } from "../lib/range.ts";
import { SeriesChart } from "../ui/series.tsx";

const PER_MINUTE = 60; // the API's rates are of a second

export function AgentHistory({ agent, range }: { agent: { id: string }; range: Range }): JSX.Element {
  const tags = `agent=${agent.id}`;
  return (
    <div class="columns history">
      <SeriesChart title="Latency" unit="ms" tags={tags} range={range} band wanted={[
        { metric: "task.latency_ms", aggregation: "p50", name: "p50", color: 1 },
        { metric: "task.latency_ms", aggregation: "p95", name: "p95", color: 2 },
        { metric: "task.latency_ms", aggregation: "p99", name: "p99", color: 4 },
      ]} />
      <SeriesChart title="Tasks" unit="per_minute" tags={tags} range={range} times={PER_MINUTE} wanted={[
        { metric: "task.completed", aggregation: "rate", name: "completed", color: "green" },
        { metric: "task.failed", aggregation: "rate", name: "failed", color: "red" },
      ]} />
      <SeriesChart title="Tokens" unit="per_minute" tags={tags} range={range} times={PER_MINUTE} wanted={[
        { metric: "task.tokens_in", aggregation: "rate", name: "in", color: 5 },
        { metric: "task.tokens_out", aggregation: "rate", name: "out", color: 3 },
      ]} />
      <SeriesChart title="Cost" unit="usd" tags={tags} range={range} bars note="USD in each step, as far as tasks were priced" wanted={[
        { metric: "task.cost_usd", aggregation: "sum", name: "cost", color: 1 },
      ]} />
      <SeriesChart title="CPU" unit="percent" tags={tags} range={range} wanted={[
        { metric: "agent.cpu", aggregation: "avg", name: "mean", color: 1 },
        { metric: "agent.cpu", aggregation: "max", name: "most", color: 2, dashed: true },
      ]} />
      <SeriesChart title="Memory" unit="percent" tags={tags} range={range} wanted={[
        { metric: "agent.memory", aggregation: "avg", name: "mean", color: 1 },
        { metric: "agent.memory", aggregation: "max", name: "most", color: 2, dashed: true },
      ]} />
    </div>
  );
}
