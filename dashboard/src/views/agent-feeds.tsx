// What an agent worked on: its tasks, errors and events in a range of time.

import type { JSX } from "preact";
import { dollars, milliseconds, number } from "../lib/format.ts";
import { useLive } from "../lib/live.ts";
import type { Range } from "../lib/range.ts";
import { href } from "../lib/route.ts";
import { Badge, Time, type Tone } from "../ui/basics.tsx";
import { Loaded } from "../ui/states.tsx";
import { type Column, Table } from "../ui/table.tsx";

interface Task {
  id: string;
  status: string | null;
  time: string;
  latencyMs: number | null;
  tokensIn: number | null;
  tokensOut: number | null;
  costUsd: number | null;
  error: string | null;
}

const TONES: Record<string, Tone> = { completed: "good", failed: "bad", started: "info" };
const HOW = { every: 10_000, keep: true };

const TASK_COLUMNS: readonly Column<Task>[] = [
  { key: "id", label: "Task", render: (task) => task.id, sort: (task) => task.id },
  { key: "status", label: "Status", render: (task) => <Badge tone={TONES[task.status ?? ""] ?? "idle"}>{task.status ?? "not told"}</Badge>, sort: (task) => task.status },
  { key: "time", label: "Last moved", render: (task) => <Time at={task.time} />, sort: (task) => Date.parse(task.time), numeric: true },
  { key: "latency", label: "Latency", render: (task) => milliseconds(task.latencyMs), sort: (task) => task.latencyMs, numeric: true },
  { key: "in", label: "Tokens in", render: (task) => number(task.tokensIn), sort: (task) => task.tokensIn, numeric: true, minor: true },
  { key: "out", label: "Tokens out", render: (task) => number(task.tokensOut), sort: (task) => task.tokensOut, numeric: true, minor: true },
  { key: "cost", label: "Cost", render: (task) => dollars(task.costUsd), sort: (task) => task.costUsd, numeric: true },
  { key: "error", label: "Error", render: (task) => task.error ?? "", sort: (task) => task.error, minor: true },
];

export function AgentTasks({ agent, range }: { agent: string; range: Range }): JSX.Element {
  const found = useLive<{ tasks: Task[] }>("api/tasks", { agent, limit: 200, ...range.query }, HOW);
  return (
    <Loaded live={found} what="its tasks">
      {({ tasks }) => <div class="plain"><Table label="Tasks" columns={TASK_COLUMNS} rows={tasks} id={(task) => task.id} link={(task) => href("tasks", [task.id], { agent })} sorted="-time" empty="No task in this range." /></div>}
    </Loaded>
  );
}

interface Kind {
  fingerprint: string;
  type: string;
  message: string;
  count: number;
  firstSeen: string;
  lastSeen: string;
  new: boolean | null;
}

const ERROR_COLUMNS: readonly Column<Kind>[] = [
  { key: "type", label: "Type", render: (kind) => kind.type, sort: (kind) => kind.type },
  { key: "message", label: "Message", render: (kind) => kind.message, sort: (kind) => kind.message },
  { key: "count", label: "Count", render: (kind) => number(kind.count), sort: (kind) => kind.count, numeric: true },
  { key: "new", label: "New", render: (kind) => (kind.new ? <Badge tone="warn">new</Badge> : ""), sort: (kind) => Number(kind.new) },
  { key: "first", label: "First seen", render: (kind) => <Time at={kind.firstSeen} />, sort: (kind) => Date.parse(kind.firstSeen), numeric: true, minor: true },
  { key: "last", label: "Last seen", render: (kind) => <Time at={kind.lastSeen} />, sort: (kind) => Date.parse(kind.lastSeen), numeric: true },
];

export function AgentErrors({ agent, range }: { agent: string; range: Range }): JSX.Element {
  const found = useLive<{ errors: Kind[] }>("api/errors", { agent, ...range.query }, HOW);
  return (
    <Loaded live={found} what="its errors">
      {({ errors }) => <div class="plain"><Table label="Errors" columns={ERROR_COLUMNS} rows={errors} id={(kind) => kind.fingerprint} link={(kind) => href("errors", [kind.fingerprint])} sorted="-count" empty="No task failed in this range." /></div>}
    </Loaded>
  );
}

interface Event {
  name: string;
  time: string;
  taskId: string | null;
  payload: unknown;
}

const EVENT_COLUMNS: readonly Column<Event>[] = [
  { key: "time", label: "Time", render: (event) => <Time at={event.time} /> },
  { key: "name", label: "Event", render: (event) => event.name },
  { key: "task", label: "Task", render: (event) => event.taskId ?? "" },
  { key: "payload", label: "Payload", render: (event) => (event.payload == null ? "" : JSON.stringify(event.payload)) },
];

export function AgentEvents({ agent, range }: { agent: string; range: Range }): JSX.Element {
  const found = useLive<{ events: Event[] }>("api/events", { agent, limit: 200, ...range.query }, HOW);
  return (
    <Loaded live={found} what="its events">
      {({ events }) => <div class="plain"><Table label="Events" columns={EVENT_COLUMNS} rows={events} id={(event) => `${event.time} ${event.name} ${event.taskId}`} empty="No event in this range." /></div>}
    </Loaded>
  );
}
