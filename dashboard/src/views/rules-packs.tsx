// Packs of rules that come with ClawPulse, in force or not.

import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { useAction } from "../lib/actions.tsx";
import { plural } from "../lib/format.ts";
import { useLive } from "../lib/live.ts";
import { href } from "../lib/route.ts";
import { Act } from "../ui/act.tsx";
import { Badge, Dialog, Panel } from "../ui/basics.tsx";
import { Loaded } from "../ui/states.tsx";
import type { Rules } from "./rules.tsx";
import { switchPack } from "./rules-store.ts";

interface Pack {
  name: string;
  inForce: boolean;
  rules: { name: string; description?: string }[];
}

export function Packs({ rules, refresh }: { rules: Rules; refresh: () => void }): JSX.Element {
  const found = useLive<{ packs: Pack[] }>("api/rules/packs", {}, { every: 0 });
  const again = (): void => { found.refresh(); refresh(); };
  return <Loaded live={found} what="the packs">{({ packs }) => <div class="columns">{packs.map((pack) => <OnePack key={pack.name} pack={pack} all={packs.map((one) => one.name)} known={rules} refresh={again} />)}</div>}</Loaded>;
}

function OnePack({ pack, all, known, refresh }: { pack: Pack; all: readonly string[]; known: Rules; refresh: () => void }): JSX.Element {
  const [asking, setAsking] = useState(false);
  const on = !pack.inForce;
  const inForce = new Set(known.rules.map((rule) => rule.name));
  return (
    <Panel title={<>{pack.name} {pack.inForce ? <Badge tone="good">in force</Badge> : <Badge tone="idle">not in force</Badge>}</>}
      aside={<Act class="second" onClick={() => setAsking(true)}>{on ? "Put in force…" : "Take out of force…"}</Act>}>
      <p class="soft">{plural(pack.rules.length, "rule")}. An own rule with the name of one takes its place.</p>
      <dl class="rules">{pack.rules.map((rule) => <><dt>{inForce.has(rule.name) ? <a href={href("rules", [rule.name])}>{rule.name}</a> : rule.name}</dt><dd>{rule.description ?? ""}</dd></>)}</dl>
      {asking ? <Switch pack={pack.name} on={on} all={all} refresh={refresh} onClose={() => setAsking(false)} /> : null}
    </Panel>
  );
}

function Switch({ pack, on, all, refresh, onClose }: { pack: string; on: boolean; all: readonly string[]; refresh: () => void; onClose: () => void }): JSX.Element {
  const { busy, error, run } = useAction();
  return (
    <Dialog title={on ? `Put the pack ${pack} in force` : `Take the pack ${pack} out of force`} onClose={onClose}>
      <p>{on ? "Its rules are checked from the next minute on." : "Its alerts end, and nobody is told of what its rules watched."}</p>
      {error ? <p class="fault" role="alert">{error.message}</p> : null}
      <div class="buttons">
        <button type="button" disabled={busy} onClick={() => void run(() => switchPack(pack, on, all), on ? `${pack} is in force.` : `${pack} is not in force any more.`, () => { refresh(); onClose(); })}>{on ? "Put in force" : "Take out"}</button>
        <button type="button" class="second" onClick={onClose}>Cancel</button>
      </div>
    </Dialog>
  );
}
