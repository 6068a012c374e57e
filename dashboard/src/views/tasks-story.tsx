// One task's whole story: what it took and cost, and who says so, its events, and how it stands beside others of its tier.

import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import { duration, milliseconds, number, dollars, time } from "../lib/format.ts";
import { useLive } from "../lib/live.ts";
import { rangeInAddress, useRange } from "../lib/range.ts";
import { href, route, show } from "../lib/route.ts";
import { Ago, Choices, HealthMark, Json, Panel, Stat, Stats, Tags, Time } from "../ui/basics.tsx";
import type { Instance } from "../lib/fleet.ts";
import { RangeChoice } from "../ui/range.tsx";
import { State } from "../ui/states.tsx";
import { LoadedFeed, StatusBadge, type Task, type TaskPage, sourceOf } from "../ui/work.tsx";
import { TaskBeside } from "./tasks-beside.tsx";
import { TaskEvents } from "./tasks-events.tsx";

const EVERY_MS = 15_000;

export function TaskStory({ id }: { id: string }): JSX.Element {
  const range = useRange();
  const found = useLive<TaskPage>("api/tasks", { task: id, ...range.query }, { every: EVERY_MS, keep: true });
  useEffect(() => { document.title = `${id} · ClawPulse`; }, [id]);
  return (
    <>
      <div class="bar over"><p class="path"><a href={href("tasks", [], rangeInAddress())}>Tasks</a> / {id}</p><RangeChoice range={range} /></div>
      <LoadedFeed live={found} what={`the task ${id}`}>
        {({ tasks }) => {
          const task = tasks.find((one) => one.agent === route.value.query.agent) ?? tasks[0];
          return task ? <Story key={task.agent} task={task} tasks={tasks} /> : (
            <State symbol="∅" title="No such task in this range" text={`Nothing was told of “${id}” in it. Raw history goes back 35 days.`} action={["Look through 30 days", () => range.choose("30d")]} />
          );
        }}
      </LoadedFeed>
    </>
  );
}

function Story({ task, tasks }: { task: Task; tasks: readonly Task[] }): JSX.Element {
  return (
    <>
      {tasks.length > 1 ? <Choices label="Agents with a task of this id" value={task.agent} options={tasks.map(({ agent }) => ({ value: agent, label: agent }))} onChoose={(agent) => show({ agent })} /> : null}
      <Panel title={<><StatusBadge status={task.status} /> {task.id}</>}>
        {task.error ? <p class="fault">{task.error}</p> : null}
        <p class="why"><Time at={task.firstTime} /> to <Time at={task.time} /> on <a href={href("agents", [task.agent], rangeInAddress())}>{task.agent}</a></p>
        <Tags tags={task.tags} />
      </Panel>
      <Figures task={task} />
      <div class="columns">
        <TaskBeside task={task} />
        <TheAgent id={task.agent} failed={task.status === "failed"} />
      </div>
      <TaskEvents task={task} />
      {Object.keys(task.attributes).length ? <Panel title="Attributes"><Json value={task.attributes} /></Panel> : null}
    </>
  );
}

function Figures({ task }: { task: Task }): JSX.Element {
  const told = ((time(task.time) ?? 0) - (time(task.firstTime) ?? 0)) / 1000;
  return (
    <Stats label="What it took">
      <Stat label="latency" value={milliseconds(task.latencyMs)} note={told > 0 ? `told of over ${duration(told)}` : ""} />
      <Stat label="tokens in" value={number(task.tokensIn)} />
      <Stat label="tokens out" value={number(task.tokensOut)} />
      <Stat label="read from cache" value={number(task.tokensCacheRead)} note="tokens" />
      <Stat label="written to cache" value={number(task.tokensCacheWrite)} note="tokens" />
      <Stat label="cost" value={dollars(task.cost?.usd)} note={sourceOf(task.cost)} />
      <Stat label="errors" value={number(task.errors)} />
    </Stats>
  );
}

function TheAgent({ id, failed }: { id: string; failed: boolean }): JSX.Element {
  const { data, error } = useLive<Instance>(`api/agents/${encodeURIComponent(id)}`, {}, { every: EVERY_MS });
  const range = rangeInAddress();
  return (
    <Panel title="Its agent now" aside={<a href={href("agents", [id], { ...range, part: "tasks" })}>All its tasks</a>}>
      {data ? <p class="why" data-health={data.health.status}><HealthMark status={data.health.status} word /> for <Ago at={data.health.since} suffix="" />: {data.health.reason}</p> : null}
      {error ? <p class="nothing">{error.kind === "missing" ? "This agent is not known any more." : error.message}</p> : null}
      {failed ? <p><a href={href("agents", [id], { ...range, part: "errors" })}>Errors of this agent by kind</a></p> : null}
    </Panel>
  );
}
