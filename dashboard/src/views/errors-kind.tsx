// One kind of error: how often over time, whose, with samples, and the tasks it made fail.

import type { JSX } from "preact";
import { useEffect, useMemo } from "preact/hooks";
import { duration, number, percent, time } from "../lib/format.ts";
import { useLive } from "../lib/live.ts";
import { type Range, rangeInAddress, useRange } from "../lib/range.ts";
import { filter, href, route } from "../lib/route.ts";
import { Ago, Json, Meter, Panel, Stat, Stats, Time } from "../ui/basics.tsx";
import { Chart } from "../ui/chart.tsx";
import { RangeChoice } from "../ui/range.tsx";
import { Loaded } from "../ui/states.tsx";
import { type Kind, NewBadge, type Sample, typeName } from "../ui/work.tsx";

interface Details extends Kind {
  samples: Sample[];
  start: string;
  end: string;
  step: number; // s
  points: [number, number][];
  links: { tasks: string | null; events: string | null };
}

export function ErrorKind({ fingerprint }: { fingerprint: string }): JSX.Element {
  const range = useRange();
  const { agent } = route.value.query;
  const found = useLive<Details>(`api/errors/${encodeURIComponent(fingerprint)}`, { tags: filter.value.tags, agent, ...range.query }, { every: 15_000, keep: true });
  const type = found.data?.type;
  useEffect(() => { document.title = `${type ?? "Error"} · ClawPulse`; }, [type]);
  return (
    <>
      <div class="bar over">
        <p class="path"><a href={href("errors", [], { ...rangeInAddress(), agent })}>Errors</a> / {type ? typeName(type) : fingerprint}</p>
        <RangeChoice range={range} />
      </div>
      <Loaded live={found} what="this error in this range">{(kind) => <About kind={kind} range={range} />}</Loaded>
    </>
  );
}

function About({ kind, range }: { kind: Details; range: Range }): JSX.Element {
  return (
    <>
      <Panel title={<>{typeName(kind.type)} <NewBadge kind={kind} /></>}><p class="why">{kind.message || "without a message"}</p></Panel>
      <Stats label="How often">
        <Stat label="failed tasks" value={number(kind.count)} note="in this range" />
        <Stat label="an hour" value={number(kind.perMinute * 60)} note="on average" />
        <Stat label="first seen" value={<Ago at={kind.firstSeen} />} note={kind.new === null ? "in this range" : "ever"} />
        <Stat label="last seen" value={<Ago at={kind.lastSeen} />} note="in this range" />
      </Stats>
      <OverTime kind={kind} range={range} />
      <div class="columns">
        <Shares title="By agent" counts={kind.agents} total={kind.count} link={(agent) => href("agents", [agent], { ...rangeInAddress(), part: "errors" })} />
        <Shares title="By tier" counts={kind.tiers} total={kind.count} />
      </div>
      <Samples samples={kind.samples} />
      <Onwards kind={kind} />
    </>
  );
}

function OverTime({ kind, range }: { kind: Details; range: Range }): JSX.Element {
  const [times, lines] = useMemo(() => [kind.points.map(([at]) => at), [{ name: "failed tasks", color: "red", points: kind.points.map(([, count]) => count) }] as const] as const, [kind.points]);
  return <Panel><Chart title="Over time" note={`failed tasks in each ${duration(kind.step)}`} unit="count" bars times={times} lines={lines} onZoom={range.zoom} onUnzoom={() => range.choose(range.name || "24h")} /></Panel>;
}

function Shares({ title, counts, total, link }: { title: string; counts: Record<string, number>; total: number; link?: (name: string) => string }): JSX.Element {
  return (
    <Panel title={title}>
      <dl class="shares">
        {Object.entries(counts).map(([name, count]) => {
          const share = percent(total ? count / total : null);
          const told = name === "__other__" ? "further ones" : name || "none";
          return <><dt>{link && name !== "__other__" ? <a href={link(name)}>{told}</a> : told}</dt><dd><Meter share={total ? count / total : null} tone="bad" label={`${told}: ${share}`} /></dd><dd class="num">{number(count)} · {share}</dd></>;
        })}
      </dl>
    </Panel>
  );
}

function Samples({ samples }: { samples: readonly Sample[] }): JSX.Element {
  return (
    <Panel title="Samples">
      {samples.length ? null : <p class="nothing">No task told more than that it failed.</p>}
      <ol class="story">
        {samples.map((sample, index) => (
          <li key={index}><p><Time at={sample.at} /> · <a href={href("agents", [sample.agent])}>{sample.agent}</a></p><Payload text={sample.payload} /></li>
        ))}
      </ol>
    </Panel>
  );
}

// JSON as sent; a long one was cut, and is a text then.
function Payload({ text }: { text: string }): JSX.Element {
  try {
    return <Json value={JSON.parse(text)} />;
  } catch {
    return <pre class="json">{text}</pre>;
  }
}

function Onwards({ kind }: { kind: Details }): JSX.Element {
  if (!kind.links.tasks) return <p class="nothing">Single failed tasks are not kept on this stage (rawHistory: false).</p>;
  const agents = Object.keys(kind.agents);
  const agent = agents.length === 1 && agents[0] !== "__other__" ? agents[0] : undefined;
  const range = { start: String(time(kind.start)), end: String(time(kind.end)) };
  return <p><a href={href("tasks", [], { ...range, status: "failed", agent })}>Failed tasks of this time{agent ? ` on ${agent}` : ""}</a></p>;
}
