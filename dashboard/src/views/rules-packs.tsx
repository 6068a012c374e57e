// Packs of rules that come with ClawPulse, in force or not.

import type { JSX } from "preact";
import { useAction } from "../lib/actions.tsx";
import { plural } from "../lib/format.ts";
import { useLive } from "../lib/live.ts";
import { href } from "../lib/route.ts";
import { Badge, Panel } from "../ui/basics.tsx";
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
  const { busy, error, run } = useAction();
  const on = !pack.inForce;
  const inForce = new Set(known.rules.map((rule) => rule.name));
  return (
    <Panel title={<>{pack.name} {pack.inForce ? <Badge tone="good">in force</Badge> : <Badge tone="idle">not in force</Badge>}</>}
      aside={<button type="button" class="second" disabled={busy} onClick={() => void run(() => switchPack(pack.name, on, all), on ? `${pack.name} is in force.` : `${pack.name} is not in force any more: its alerts end.`, refresh)}>{on ? "Put in force" : "Take out of force"}</button>}>
      {error ? <p class="fault" role="alert">{error.message}</p> : null}
      <p class="soft">{plural(pack.rules.length, "rule")}. An own rule with the name of one takes its place.</p>
      <dl class="rules">{pack.rules.map((rule) => <><dt>{inForce.has(rule.name) ? <a href={href("rules", [rule.name])}>{rule.name}</a> : rule.name}</dt><dd>{rule.description ?? ""}</dd></>)}</dl>
    </Panel>
  );
}
