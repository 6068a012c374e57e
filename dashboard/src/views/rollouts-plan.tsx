// What a rollout would do: its waves, what becomes of the agents' documents, and what stands in its way. Nothing is stored yet.

import type { JSX } from "preact";
import { MISSING, duration, plural } from "../lib/format.ts";
import type { DocumentChange, Planned } from "../lib/launch.ts";
import type { Rollout, Wave } from "../lib/rollout.ts";
import { Ago, Json } from "../ui/basics.tsx";
import { Diff, sortedJson } from "../ui/diff.tsx";
import { type Column, Table } from "../ui/table.tsx";

const MOST_NAMED = 8;

export function Plan({ planned, rollout }: { planned: Planned; rollout: Rollout }): JSX.Element {
  const { unchanged, irreversible, changes, moreChanges, obstacles } = planned;
  return (
    <>
      <p>
        <b>{rollout.title}</b>: {plural(rollout.members, "agent")} of “{rollout.selector || "all"}” in {plural(rollout.waves, "wave")}
        {unchanged ? `; ${plural(unchanged, "agent has", "agents have")} all of it already` : ""}. {ending(rollout)}
      </p>
      {obstacles.map((one) => <p key={one.text} class="notice">{one.kind === "freeze" ? `The first wave would wait now: ${one.text}` : `It would be refused now: ${one.text}`}</p>)}
      {irreversible.length ? <div class="notice"><p>Going back does not undo:</p><ul>{irreversible.map((text) => <li key={text}>{text}</li>)}</ul></div> : null}
      <h3>Waves</h3>
      <Table label="Waves" columns={COLUMNS} rows={rollout.plan} id={(wave) => String(wave.number)} />
      <p class="soft">After each wave its agents run {bakeOf(rollout)} before a gate judges them. {rollout.eta ? <>If all goes well, it is through <Ago at={rollout.eta} />.</> : "When it is through depends on people."}</p>
      <details><summary>Policy</summary><Json value={rollout.policy} /></details>
      <h3>What changes</h3>
      {changes.map((one, index) => <Changed key={index} change={one} first={index === 0} />)}
      {moreChanges ? <p class="soft">And {plural(moreChanges, "other document")}, too many or too large to be shown.</p> : null}
    </>
  );
}

const ending = (rollout: Rollout): string => (rollout.reversibility === "irreversible" ? "It is held where others would be turned around." : "When a wave gets worse, all go back by themselves.");

function bakeOf({ policy }: Rollout): string {
  const seconds = policy.bake_s;
  return policy.gates === false ? "nothing: this policy has no gates," : typeof seconds === "number" ? duration(seconds) : "a while";
}

const named = (agents: readonly string[], amount = agents.length): string =>
  `${agents.slice(0, MOST_NAMED).join(", ")}${amount > Math.min(agents.length, MOST_NAMED) ? ` and ${amount - Math.min(agents.length, MOST_NAMED)} more` : ""}`;

const COLUMNS: readonly Column<Wave>[] = [
  { key: "number", label: "Wave", render: (wave) => wave.number + 1, numeric: true },
  { key: "stage", label: "Stage", render: (wave) => wave.stage || <span class="soft">{MISSING}</span>, minor: true },
  { key: "amount", label: "Agents", render: (wave) => wave.members.length, numeric: true },
  { key: "who", label: "Who", render: (wave) => named(wave.members.map((one) => one.agent)), wrap: true },
];

function Changed({ change, first }: { change: DocumentChange; first: boolean }): JSX.Element {
  const who = named(change.named, change.agents);
  return (
    <details class="changed" open={first}>
      <summary>{plural(change.agents, "agent")}: {who}</summary>
      <Diff before={sortedJson(change.before)} after={sortedJson(change.after)} label={`What changes for ${who}`} />
    </details>
  );
}
