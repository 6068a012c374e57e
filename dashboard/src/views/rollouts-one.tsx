// One rollout: where it stands and why, what may be asked of it, its waves, and all of the chosen wave.

import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import { plural } from "../lib/format.ts";
import { useLive } from "../lib/live.ts";
import { FINAL, type Rollout, doneOf, phaseTone, phaseWord, standing } from "../lib/rollout.ts";
import { href, route, show } from "../lib/route.ts";
import { Ago, Badge, Json, Panel, Stat, Stats, Time } from "../ui/basics.tsx";
import { AuditLog } from "../ui/log.tsx";
import { Loaded } from "../ui/states.tsx";
import { Steer } from "../ui/steer.tsx";
import { Legend, Progress, Waves } from "../ui/waves.tsx";
import { ordersOf } from "./rollouts-orders.ts";
import { WaveDetails } from "./rollouts-wave.tsx";

export function RolloutPage({ id }: { id: string }): JSX.Element {
  const path = `api/rollouts/${encodeURIComponent(id)}`;
  const found = useLive<Rollout>(path);
  useEffect(() => { if (found.data) document.title = `${found.data.title} · ClawPulse`; }, [found.data?.title]);
  return (
    <>
      <p class="path"><a href={href("rollouts")}>Rollouts</a> / {id}</p>
      <Loaded live={found} what={`the rollout ${id}`}>{(rollout) => <One rollout={rollout} path={path} refresh={found.refresh} />}</Loaded>
      <AuditLog path={`${path}/audit`} />
    </>
  );
}

function One({ rollout, path, refresh }: { rollout: Rollout; path: string; refresh: () => void }): JSX.Element {
  const over = FINAL.includes(rollout.phase);
  const asked = Number(route.value.query.wave ?? NaN);
  const current = Math.min(rollout.wave, rollout.waves - 1);
  const wave = rollout.plan.find((one) => one.number === asked - 1) ?? rollout.plan.find((one) => one.number === current);
  return (
    <>
      <Panel title={rollout.title} aside={<Steer what={rollout.title} path={path} orders={ordersOf(rollout)} done={refresh} />}>
        <p class="why">
          <Badge tone={phaseTone(rollout.phase, rollout.hold)}>{phaseWord(rollout.phase, rollout.hold)}</Badge> for <Ago at={rollout.since} suffix="" />: {rollout.hold?.reason ?? rollout.reason}
          {rollout.hold?.until ? <> · until <Time at={rollout.hold.until} /></> : null}
        </p>
        <Progress counts={rollout.counts} />
        <p class="soft">{standing(rollout.counts)}</p>
      </Panel>
      <Figures rollout={rollout} over={over} />
      <Panel title="Waves" aside={<Legend />}>
        <Waves plan={rollout.plan} current={over ? null : current} chosen={wave?.number ?? -1} onChoose={(number) => show({ wave: number === current ? undefined : String(number + 1) })} />
      </Panel>
      {wave ? <WaveDetails key={wave.number} rollout={rollout} wave={wave} path={path} /> : null}
      <Facts rollout={rollout} />
    </>
  );
}

function Figures({ rollout, over }: { rollout: Rollout; over: boolean }): JSX.Element {
  const done = doneOf(rollout);
  return (
    <Stats label="Where it stands">
      <Stat label="wave" value={`${Math.min(rollout.wave + 1, rollout.waves)} of ${rollout.waves}`} note={rollout.gateless ? "promoted: without gates" : ""} />
      <Stat label={done.word} value={`${done.count} of ${rollout.members}`} note={rollout.counts.failed ? plural(rollout.counts.failed, "failure") : ""} tone={rollout.counts.failed ? "bad" : undefined} />
      {over ? null : <Stat label="bake ends" value={<Ago at={rollout.bakeUntil} />} note={rollout.extensions ? `extended ${rollout.extensions} times` : ""} />}
      <Stat label={over ? "ended" : "through, probably"} value={over ? <Ago at={rollout.since} /> : <Ago at={rollout.eta} />} note={over || rollout.eta ? "" : "depends on people"} />
      <Stat label="started" value={<Ago at={rollout.created} />} note={`by ${rollout.by}`} />
      <Stat label="going back" value={rollout.reversibility === "reversible" ? "undoes it" : "does not undo it"} tone={rollout.reversibility === "reversible" ? undefined : "warn"} note={rollout.backupBy ? `backup acknowledged by ${rollout.backupBy}` : ""} />
    </Stats>
  );
}

function Facts({ rollout }: { rollout: Rollout }): JSX.Element {
  return (
    <Panel title="What it brings">
      <dl class="pairs">
        <dt>Agents</dt><dd>{rollout.selector || "all"}</dd>
        {rollout.revision === null ? null : <><dt>Revision</dt><dd>{rollout.revision}</dd></>}
        {rollout.channel ? <><dt>Channel</dt><dd>{rollout.channel}</dd></> : null}
        {rollout.approvals.map((one) => <><dt>Approved</dt><dd>wave {one.wave + 1} by {one.by}, <Ago at={one.at} /></dd></>)}
      </dl>
      <Json value={rollout.change} />
      <details><summary>Policy</summary><Json value={rollout.policy} /></details>
    </Panel>
  );
}
