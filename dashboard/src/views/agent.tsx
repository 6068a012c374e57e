// One agent: how it is and why, its history, what it worked on, its configuration and keys, and what can be done with it.

import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import type { Instance } from "../lib/fleet.ts";
import { dollars, milliseconds, number, percent } from "../lib/format.ts";
import { useLive } from "../lib/live.ts";
import { useRange } from "../lib/range.ts";
import { go, href, narrow, route, show } from "../lib/route.ts";
import { Ago, Badge, Choices, HealthMark, Panel, Stat, Stats, Tags, Time } from "../ui/basics.tsx";
import { RangeChoice } from "../ui/range.tsx";
import { Loaded, State } from "../ui/states.tsx";
import { AgentActions } from "./agent-actions.tsx";
import { AgentConfig } from "./agent-config.tsx";
import { AgentErrors, AgentEvents, AgentTasks } from "./agent-feeds.tsx";
import { AgentHistory } from "./agent-history.tsx";
import { AgentKeys } from "./agent-keys.tsx";

export interface AgentDetails extends Instance {
  firstSeen: string | null;
  retired: boolean;
  expected: boolean | null;
  activeWorkers: number | null;
  maxWorkers: number | null;
  cpu: number | null;
  memory: number | null;
  openTasks: number;
  localTags: Record<string, string>;
  remoteTags: Record<string, string>;
  tokenTags: Record<string, string>;
}

const PARTS = ["history", "tasks", "errors", "events", "configuration", "keys"] as const;

export default function Agent(): JSX.Element {
  const id = route.value.args[0] ?? "";
  const found = useLive<AgentDetails>(id ? `api/agents/${encodeURIComponent(id)}` : null);
  useEffect(() => { document.title = `${found.data?.name ?? id} · ClawPulse`; }, [found.data?.name, id]);
  if (!id) return <State symbol="∅" title="Which agent?" text="Choose one in the fleet." action={["Show the fleet", () => go("fleet")]} />;
  return <Loaded live={found} what={`the agent ${id}`}>{(agent) => <Details key={id} agent={agent} refresh={found.refresh} />}</Loaded>;
}

function Details({ agent, refresh }: { agent: AgentDetails; refresh: () => void }): JSX.Element {
  const range = useRange();
  const part = PARTS.find((one) => one === route.value.query.part) ?? "history";
  return (
    <>
      <p class="path"><a href={href("fleet")}>Fleet</a> / {agent.name}</p>
      <Panel title={<><HealthMark status={agent.health.status} /> {agent.name}</>} aside={<AgentActions agent={agent} refresh={refresh} />}>
        <p class="why" data-health={agent.health.status}>
          <b>{agent.health.status}</b> for <Ago at={agent.health.since} suffix="" />: {agent.health.reason} · last seen <Ago at={agent.lastSeen} />
          {agent.retired ? <> <Badge tone="idle">retired</Badge></> : null}
          {agent.shadow ? <> <Badge tone="warn" title={agent.shadow}>shadow</Badge></> : null}
        </p>
        <Tags tags={agent.tags} onPick={(pair) => { narrow({ tags: pair }); go("fleet"); }} />
      </Panel>
      <Figures agent={agent} />
      <div class="bar over">
        <Choices label="Part" value={part} options={PARTS.map((name) => ({ value: name, label: name[0]?.toUpperCase() + name.slice(1) }))} onChoose={(name) => show({ part: name === "history" ? undefined : name })} />
        {part === "configuration" || part === "keys" ? null : <RangeChoice range={range} />}
      </div>
      {part === "history" ? <AgentHistory agent={agent} range={range} /> : null}
      {part === "tasks" ? <AgentTasks agent={agent.id} range={range} /> : null}
      {part === "errors" ? <AgentErrors agent={agent.id} range={range} /> : null}
      {part === "events" ? <AgentEvents agent={agent.id} range={range} /> : null}
      {part === "configuration" ? <AgentConfig agent={agent} /> : null}
      {part === "keys" ? <AgentKeys agent={agent} /> : null}
      <Facts agent={agent} />
    </>
  );
}

function Figures({ agent }: { agent: AgentDetails }): JSX.Element {
  const { p50, p95, p99 } = agent.latency;
  const workers = agent.activeWorkers == null ? null : `${number(agent.activeWorkers)}${agent.maxWorkers == null ? "" : ` of ${number(agent.maxWorkers)}`}`;
  return (
    <Stats label="Figures of the last five minutes">
      <Stat label="tasks/min" value={number(agent.tasksPerMinute)} note="mean of 5 min" />
      <Stat label="error rate" value={percent(agent.errorRate)} />
      <Stat label="p95" value={milliseconds(p95)} note={p50 == null ? "" : `p50 ${milliseconds(p50)} · p99 ${milliseconds(p99)}`} />
      <Stat label="tokens/min" value={number(agent.tokensPerMinute)} />
      <Stat label="$/hour" value={dollars(agent.costPerHour)} />
      <Stat label="open tasks" value={number(agent.openTasks)} />
      <Stat label="queue" value={number(agent.queueDepth)} />
      <Stat label="workers" value={workers ?? number(null)} />
      <Stat label="CPU" value={agent.cpu == null ? number(null) : `${number(agent.cpu)} %`} />
      <Stat label="memory" value={agent.memory == null ? number(null) : `${number(agent.memory)} %`} />
    </Stats>
  );
}

function Facts({ agent }: { agent: AgentDetails }): JSX.Element {
  const versions = Object.entries(agent.versions).map(([name, version]) => `${name} ${version}`).join(", ");
  const facts: [string, JSX.Element | string | null][] = [
    ["Id", agent.id],
    ["Owner", agent.owner],
    ["Model", agent.model],
    ["Host", agent.host],
    ["Versions", versions],
    ["First seen", <Time at={agent.firstSeen} />],
    ["Its own tags", <Tags tags={agent.localTags} />],
    ["Tags set remotely", Object.keys(agent.remoteTags).length ? <Tags tags={agent.remoteTags} /> : null],
    ["Tags of its token", Object.keys(agent.tokenTags).length ? <Tags tags={agent.tokenTags} /> : null],
  ];
  return (
    <Panel title="Facts">
      <dl class="pairs">{facts.filter(([, value]) => value).map(([label, value]) => <><dt>{label}</dt><dd>{value}</dd></>)}</dl>
    </Panel>
  );
}

