// The waves of a rollout as they move: each with its members by state, and what its gate says.

import type { JSX } from "preact";
import { plural } from "../lib/format.ts";
import { MEMBERS, OUTCOME, type Member, type Wave, lookOf, phaseTone, standing } from "../lib/rollout.ts";
import { Badge } from "./basics.tsx";
import { type Part, Stack } from "./stack.tsx";

const MOST_DOTS = 60; // more are a bar

export const partsOf = (counts: Record<string, number>): Part[] =>
  MEMBERS.map(({ state, word, health }) => ({ word, health, count: counts[state] ?? 0, faint: state === "waiting" || state === "reverted" }));

export function Progress({ counts }: { counts: Record<string, number> }): JSX.Element {
  return <Stack parts={partsOf(counts)} label={standing(counts)} />;
}

// `chosen` is the wave that is shown below it, `current` the one that the rollout is at.
export function Waves({ plan, current, chosen, onChoose }: { plan: readonly Wave[]; current: number | null; chosen: number; onChoose: (wave: number) => void }): JSX.Element {
  return (
    <ol class="waves" aria-label="Waves">
      {plan.map((wave) => (
        <li key={wave.number} data-current={wave.number === current ? "" : undefined}>
          <button type="button" aria-pressed={wave.number === chosen} aria-current={wave.number === current ? "step" : undefined} onClick={() => onChoose(wave.number)}>
            <span class="wave-head"><b>Wave {wave.number + 1}</b> <span class="soft">{[wave.stage, plural(wave.members.length, "agent")].filter(Boolean).join(" · ")}</span> <WaveBadge wave={wave} /></span>
            {wave.members.length > MOST_DOTS ? <Progress counts={wave.counts} /> : <Dots members={wave.members} />}
            <span class="soft">{standing(wave.counts)}</span>
            {wave.verdict ? <span>gate <Badge tone={OUTCOME[wave.verdict.outcome]}>{wave.verdict.outcome}</Badge> <span class="soft">{plural(wave.verdict.tasks, "task")}</span></span> : null}
          </button>
        </li>
      ))}
    </ol>
  );
}

// The API calls a wave done when nothing moves in it any more, also when that is because it was taken back.
function WaveBadge({ wave: { state, counts } }: { wave: Wave }): JSX.Element {
  return state === "done" && counts.reverted ? <Badge tone="warn">taken back</Badge> : <Badge tone={phaseTone(state)}>{state}</Badge>;
}

function Dots({ members }: { members: readonly Member[] }): JSX.Element {
  return (
    <span class="dots" aria-hidden="true">
      {members.map((member) => {
        const look = lookOf(member.state);
        return <span key={member.agent} data-health={look.health} title={`${member.agent}: ${look.word}`}>{look.symbol}</span>;
      })}
    </span>
  );
}

export function Legend(): JSX.Element {
  return <p class="member-legend soft">{MEMBERS.map((one) => <span key={one.state} data-health={one.health}><span class="symbol" aria-hidden="true">{one.symbol}</span> {one.word}</span>)}</p>;
}
