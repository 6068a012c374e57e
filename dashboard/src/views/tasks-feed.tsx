// The feed of tasks: by tier, status and band of latency; the newest, slowest, dearest.

import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { Summary } from "../lib/fleet.ts";
import { milliseconds, number } from "../lib/format.ts";
import { useLive } from "../lib/live.ts";
import { rangeInAddress, useRange } from "../lib/range.ts";
import { filter, href, route, show } from "../lib/route.ts";
import { Choices, Panel } from "../ui/basics.tsx";
import { Pages } from "../ui/pages.tsx";
import { RangeChoice } from "../ui/range.tsx";
import { LoadedFeed, type TaskPage, TaskTable } from "../ui/work.tsx";

const EVERY_MS = 30_000; // each question reads raw history, which is billed by what it reads
const PAGE = 200;

const ORDERS = [["time", "Newest", "-time"], ["latency", "Slowest", "-latency"], ["cost", "Dearest", "-cost"], ["tokens", "Most tokens", ""]] as const;
const STATUSES = ["started", "completed", "failed"];
const BANDS = [["p0-p50", "fastest half"], ["p50-p95", "p50 to p95"], ["p95-p99", "p95 to p99"], ["p99-p100", "slowest 1 %"]] as const;

export function TaskFeed(): JSX.Element {
  const range = useRange();
  const { status, band, tier, agent } = route.value.query;
  const order = ORDERS.find(([name]) => name === route.value.query.order) ?? ORDERS[0];
  const tags = [filter.value.tags, tier ? `tier=${tier}` : ""].filter(Boolean).join(",");
  const asked = { tags, status, band, agent, order: order[0] === "time" ? undefined : order[0], limit: order[0] === "time" ? PAGE : 100, ...range.query };
  const [cursor, setCursor] = useState("");
  const question = JSON.stringify(asked);
  useEffect(() => setCursor(""), [question]);
  const found = useLive<TaskPage>("api/tasks", { ...asked, cursor }, { every: cursor ? 0 : EVERY_MS, keep: true });
  return (
    <>
      <div class="bar">
        <Choices label="Which tasks first" value={order[0]} options={ORDERS.map(([value, label]) => ({ value, label }))} onChoose={(name) => show({ order: name === "time" ? undefined : name })} />
        <RangeChoice range={range} />
      </div>
      <Narrow status={status} band={band} tier={tier} agent={agent} />
      <LoadedFeed live={found} what="the tasks">
        {(page) => (
          <Panel title={titleOf(page, order[0])} aside={<Pages cursor={cursor} next={page.next} go={(to) => setCursor(to ?? "")} />}>
            <TaskTable key={order[0]} tasks={page.tasks} query={rangeInAddress()} sorted={order[2]} empty={<Nothing />} />
          </Panel>
        )}
      </LoadedFeed>
    </>
  );
}

function Narrow({ status = "", band = "", tier = "", agent }: Record<"status" | "band" | "tier" | "agent", string | undefined>): JSX.Element {
  const tags = filter.value.tags;
  const tiers = Object.keys(useLive<Summary>("api/dashboard/summary", { tags }, { every: 60_000, keep: true }).data?.tiers ?? {});
  return (
    <div class="bar narrow">
      <label class="field"><span>Status</span>
        <select value={status} onChange={(event) => show({ status: event.currentTarget.value || undefined })}>
          <option value="">any status</option>{STATUSES.map((one) => <option key={one}>{one}</option>)}
        </select>
      </label>
      <label class="field"><span>Tier</span>
        <select value={tier} onChange={(event) => show({ tier: event.currentTarget.value || undefined })}>
          <option value="">any tier</option>{[...new Set([...tiers, ...(tier ? [tier] : [])])].map((one) => <option key={one}>{one}</option>)}
        </select>
      </label>
      <label class="field"><span>Latency</span>
        <select value={band} onChange={(event) => show({ band: event.currentTarget.value || undefined })}>
          <option value="">any latency</option>
          {BANDS.map(([value, label]) => <option key={value} value={value}>{label}</option>)}
          {band && !BANDS.some(([value]) => value === band) ? <option key={band} value={band}>{band}</option> : null}
        </select>
      </label>
      {agent ? <button type="button" class="chip" aria-label={`Only of the agent ${agent}; press for all agents`} onClick={() => show({ agent: undefined })}>agent {agent} ✕</button> : null}
    </div>
  );
}

function titleOf({ tasks, band, next }: TaskPage, order: string): string {
  const bounds = band && band.low !== null && band.high !== null ? `, which took ${milliseconds(band.low)} to ${milliseconds(band.high)}` : "";
  const first = { time: "newest first", latency: "slowest first", cost: "dearest first, of those that told a cost", tokens: "most tokens first, in and out together" }[order];
  return `${number(tasks.length)}${next ? " or more" : ""} tasks${bounds}: ${first}`;
}

const Nothing = (): JSX.Element => (
  <>No task fits in this range. Choose a longer one, or <a href={href("tasks")}>show all tasks</a>. Agents tell of tasks by metrics and events with a <code>task_id</code>.</>
);
