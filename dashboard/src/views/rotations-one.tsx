// One rotation: how far it is on its way, what preflight found, how the agents that changed fare beside the others.

import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import { percent } from "../lib/format.ts";
import { useLive } from "../lib/live.ts";
import { FINAL, type Rollout, phaseTone, phaseWord } from "../lib/rollout.ts";
import { go, href } from "../lib/route.ts";
import { Ago, Badge, Json, Panel, Stat, Stats, Time } from "../ui/basics.tsx";
import { AuditLog } from "../ui/log.tsx";
import { Loaded } from "../ui/states.tsx";
import { type Order, Steer } from "../ui/steer.tsx";
import { Legend, Waves } from "../ui/waves.tsx";
import { Kind, type RotationLine } from "./rotations.tsx";

interface Rotation extends RotationLine {
  policy: Record<string, unknown>;
  checks: { name: string; ok: boolean; detail: string; retry: boolean }[];
  progress: { agents: number; done: number; failed: number; asleep: number; wave: number; waves: number; errorRate: number | null; othersRate: number | null; back: boolean };
  eta: string | null;
  actions: string[];
  promoted: boolean;
  lastOldUse: string | null;
  revokedAt: string | null;
  plan: Rollout | null;
}

const ORDERS: readonly Order[] = [
  { action: "resume", label: "Resume", effect: "Goes on where it was. Held because the old key is still in use, it is retired all the same." },
  { action: "pause", label: "Pause", effect: "Nothing further happens until it is resumed. Both keys stay good.", second: true },
  { action: "abort", label: "Abort", effect: "All agents go back to the old key, and the new one is taken out of Vault.", danger: true },
];

export function RotationPage({ id }: { id: string }): JSX.Element {
  const path = `api/rotations/${encodeURIComponent(id)}`;
  const found = useLive<Rotation>(path);
  useEffect(() => { if (found.data) document.title = `Key of ${found.data.provider} · ClawPulse`; }, [found.data?.provider]);
  return (
    <>
      <p class="path"><a href={href("rotations")}>Keys and rotations</a> / {id}</p>
      <Loaded live={found} what={`the rotation ${id}`}>{(rotation) => <One rotation={rotation} path={path} refresh={found.refresh} />}</Loaded>
      <AuditLog path={`${path}/audit`} />
    </>
  );
}

function One({ rotation, path, refresh }: { rotation: Rotation; path: string; refresh: () => void }): JSX.Element {
  const title = `A new key of ${[rotation.provider, rotation.shard].filter(Boolean).join(" / ")}`;
  const { plan } = rotation;
  return (
    <>
      <Panel title={<>{title} <Kind rotation={rotation} /></>} aside={<Steer what={title} path={path} orders={ORDERS.filter((one) => rotation.actions.includes(one.action))} done={refresh} />}>
        <p class="why">
          <Badge tone={phaseTone(rotation.phase, rotation.hold)}>{phaseWord(rotation.phase, rotation.hold)}</Badge> for <Ago at={rotation.since} suffix="" />: {rotation.hold?.reason ?? rotation.reason}
          {rotation.hold?.until ? <> · until <Time at={rotation.hold.until} /></> : null}
        </p>
        <Path rotation={rotation} />
      </Panel>
      <Figures rotation={rotation} />
      {rotation.checks.length ? <Preflight checks={rotation.checks} /> : null}
      {plan ? (
        <Panel title="Waves" aside={<><a href={href("rollouts", [plan.id])}>Gates and agents</a> <Legend /></>}>
          <Waves plan={plan.plan} current={FINAL.includes(plan.phase) ? null : plan.wave} chosen={-1} onChoose={(wave) => go("rollouts", [plan.id], { wave: String(wave + 1) })} />
        </Panel>
      ) : null}
      <Facts rotation={rotation} />
    </>
  );
}

const STEPS = ["queued", "preflight", "staging", "rolling", "promoting", "draining", "retiring", "succeeded"] as const;

// The way of a rotation, and where this one is on it. One that is held or turned around has left it: its phase says so.
function Path({ rotation }: { rotation: Rotation }): JSX.Element {
  const at = STEPS.findIndex((step) => step === rotation.phase);
  return (
    <ol class="steps" aria-label="The way of a rotation">
      {STEPS.map((step, index) => <li key={step} aria-current={index === at ? "step" : undefined} data-done={at > index || rotation.phase === "succeeded" ? "" : undefined}>{step}</li>)}
    </ol>
  );
}

function Figures({ rotation }: { rotation: Rotation }): JSX.Element {
  const { progress } = rotation;
  const over = FINAL.includes(rotation.phase);
  const worse = progress.errorRate !== null && progress.othersRate !== null && progress.errorRate - progress.othersRate > Number(rotation.policy.abort_above ?? Infinity);
  return (
    <Stats label="Where it stands">
      <Stat label={progress.back ? "are back on the old key" : "report the new key"} value={progress.waves ? `${progress.done} of ${progress.agents}` : "–"} note={progress.waves ? `wave ${progress.wave} of ${progress.waves}` : "no agent is told yet"} />
      <Stat label="failed" value={progress.waves ? progress.failed : "–"} tone={progress.failed ? "bad" : undefined} note={progress.asleep ? `${progress.asleep} asleep` : ""} />
      <Stat label="errors of this wave" value={percent(progress.errorRate)} tone={worse ? "bad" : undefined} note={`others ${percent(progress.othersRate)}`} />
      <Stat label={over ? "ended" : "over, probably"} value={<Ago at={over ? rotation.since : rotation.eta} />} />
      <Stat label="started" value={<Ago at={rotation.created} />} note={`by ${rotation.by}`} />
    </Stats>
  );
}

function Facts({ rotation }: { rotation: Rotation }): JSX.Element {
  return (
    <Panel title="Keys">
      <dl class="pairs">
        <dt>Old</dt><dd><code>{rotation.old ?? "none"}</code> · {rotation.revokedAt ? <>revoked <Ago at={rotation.revokedAt} /></> : <>last seen in use <Ago at={rotation.lastOldUse} /></>}</dd>
        <dt>New</dt><dd><code>{rotation.new || "not known yet"}</code> · from {rotation.source}{rotation.promoted ? " · current in Vault" : ""}</dd>
        <dt>Agents</dt><dd>{rotation.selector || "all that use the provider"}{rotation.shard ? `, of the shard ${rotation.shard}` : ""}</dd>
      </dl>
      <details><summary>Policy</summary><Json value={rotation.policy} /></details>
    </Panel>
  );
}

function Preflight({ checks }: { checks: Rotation["checks"] }): JSX.Element {
  return (
    <Panel title="Preflight">
      <ul class="preflight">
        {checks.map((one) => <li key={one.name}><Badge tone={one.ok ? "good" : one.retry ? "idle" : "bad"}>{one.ok ? "yes" : one.retry ? "not known yet" : "no"}</Badge> <b>{one.name}</b> {one.detail}</li>)}
      </ul>
    </Panel>
  );
}
