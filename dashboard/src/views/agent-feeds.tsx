// What an agent worked on: its tasks, errors and events in a range of time.

import type { JSX } from "preact";
import { useLive, useRows } from "../lib/live.ts";
import { type Range, rangeInAddress } from "../lib/range.ts";
import { href } from "../lib/route.ts";
import { Time } from "../ui/basics.tsx";
import { Loaded } from "../ui/states.tsx";
import { type Column, Table } from "../ui/table.tsx";
import { ErrorTable, type Kind, LoadedFeed, type TaskPage, TaskTable } from "../ui/work.tsx";

const HOW = { every: 15_000, keep: true };
const MOST = 200;

export function AgentTasks({ agent, range }: { agent: string; range: Range }): JSX.Element {
  const found = useLive<TaskPage>("api/tasks", { agent, limit: MOST, ...range.query }, HOW);
  return (
    <LoadedFeed live={found} what="its tasks">
      {({ tasks, next }) => (
        <>
          {next ? <p>The last {MOST} tasks. <a href={href("tasks", [], { ...rangeInAddress(), agent })}>All of them, the slowest and the dearest</a></p> : null}
          <TaskTable tasks={tasks} query={rangeInAddress()} ofOneAgent empty="No task in this range." />
        </>
      )}
    </LoadedFeed>
  );
}

export function AgentErrors({ agent, range }: { agent: string; range: Range }): JSX.Element {
  const found = useRows<Kind>("api/errors", "errors", { agent, ...range.query }, HOW);
  return <Loaded live={found} what="its errors">{(kinds) => <ErrorTable kinds={kinds} query={{ ...rangeInAddress(), agent }} empty="No task failed in this range." />}</Loaded>;
}

interface Event {
  name: string;
  time: string;
  agent: string;
  taskId: string | null;
  payload: unknown;
}

const EVENT_COLUMNS: readonly Column<Event>[] = [
  { key: "time", label: "Time", render: (event) => <Time at={event.time} /> },
  { key: "name", label: "Event", render: (event) => event.name },
  { key: "task", label: "Task", render: (event) => (event.taskId ? <a href={href("tasks", [event.taskId], { ...rangeInAddress(), agent: event.agent })}>{event.taskId}</a> : "") },
  { key: "payload", label: "Payload", render: (event) => (event.payload == null ? "" : JSON.stringify(event.payload)) },
];

export function AgentEvents({ agent, range }: { agent: string; range: Range }): JSX.Element {
  const found = useLive<{ events: Event[] }>("api/events", { agent, limit: 200, ...range.query }, HOW);
  return (
    <LoadedFeed live={found} what="its events">
      {({ events }) => <div class="plain"><Table label="Events" columns={EVENT_COLUMNS} rows={events} id={(event) => `${event.time} ${event.name} ${event.taskId}`} empty="No event in this range." /></div>}
    </LoadedFeed>
  );
}
