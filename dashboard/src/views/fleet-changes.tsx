// What was changed lately, in one line: most incidents follow a change.

import type { JSX } from "preact";
import { plural } from "../lib/format.ts";
import { useLive } from "../lib/live.ts";
import { href } from "../lib/route.ts";
import { Ago } from "../ui/basics.tsx";

interface Change {
  kind: "agents" | "rollout" | "rotation";
  text: string;
  id: string | null;
  state: string | null;
  at: string;
  until: string;
  agents: number | null;
  named: string[];
  tags: Record<string, string>;
}

const MOST = 8;

// Nothing at all when nothing was changed within a day, or nobody can tell.
export function WhatChanged({ tags }: { tags: string }): JSX.Element | null {
  const { data } = useLive<{ changes: Change[]; more: number }>("api/changes", { tags, limit: MOST }, { every: 15_000, keep: true });
  if (!data?.changes.length) return null;
  return (
    <div id="changes" role="region" aria-label="What was changed within a day, newest first" tabIndex={0}>
      <b>What changed</b>
      <ul>
        {data.changes.map((change) => <li key={`${change.kind} ${change.id} ${change.text} ${change.at}`}><Ago at={change.until} /> <Told change={change} /></li>)}
        {data.more ? <li class="soft">and {plural(data.more, "change")} more</li> : null}
      </ul>
    </div>
  );
}

function Told({ change }: { change: Change }): JSX.Element {
  const { kind, id, text, state } = change;
  if (kind === "rollout" && id) return <><a href={href("rollouts", [id])}>{text}</a> <span class="soft">rollout, {state}{change.agents === null ? "" : `, ${plural(change.agents, "agent")}`}</span></>;
  if (kind === "rotation" && id) return <><a href={href("rotations", [id])}>key of {text}</a> <span class="soft">rotation, {state}</span></>;
  const [first] = change.named;
  if (change.agents === 1 && first) return <><a href={href("agents", [first])}>{first}</a> {text}</>;
  const where = Object.entries(change.tags).slice(0, 3).map(([key, value]) => `${key}=${value}`).join(", ");
  return <><span title={change.named.join(", ")}>{plural(change.agents ?? 0, "agent")}{where ? ` (${where})` : ""}</span> {text}</>;
}
