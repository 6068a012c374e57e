// The fleet at a glance: every agent as a tile or a row, counts by colour, the figures, budgets that are nearly used up.

import type { JSX } from "preact";
import { useEffect, useMemo } from "preact/hooks";
import { type Agent, type Instance, type Summary, agentOf, asOf, failure, known, knownTags } from "../lib/fleet.ts";
import { HEALTH, type Health, SYMBOL, duration } from "../lib/format.ts";
import { useLive, useRows } from "../lib/live.ts";
import { filter, narrow, route, show } from "../lib/route.ts";
import { Choices, useNow } from "../ui/basics.tsx";
import { STALE_MS } from "../ui/link.tsx";
import { Failed, Loading, State } from "../ui/states.tsx";
import { BASE } from "../lib/api.ts";
import { AgentRows } from "./fleet-rows.tsx";
import { WhatChanged } from "./fleet-changes.tsx";
import { Budgets, Figures } from "./fleet-figures.tsx";
import { Order, orderOf } from "./fleet-order.tsx";
import { Tiles } from "./fleet-tiles.tsx";

export default function Fleet(): JSX.Element {
  const { tags, by, health } = filter.value;
  const instances = useRows<Instance>("api/dashboard/instances", "instances", { tags }, { keep: true });
  const summary = useLive<Summary>("api/dashboard/summary", { tags }, { keep: true });
  const now = useNow(5_000);
  const agents = useMemo(() => instances.data?.map(agentOf) ?? null, [instances.data]);
  const error = instances.error ?? summary.error;
  useEffect(() => { failure.value = error; }, [error]);
  useEffect(() => () => { failure.value = null; }, []);
  useEffect(() => { asOf.value = summary.data?.asOf ? Date.parse(summary.data.asOf) : null; }, [summary.data]);
  useEffect(() => { if (agents && !tags) known.value = knownTags(agents); }, [agents, tags]);
  if (!agents || !summary.data || error?.kind === "permission") {
    return error && error.kind !== "input" ? <Failed error={error} what="the fleet" retry={() => { instances.refresh(); summary.refresh(); }} /> : <Loading what="the fleet" />;
  }
  const shown = health.length ? agents.filter((agent) => health.includes(agent.status)) : agents;
  const rows = route.value.query.as === "rows";
  const age = asOf.value === null ? null : now - asOf.value;
  const stale = (age !== null && age > STALE_MS) || (error !== null && error.kind !== "input");
  return (
    <section id="board" class={stale ? "stale" : undefined}>
      <Notices stale={age !== null && age > STALE_MS} age={age} error={error?.kind === "input" ? null : error} warnings={summary.data.warnings} />
      <h2 class="unseen">Fleet totals</h2>
      <div class="bar">
        <Counts agents={agents} chosen={health} />
        {rows ? null : <Order value={orderOf(route.value.query.order)} />}
        <Choices label="Show agents as" value={rows ? "rows" : "tiles"} options={[{ value: "tiles", label: "Tiles" }, { value: "rows", label: "Rows" }]} onChoose={(as) => show({ as: as === "rows" ? as : undefined })} />
      </div>
      <Figures summary={summary.data} tags={tags} />
      <Budgets budgets={summary.data.budgets} />
      <WhatChanged tags={tags} />
      <h2 class="unseen">Agents</h2>
      {shown.length === 0 ? <Empty any={agents.length > 0} /> : rows ? <AgentRows agents={shown} by={by} /> : <Tiles agents={shown} by={by} now={now} order={orderOf(route.value.query.order)} />}
    </section>
  );
}

function Counts({ agents, chosen }: { agents: readonly Agent[]; chosen: readonly Health[] }): JSX.Element {
  const toggle = (status: Health): void => narrow({ health: chosen.includes(status) ? chosen.filter((one) => one !== status) : [...chosen, status] });
  return (
    <div id="counts" role="group" aria-label="Agents by health; press to show only one colour">
      {HEALTH.map((status) => {
        const count = agents.filter((agent) => agent.status === status).length;
        return (
          <button key={status} type="button" class="count" data-health={status} aria-pressed={chosen.includes(status)} aria-label={`${count} ${status}`} onClick={() => toggle(status)}>
            <span class="symbol" aria-hidden="true">{SYMBOL[status]}</span><b>{count}</b> <span class="word">{status}</span>
          </button>
        );
      })}
    </div>
  );
}

function Empty({ any }: { any: boolean }): JSX.Element {
  const { tags, health } = filter.value;
  if (!any && !tags) {
    const url = BASE.href.replace(/\/$/, "");
    return (
      <State symbol="○" title="No agent yet" text="An agent appears here within seconds of its first batch. In an agent's environment:"
        code={`pip install clawpulse\nexport CLAWPULSE_URL=${url}\nexport CLAWPULSE_TOKEN=cp_…   # clawpulse token create --scope ingest\n\nfrom clawpulse import cp_event\ncp_event("task.started", tags={"task_id": "1"})`} />
    );
  }
  return <State symbol="∅" title="No agent matches" text={`Nothing fits ${[tags, ...health].filter(Boolean).join(" and ")}.`} action={["Show all agents", () => narrow({ tags: "", health: [] })]} />;
}

function Notices({ stale, age, error, warnings }: { stale: boolean; age: number | null; error: Error | null; warnings: readonly string[] }): JSX.Element {
  const old = age === null ? "" : duration(age / 1000);
  const first = error ? [`${error.message} These are the last figures received${old ? `, ${old} old` : ""}.`]
    : stale ? [`The figures are ${old} old: the service that computes them is late or stopped. A local cloud: try “clawpulse local logs”.`] : [];
  return <div id="notices">{[...first, ...warnings].map((text) => <p key={text} class="notice">{text}</p>)}</div>;
}
