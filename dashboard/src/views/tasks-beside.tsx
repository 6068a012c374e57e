// How long a task took beside all others of its tier, in the hours around it.

import type { JSX } from "preact";
import { milliseconds, percent, time } from "../lib/format.ts";
import { useLive } from "../lib/live.ts";
import { Panel } from "../ui/basics.tsx";
import type { Task } from "../ui/work.tsx";

interface Tracked {
  groups: { tags: Record<string, string>; tasks: number; errors: number; service: { mean: number; p50: number; p95: number; p99: number; tasks: number } | null }[];
}

const DAY_MS = 86_400_000;

export function TaskBeside({ task }: { task: Task }): JSX.Element {
  const tier = task.tags.tier;
  const end = Math.min(Date.now(), (time(task.time) ?? 0) + DAY_MS);
  // Whole hours, so that the question stays the same for an hour.
  const hour = Math.ceil(end / 3_600_000) * 3_600_000;
  const query = { by: "tier", tags: tier ? `tier=${tier}` : "", start: new Date(hour - 2 * DAY_MS).toISOString(), end: new Date(hour).toISOString() };
  const { data, error } = useLive<Tracked>("api/tracker", query, { every: 0 });
  const group = data?.groups.find((one) => (one.tags.tier ?? "") === (tier ?? ""));
  const others = group?.service;
  return (
    <Panel title={tier ? `Beside other tasks of tier ${tier}` : "Beside other tasks without a tier"}>
      {error ? <p class="nothing">{error.message}</p> : null}
      {data && !others ? <p class="nothing">Nothing is known of others in the hours around it.</p> : null}
      {others && group ? (
        <>
          <p class="why"><b>{placeOf(task.latencyMs, others)}</b></p>
          <dl class="pairs">
            <dt>p50</dt><dd>{milliseconds(others.p50 * 1000)}</dd>
            <dt>p95</dt><dd>{milliseconds(others.p95 * 1000)}</dd>
            <dt>p99</dt><dd>{milliseconds(others.p99 * 1000)}</dd>
            <dt>failed</dt><dd>{percent(group.tasks ? group.errors / group.tasks : null)}</dd>
          </dl>
        </>
      ) : null}
    </Panel>
  );
}

function placeOf(latency: number | null, { p50, p95, p99 }: { p50: number; p95: number; p99: number }): string {
  if (latency === null) return "It told no latency.";
  const seconds = latency / 1000;
  if (seconds > p99) return "Slower than 99 % of them.";
  if (seconds > p95) return "Slower than 95 % of them.";
  if (seconds > p50) return "Slower than half of them, as it goes.";
  return "Among the faster half.";
}
