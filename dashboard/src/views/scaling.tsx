// How many agents each group should have, and why; one group with its signals, its decisions, and a policy put to the proof.

import type { JSX } from "preact";
import { MISSING, number } from "../lib/format.ts";
import { useLive } from "../lib/live.ts";
import { href, route, show } from "../lib/route.ts";
import { Ago, Badge, Panel } from "../ui/basics.tsx";
import { Loaded, State } from "../ui/states.tsx";
import { type Column, Table } from "../ui/table.tsx";
import { Doing, type Group, type Signal, SignalBadge } from "./scaling-figures.tsx";
import { ScalingGroup } from "./scaling-group.tsx";

const EVERY_MS = 15_000; // decisions are made each minute

export default function Scaling(): JSX.Element {
  const found = useLive<{ groups: Group[] }>("api/scaling", {}, { every: EVERY_MS });
  const name = route.value.args[0];
  return (
    <>
      <h2 class="unseen">Scaling</h2>
      <Loaded live={found} what="scaling">{({ groups }) => {
        const group = groups.find((one) => one.group === name);
        if (group) return <ScalingGroup group={group} key={group.group} />;
        return <>{name ? <p class="notice">The scaling policy has no group {name}, or this token may not see it.</p> : null}<Groups groups={groups} /></>;
      }}</Loaded>
    </>
  );
}

function Groups({ groups }: { groups: readonly Group[] }): JSX.Element {
  if (!groups.length) {
    return (
      <State symbol="○" title="No group scales yet" text="A policy names groups of agents and their bounds. What it decides each minute is for KEDA, Kubernetes, Nomad, an Auto Scaling group, or a script."
        code={"# policy.yaml\ngroups:\n  fast: {tags: \"env=prod,tier=fast\", min: 2, max: 40}\n\nclawpulse scaling policy policy.yaml"} />
    );
  }
  return (
    <Panel title="Groups">
      <Table label="Groups" columns={COLUMNS} rows={groups} id={(one) => one.group} link={(one) => href("scaling", [one.group])} sorted={route.value.query.sort ?? "group"} onSort={(sort) => show({ sort })} />
    </Panel>
  );
}

// Only signals that say something.
function Telling({ signals }: { signals: readonly Signal[] }): JSX.Element {
  const found = signals.filter((one) => one.zone !== "silent" && one.zone !== "middle");
  return found.length ? <span class="tags">{found.map((one) => <SignalBadge key={one.signal} signal={one} named />)}</span> : <span class="soft">{signals.length ? "none stands out" : MISSING}</span>;
}

const COLUMNS: readonly Column<Group>[] = [
  { key: "group", label: "Group", render: (one) => one.group, sort: (one) => one.group },
  { key: "doing", label: "Decision", render: (one) => <Doing group={one} />, sort: (one) => (one.stale ? "stale" : one.action) },
  { key: "desired", label: "Desired", render: (one) => <b>{number(one.desired)}</b>, sort: (one) => one.desired, numeric: true },
  { key: "current", label: "Alive", render: (one) => number(one.current), sort: (one) => one.current, numeric: true },
  { key: "wanted", label: "Wanted", render: (one) => number(one.wanted), sort: (one) => one.wanted, numeric: true, minor: true },
  { key: "bounds", label: "Bounds", render: (one) => (one.min === null ? MISSING : `${number(one.min)} to ${number(one.max)}`), sort: (one) => one.max, numeric: true, minor: true },
  { key: "signals", label: "Signals", render: (one) => <Telling signals={one.signals} />, minor: true },
  { key: "changed", label: "Changed", render: (one) => <Ago at={one.changed} />, sort: (one) => one.changed, numeric: true, minor: true },
  { key: "paging", label: "Told", render: (one) => one.paging.map((signal) => <Badge key={signal} tone="bad">{signal.replace("_", " ")}</Badge>), minor: true },
  { key: "reason", label: "Why", render: (one) => one.reason, minor: true, wrap: true },
];
