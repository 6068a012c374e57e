// How the fleet is laid out: all of it as one, by tier, or by shard with a boundary around each; health and figures in every cell.

import type { JSX } from "preact";
import { useMemo } from "preact/hooks";
import { type Agent, type Instance, agentOf } from "../lib/fleet.ts";
import { useLive, useRows } from "../lib/live.ts";
import { filter, narrow, route, show } from "../lib/route.ts";
import { Choices } from "../ui/basics.tsx";
import type { SeriesAnswer } from "../ui/series.tsx";
import { Failed, Loading, State } from "../ui/states.tsx";
import { Boundary, type KeysOfShards } from "./topology-boundary.tsx";
import { Cell } from "./topology-cell.tsx";
import { type Layout, latencies, layoutOf, sharedHosts, split, usual } from "./topology-layout.ts";

const SLOW_MS = 15_000;
const LAYOUTS: readonly (readonly [Layout, string])[] = [["flat", "Flat"], ["tiered", "Tiers"], ["sharded", "Shards"]];

export default function Topology(): JSX.Element {
  const { tags, by } = filter.value;
  const instances = useRows<Instance>("api/dashboard/instances", "instances", { tags }, { keep: true });
  const agents = useMemo(() => instances.data?.map(agentOf) ?? null, [instances.data]);
  if (!agents || instances.error?.kind === "permission") {
    return instances.error ? <Failed error={instances.error} what="the fleet" retry={instances.refresh} /> : <Loading what="the fleet" />;
  }
  const layout = layoutOf(route.value.query.as) ?? usual(agents, by);
  return (
    <section class="topology">
      <div class="bar">
        <h2>Topology</h2>
        <Choices label="Layout" value={layout} options={LAYOUTS.map(([value, label]) => ({ value, label }))} onChoose={(as) => show({ as })} />
      </div>
      {instances.error ? <p class="notice" role="status">{instances.error.message}</p> : null}
      {agents.length ? <FleetMap agents={agents} layout={layout} by={by} tags={tags} /> : <Empty filtered={Boolean(tags)} />}
    </section>
  );
}

// `by` of the filter, where it is set, takes the place of the shard.
function FleetMap({ agents, layout, by, tags }: { agents: readonly Agent[]; layout: Layout; by: string; tags: string }): JSX.Element {
  const outer = by && by !== "tier" ? by : "shard";
  const keys = layout === "flat" ? [] : layout === "tiered" ? ["tier"] : [outer, "tier"];
  // The p95 of a cell cannot be had from those of its agents: it comes from the rollups.
  const series = useLive<SeriesAnswer>("api/series", { metric: "task.latency_ms", aggregation: "p95", tags, by: keys.join(","), range: "15m", step: 300 }, { every: SLOW_MS });
  const vault = useLive<KeysOfShards>(layout === "sharded" && outer === "shard" ? "api/keys" : null, {}, { every: 60_000 });
  const p95 = useMemo(() => latencies(series.data, keys, Date.now()), [series.data, keys.join()]);
  const cells = (members: readonly Agent[], within: readonly string[]): JSX.Element[] =>
    split(members, "tier").map(([tier, some]) => <Cell key={tier} name={tier ? `tier ${tier}` : "no tier"} agents={some} p95={p95([...within, tier])} pick={[["tier", tier] as const, ...within.map((value) => [outer, value] as const)]} />);
  const boundaries = (): JSX.Element => {
    const hosts = sharedHosts(agents, outer);
    return (
      <div class="boundaries">
        {split(agents, outer).map(([value, members]) => (
          <Boundary key={value} tag={outer} value={value} agents={members} of={agents} hosts={hosts} vault={vault.data}>{cells(members, [value])}</Boundary>
        ))}
      </div>
    );
  };
  return (
    <>
      {series.error ? <p class="soft">No p95: {series.error.message}</p> : null}
      {layout === "sharded" ? boundaries() : <div class="cells">{layout === "tiered" ? cells(agents, []) : <Cell name="The whole fleet" agents={agents} p95={p95([])} pick={[]} wide />}</div>}
    </>
  );
}

function Empty({ filtered }: { filtered: boolean }): JSX.Element {
  if (filtered) return <State symbol="∅" title="No agent matches" text="The filter leaves nobody." action={["Show all agents", () => narrow({ tags: "", health: [] })]} />;
  return <State symbol="○" title="No agent yet" text="Agents that report appear here by their tags tier and shard. Without one of these tags they are one flat fleet." code="clawpulse agents tag AGENT tier=fast shard=acme" />;
}
