// Tasks and kinds of errors as tables, and what stands in place of them on a stage that keeps no single tasks.

import type { ComponentChildren, JSX } from "preact";
import { dollars, milliseconds, number } from "../lib/format.ts";
import type { Live } from "../lib/live.ts";
import { go, href } from "../lib/route.ts";
import { Ago, Badge, type Tone } from "./basics.tsx";
import { Loaded, State } from "./states.tsx";
import { type Column, Table } from "./table.tsx";

export interface TaskCost {
  how: "reported" | "priced" | "unpriced";
  usd: number | null;
  source: string | null;
}

export interface Task {
  id: string;
  agent: string;
  status: "started" | "completed" | "failed" | null;
  time: string;
  firstTime: string;
  latencyMs: number | null;
  tokensIn: number | null;
  tokensOut: number | null;
  tokensCacheRead: number | null;
  tokensCacheWrite: number | null;
  cost: TaskCost | null;
  errors: number | null;
  error: string | null;
  tags: Record<string, string>;
  attributes: Record<string, unknown>;
}

export interface TaskPage {
  tasks: Task[];
  band: { low: number | null; high: number | null } | null;
  start: string;
  end: string;
  next: string | null;
}

const TONES: Record<string, Tone> = { completed: "good", failed: "bad", started: "info" };

export const StatusBadge = ({ status }: { status: string | null }): JSX.Element => <Badge tone={TONES[status ?? ""] ?? "idle"}>{status ?? "not told"}</Badge>;

// Where a figure of cost comes from, in words.
export function sourceOf(cost: TaskCost | null): string {
  if (cost === null) return "neither tokens nor cost were told";
  if (cost.how === "unpriced") return "nobody has a price for its tokens";
  const by = cost.source ? ` by ${cost.source}` : "";
  return cost.how === "reported" ? `reported with the task${by}` : `priced from its tokens${by}`;
}

const costText = (task: Task): JSX.Element | string => (task.cost ? <span title={sourceOf(task.cost)}>{dollars(task.cost.usd)}</span> : dollars(null));

const TASK_COLUMNS: readonly Column<Task>[] = [
  { key: "id", label: "Task", render: (task) => task.id, sort: (task) => task.id },
  { key: "agent", label: "Agent", render: (task) => <a href={href("agents", [task.agent])}>{task.agent}</a>, sort: (task) => task.agent },
  { key: "status", label: "Status", render: (task) => <StatusBadge status={task.status} />, sort: (task) => task.status },
  { key: "time", label: "Last moved", render: (task) => <Ago at={task.time} />, sort: (task) => Date.parse(task.time), numeric: true },
  { key: "latency", label: "Latency", render: (task) => milliseconds(task.latencyMs), sort: (task) => task.latencyMs, numeric: true },
  { key: "in", label: "Tokens in", render: (task) => number(task.tokensIn), sort: (task) => task.tokensIn, numeric: true, minor: true },
  { key: "out", label: "Tokens out", render: (task) => number(task.tokensOut), sort: (task) => task.tokensOut, numeric: true, minor: true },
  { key: "cost", label: "Cost", render: costText, sort: (task) => task.cost?.usd, numeric: true },
  { key: "tier", label: "Tier", render: (task) => task.tags.tier ?? "", sort: (task) => task.tags.tier, minor: true },
  { key: "error", label: "Error", render: (task) => <span title={task.error ?? ""}>{task.error ?? ""}</span>, sort: (task) => task.error, minor: true },
];
const WITHOUT_AGENT = TASK_COLUMNS.filter((column) => column.key !== "agent");

interface TaskTableProps {
  tasks: readonly Task[];
  // Goes along to the one task: the range in which it is found.
  query: Record<string, string | undefined>;
  sorted?: string;
  ofOneAgent?: boolean;
  empty: ComponentChildren;
}

export function TaskTable({ tasks, query, sorted = "-time", ofOneAgent = false, empty }: TaskTableProps): JSX.Element {
  return (
    <div class="plain">
      <Table label="Tasks" columns={ofOneAgent ? WITHOUT_AGENT : TASK_COLUMNS} rows={tasks} id={(task) => `${task.agent} ${task.id}`}
        link={(task) => href("tasks", [task.id], { ...query, agent: task.agent })} sorted={sorted} empty={empty} />
    </div>
  );
}

export interface Kind {
  fingerprint: string;
  type: string;
  message: string;
  count: number;
  perMinute: number;
  firstSeen: string;
  lastSeen: string;
  new: boolean | null;
  agents: Record<string, number>;
  tiers: Record<string, number>;
  sample: Sample | null;
}

export interface Sample {
  at: string;
  agent: string;
  payload: string;
}

export const typeName = (type: string): string => (type === "__other__" ? "further kinds" : type);
export const NewBadge = ({ kind }: { kind: Pick<Kind, "new"> }): JSX.Element | null =>
  kind.new ? <Badge tone="warn" title="First seen in this range">new</Badge> : null;

const ERROR_COLUMNS: readonly Column<Kind>[] = [
  { key: "type", label: "Type", render: (kind) => typeName(kind.type), sort: (kind) => kind.type },
  { key: "count", label: "Failed tasks", render: (kind) => number(kind.count), sort: (kind) => kind.count, numeric: true },
  { key: "new", label: "New", render: (kind) => <NewBadge kind={kind} />, sort: (kind) => Number(kind.new) },
  { key: "message", label: "Message", render: (kind) => <span title={kind.message}>{kind.message}</span>, sort: (kind) => kind.message },
  { key: "rate", label: "An hour", render: (kind) => number(kind.perMinute * 60), sort: (kind) => kind.perMinute, numeric: true, minor: true },
  { key: "agents", label: "Agents", render: (kind) => amountOf(kind.agents), sort: (kind) => Object.keys(kind.agents).length, numeric: true, minor: true },
  { key: "first", label: "First seen", render: (kind) => <Ago at={kind.firstSeen} />, sort: (kind) => Date.parse(kind.firstSeen), numeric: true, minor: true },
  { key: "last", label: "Last seen", render: (kind) => <Ago at={kind.lastSeen} />, sort: (kind) => Date.parse(kind.lastSeen), numeric: true },
];

// How many there are by name; those beyond what is told apart make it "more than".
const amountOf = (counts: Record<string, number>): string => {
  const named = Object.keys(counts).filter((name) => name !== "__other__").length;
  return "__other__" in counts ? `> ${number(named)}` : number(named);
};

export function ErrorTable({ kinds, query, empty }: { kinds: readonly Kind[]; query: Record<string, string | undefined>; empty: ComponentChildren }): JSX.Element {
  return (
    <div class="plain">
      <Table label="Errors" columns={ERROR_COLUMNS} rows={kinds} id={(kind) => kind.fingerprint} link={(kind) => href("errors", [kind.fingerprint], query)} sorted="-count" empty={empty} />
    </div>
  );
}

// A feed of raw history. The one thing that it can miss is that history.
export function LoadedFeed<T>({ live, what, children }: { live: Live<T>; what: string; children: (data: T) => ComponentChildren }): JSX.Element {
  if (live.error?.kind === "missing") {
    return (
      <State symbol="∅" title="No single tasks and events here" action={["Show errors by kind", () => go("errors")]}
        text="This stage keeps no raw history (rawHistory: false in its settings), which costs less. Figures, charts and errors by kind are there all the same." />
    );
  }
  return <Loaded live={live} what={what}>{children}</Loaded>;
}
