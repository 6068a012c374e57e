// Rollouts: all of them, newest first; or one.

import type { JSX } from "preact";
import { useLive } from "../lib/live.ts";
import { type RolloutLine, doneOf, phaseTone, phaseWord } from "../lib/rollout.ts";
import { href, route, show } from "../lib/route.ts";
import { Ago, Badge, Choices, Panel } from "../ui/basics.tsx";
import { Pages } from "../ui/pages.tsx";
import { Loaded, State } from "../ui/states.tsx";
import { type Column, Table } from "../ui/table.tsx";
import { Progress } from "../ui/waves.tsx";
import { RolloutPage } from "./rollouts-one.tsx";
import { OF_FILTER, StartRollout } from "./rollouts-start.tsx";

const STATES = [["", "All"], ["open", "Under way"], ["over", "Over"]] as const;
const A_PAGE = 50;

interface Page {
  rollouts: RolloutLine[];
  next: string | null;
}

export default function Rollouts(): JSX.Element {
  const id = route.value.args[0];
  return id ? <RolloutPage key={id} id={id} /> : <List />;
}

function List(): JSX.Element {
  const { state = "", cursor, start } = route.value.query;
  const found = useLive<Page>("api/rollouts", { limit: A_PAGE, state, cursor });
  return (
    <Panel title="Rollouts" aside={<Aside state={state} />}>
      <Loaded live={found} what="rollouts">
        {({ rollouts, next }) => (
          <>
            {rollouts.length ? <div class="titled"><Table label="Rollouts" rows={rollouts} columns={COLUMNS} id={(one) => one.id} link={(one) => href("rollouts", [one.id])} /></div> : <Empty filtered={Boolean(state || cursor)} />}
            <Pages cursor={cursor} next={next} go={(to) => show({ cursor: to })} />
          </>
        )}
      </Loaded>
      {start ? <StartRollout key={start} start={start} onClose={() => { show({ start: undefined }); found.refresh(); }} /> : null}
    </Panel>
  );
}

function Aside({ state }: { state: string }): JSX.Element {
  return (
    <>
      <Choices label="Which" value={state} options={STATES.map(([value, label]) => ({ value, label }))} onChoose={(value) => show({ state: value, cursor: undefined })} />
      <a class="button" href={href("rollouts", [], { ...route.value.query, start: OF_FILTER })}>Start a rollout…</a>
    </>
  );
}

const COLUMNS: readonly Column<RolloutLine>[] = [
  { key: "title", label: "Rollout", render: (one) => one.title, sort: (one) => one.title },
  { key: "phase", label: "Phase", render: (one) => <Badge tone={phaseTone(one.phase, one.hold)} title={one.hold?.reason ?? one.reason}>{phaseWord(one.phase, one.hold)}</Badge>, sort: (one) => one.phase },
  { key: "wave", label: "Wave", render: (one) => `${Math.min(one.wave + 1, one.waves)} of ${one.waves}`, numeric: true, minor: true },
  { key: "progress", label: "Progress", render: (one) => <Progress counts={one.counts} />, minor: true },
  { key: "members", label: "Agents", render: (one) => `${doneOf(one).count} of ${one.members} ${doneOf(one).word}`, numeric: true, sort: (one) => one.members },
  { key: "since", label: "Since", render: (one) => <Ago at={one.since} />, sort: (one) => Date.parse(one.since), numeric: true },
  { key: "by", label: "Started by", render: (one) => one.by, sort: (one) => one.by, minor: true },
  { key: "created", label: "Started", render: (one) => <Ago at={one.created} />, sort: (one) => Date.parse(one.created), numeric: true, minor: true },
  { key: "reason", label: "Why", render: (one) => <span title={one.reason}>{one.hold?.reason ?? one.reason}</span>, minor: true, wrap: true },
];

function Empty({ filtered }: { filtered: boolean }): JSX.Element {
  if (filtered) return <State symbol="∅" title="No such rollout" text="None is in this state." action={["Show all", () => show({ state: undefined, cursor: undefined })]} />;
  return (
    <State symbol="○" title="No rollout yet" text="A rollout brings agents another model, prompt or version in waves, and turns around by itself when they get worse. “Start a rollout…” shows what one would do, and so does:"
      code={"clawpulse rollout start --tags tier=fast --model anthropic/claude-sonnet-5 --dry-run"} />
  );
}
