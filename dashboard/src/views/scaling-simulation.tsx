// A scaling policy put to the proof: against what the group did, or a load that is made up. Nothing is changed.

import type { JSX } from "preact";
import { useMemo, useState } from "preact/hooks";
import { useAction } from "../lib/actions.tsx";
import { send } from "../lib/api.ts";
import { dollars, duration, number } from "../lib/format.ts";
import { useLive } from "../lib/live.ts";
import { Panel, Stat, Stats, Time } from "../ui/basics.tsx";
import { Chart } from "../ui/chart.tsx";
import { sortedJson } from "../ui/diff.tsx";
import { Table } from "../ui/table.tsx";
import { ActionBadge } from "./scaling-figures.tsx";

interface Simulated {
  start: string;
  minutes: number;
  tasks: number;
  least: number;
  most: number;
  total: number;
  directionChanges: number;
  changes: { time: string; action: string; from: number; to: number; reason: string; limits: string[] }[];
  longestQueue: number;
  longestWaitSeconds: number;
  worstP95Seconds: number;
  leftWaiting: number;
  refused: number;
  agentHours: number;
  constant: number | null;
  constantAgentHours: number | null;
  usd: number | null;
  told: string[];
  curves: { start: string; arrived: number[]; desired: number[]; agents: number[]; queue: number[]; p95Seconds: number[]; saturation: number[] };
  notes: string[];
}

interface Wanted {
  load: string; // "past", or a shape
  range: string;
  rate: number;
  peak: number;
  minutes: number;
  period: number;
  serviceTime: number;
  concurrency: number;
  bootSeconds: number;
  usdPerAgentHour: string;
  policy: string; // JSON; empty for the stored one
}

const SHAPES = ["steady", "step", "ramp", "spike", "wave", "square"];
const USUAL: Wanted = { load: "past", range: "1d", rate: 2, peak: 6, minutes: 360, period: 120, serviceTime: 3, concurrency: 1, bootSeconds: 60, usdPerAgentHour: "", policy: "" };

export function ScalingSimulation({ group }: { group: string }): JSX.Element {
  const [wanted, setWanted] = useState(USUAL);
  const [found, setFound] = useState<Simulated | null>(null);
  const [fault, setFault] = useState("");
  const { busy, error, run } = useAction();
  const start = (): void => {
    const body = bodyOf(group, wanted);
    setFault(body === null ? "The policy is not JSON." : "");
    if (body) void run(async () => setFound((await send<Simulated>("POST", "api/scaling-simulation", body)).body), "Simulated.");
  };
  return (
    <>
      <Panel title="Simulate">
        <form onSubmit={(event) => { event.preventDefault(); start(); }}>
          <Fields wanted={wanted} change={(change) => setWanted({ ...wanted, ...change })} />
          <OtherPolicy text={wanted.policy} change={(policy) => setWanted({ ...wanted, policy })} />
          {fault || error ? <div role="alert">{error?.faults.length ? error.faults.map((one) => <p key={one.path} class="fault"><b>{one.path}</b> {one.message}</p>) : <p class="fault">{fault || error?.message}</p>}</div> : null}
          <div class="buttons"><button type="submit" disabled={busy}>{busy ? "Simulating…" : "Simulate"}</button></div>
        </form>
      </Panel>
      {found ? <Result found={found} /> : null}
    </>
  );
}

// What the API takes; null when the policy is no JSON.
export function bodyOf(group: string, wanted: Wanted): Record<string, unknown> | null {
  const { load, range, rate, peak, minutes, period, serviceTime, concurrency, bootSeconds, usdPerAgentHour, policy } = wanted;
  const source = load === "past" ? { range } : { load: { shape: load, rate, peak, minutes, period, serviceTime } };
  const body = { group, ...source, concurrency, bootSeconds, ...(usdPerAgentHour === "" ? {} : { usdPerAgentHour: Number(usdPerAgentHour) }) };
  if (!policy.trim()) return body;
  try {
    return { ...body, policy: JSON.parse(policy) as unknown };
  } catch {
    return null;
  }
}

function Fields({ wanted, change }: { wanted: Wanted; change: (change: Partial<Wanted>) => void }): JSX.Element {
  const figure = (name: "rate" | "peak" | "minutes" | "period" | "serviceTime" | "concurrency" | "bootSeconds", label: string, step: number | "any" = 1): JSX.Element => (
    <label class="slider"><span>{label}</span><input type="number" required min={0} step={step} value={wanted[name]} onInput={(event) => { if (!Number.isNaN(event.currentTarget.valueAsNumber)) change({ [name]: event.currentTarget.valueAsNumber }); }} /></label>
  );
  const past = wanted.load === "past";
  return (
    <div class="sliders">
      <label class="slider"><span>Load</span>
        <select value={wanted.load} onChange={(event) => change({ load: event.currentTarget.value })}>
          <option value="past">what the group did</option>
          {SHAPES.map((shape) => <option key={shape} value={shape}>made up: {shape}</option>)}
        </select>
      </label>
      {past ? (
        <label class="slider"><span>Of the last</span><select value={wanted.range} onChange={(event) => change({ range: event.currentTarget.value })}>{["6h", "1d", "3d", "7d"].map((one) => <option key={one} value={one}>{one}</option>)}</select></label>
      ) : <>{figure("rate", "Tasks a second", "any")}{figure("peak", "At most, a second", "any")}{figure("serviceTime", "Seconds a task", "any")}{figure("minutes", "Minutes in all")}{figure("period", "Minutes between peaks")}</>}
      {figure("concurrency", "Tasks at a time, an agent")}
      {figure("bootSeconds", "Seconds to boot an agent")}
      <label class="slider"><span>USD an agent hour</span><input type="number" min={0} step="any" placeholder="not counted" value={wanted.usdPerAgentHour} onInput={(event) => change({ usdPerAgentHour: event.currentTarget.value })} /></label>
    </div>
  );
}

function OtherPolicy({ text, change }: { text: string; change: (text: string) => void }): JSX.Element {
  const [open, setOpen] = useState(false);
  const stored = useLive<unknown>(open ? "api/scaling-policy" : null, {}, { every: 0 });
  return (
    <details class="reasons" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>Another policy than the stored one</summary>
      {stored.data !== null && !text ? <p><button type="button" class="second" onClick={() => change(sortedJson(stored.data))}>Begin with the stored one</button></p> : null}
      {stored.error ? <p class="fault">{stored.error.message}</p> : null}
      <label><span class="unseen">Policy as JSON</span><textarea rows={10} spellcheck={false} placeholder='{"groups": {"fast": {"tags": "tier=fast", "min": 2, "max": 40}}}' value={text} onInput={(event) => change(event.currentTarget.value)} /></label>
    </details>
  );
}

function Result({ found }: { found: Simulated }): JSX.Element {
  const { curves } = found;
  const times = useMemo(() => curves.desired.map((_, minute) => Date.parse(curves.start) + minute * 60_000), [curves]);
  const agents = useMemo(() => [{ name: "desired", points: curves.desired, color: 1 as const }, { name: "work", points: curves.agents, color: 2 as const }], [curves]);
  const queue = useMemo(() => [{ name: "waiting", points: curves.queue, color: 4 as const }], [curves]);
  const arrived = useMemo(() => [{ name: "arrived", points: curves.arrived, color: 5 as const }], [curves]);
  const wait = useMemo(() => [{ name: "p95", points: curves.p95Seconds.map((value) => value * 1000), color: 3 as const }], [curves]);
  return (
    <>
      <Stats label="What became of it">
        <Stat label="changes" value={number(found.total)} note={`turned ${number(found.directionChanges)} times`} />
        <Stat label="agents" value={`${number(found.least)} to ${number(found.most)}`} note={`${number(found.agentHours)} agent hours`} />
        <Stat label="longest queue" value={`${number(found.longestQueue)} tasks`} note={`of ${number(found.tasks)}`} />
        <Stat label="longest wait" value={duration(found.longestWaitSeconds)} note={`worst p95 ${duration(found.worstP95Seconds)}`} />
        <Stat label="as good without changes" value={found.constant === null ? "none within max" : `${number(found.constant)} agents`} note={found.constantAgentHours === null ? "" : `${number(found.constantAgentHours)} agent hours`} />
        <Stat label="cost" value={dollars(found.usd)} note={found.usd === null ? "without prices" : "as far as prices are given"} />
        {found.leftWaiting > 0 ? <Stat label="wait at the end" value={`${number(found.leftWaiting)} tasks`} tone="warn" /> : null}
        {found.refused > 0 ? <Stat label="refused by the provider" value={number(found.refused)} tone="warn" /> : null}
      </Stats>
      <div class="columns">
        <Panel><Chart title="Agents" unit="count" times={times} lines={agents} /></Panel>
        <Panel><Chart title="Queue" unit="count" times={times} lines={queue} note="waiting tasks" /></Panel>
        <Panel><Chart title="Arrivals" unit="per_minute" times={times} lines={arrived} note="tasks" /></Panel>
        <Panel><Chart title="Time of a task, with its wait" unit="ms" times={times} lines={wait} /></Panel>
      </div>
      {[...found.told.map((text) => `People would have been told: ${text}`), ...found.notes].map((text) => <p key={text} class="soft">{text}</p>)}
      <Panel title="Changes">
        <Table label="Simulated changes" rows={found.changes} id={(one) => one.time} empty="The count never changed." columns={[
          { key: "time", label: "At", render: (one) => <Time at={one.time} /> },
          { key: "count", label: "Desired", render: (one) => `${number(one.from)} → ${number(one.to)}`, numeric: true },
          { key: "action", label: "Decision", render: (one) => <ActionBadge action={one.action} /> },
          { key: "reason", label: "Why", render: (one) => one.reason },
          { key: "limits", label: "Held back", render: (one) => one.limits.join("; "), minor: true },
        ]} />
      </Panel>
    </>
  );
}
