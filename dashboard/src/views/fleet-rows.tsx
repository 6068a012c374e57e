// The fleet as a table.

import type { JSX } from "preact";
import { useMemo } from "preact/hooks";
import type { Agent } from "../lib/fleet.ts";
import { HEALTH, dollars, milliseconds, number, percent } from "../lib/format.ts";
import { href, route, show } from "../lib/route.ts";
import { Ago, HealthMark } from "../ui/basics.tsx";
import { type Column, Table } from "../ui/table.tsx";

export function AgentRows({ agents, by }: { agents: readonly Agent[]; by: string }): JSX.Element {
  const columns = useMemo(() => columnsOf(by), [by]);
  return (
    <Table label="Agents" columns={columns} rows={agents} id={(agent) => agent.id} link={(agent) => href("agents", [agent.id])}
      sorted={route.value.query.sort ?? (by ? "by" : "name")} onSort={(sort) => show({ sort })} tone={(agent) => agent.status} />
  );
}

const columnsOf = (by: string): Column<Agent>[] => [
  { key: "name", label: "Agent", render: (agent) => agent.name, sort: (agent) => agent.name },
  ...(by ? [{ key: "by", label: by, render: (agent: Agent) => agent.tags[by] ?? "", sort: (agent: Agent) => agent.tags[by] ?? null }] : []),
  { key: "health", label: "Health", render: (agent) => <span title={agent.reason}><HealthMark status={agent.status} word /></span>, sort: (agent) => HEALTH.indexOf(agent.status) },
  { key: "reason", label: "Why", render: (agent) => agent.reason, sort: (agent) => agent.reason, minor: true },
  { key: "since", label: "Since", render: (agent) => <Ago at={agent.since} suffix="" />, sort: (agent) => agent.since, numeric: true, minor: true },
  { key: "tasks", label: "Tasks/min", render: (agent) => number(agent.tasksPerMinute), sort: (agent) => agent.tasksPerMinute, numeric: true },
  { key: "errors", label: "Errors", render: (agent) => percent(agent.errorRate), sort: (agent) => agent.errorRate, numeric: true },
  { key: "p95", label: "p95", render: (agent) => milliseconds(agent.p95), sort: (agent) => agent.p95, numeric: true },
  { key: "tokens", label: "Tokens/min", render: (agent) => number(agent.tokensPerMinute), sort: (agent) => agent.tokensPerMinute, numeric: true, minor: true },
  { key: "cost", label: "$/hour", render: (agent) => dollars(agent.costPerHour), sort: (agent) => agent.costPerHour, numeric: true },
  { key: "queue", label: "Queue", render: (agent) => number(agent.queueDepth), sort: (agent) => agent.queueDepth, numeric: true, minor: true },
  { key: "model", label: "Model", render: (agent) => agent.model ?? "", sort: (agent) => agent.model, minor: true },
  { key: "seen", label: "Last seen", render: (agent) => <Ago at={agent.lastSeen} />, sort: (agent) => agent.lastSeen, numeric: true, minor: true },
];
