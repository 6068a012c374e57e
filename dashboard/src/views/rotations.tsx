// API keys: those in Vault with their age and who uses them, and the rotations that replace them; or one rotation.

import type { JSX } from "preact";
import { useLive } from "../lib/live.ts";
import { type Hold, phaseTone, phaseWord } from "../lib/rollout.ts";
import { href, route, show } from "../lib/route.ts";
import { Ago, Badge, Choices, Panel } from "../ui/basics.tsx";
import { Pages } from "../ui/pages.tsx";
import { Loaded, State } from "../ui/states.tsx";
import { type Column, Table } from "../ui/table.tsx";
import { Keys } from "./rotations-keys.tsx";
import { RotationPage } from "./rotations-one.tsx";

export interface RotationLine {
  id: string;
  provider: string;
  shard: string;
  selector: string;
  source: string;
  phase: string;
  since: string;
  reason: string;
  hold: Hold | null;
  position: number | null;
  created: string;
  by: string;
  new: string;
  old: string | null;
  dryRun: boolean;
  emergency: boolean;
  rollout: string | null;
}

const STATES = [["", "All"], ["open", "Under way"], ["over", "Over"]] as const;
const A_PAGE = 50;

export default function Rotations(): JSX.Element {
  const id = route.value.args[0];
  if (id) return <RotationPage key={id} id={id} />;
  return <><Keys /><List /></>;
}

function List(): JSX.Element {
  const { state = "", cursor, provider } = route.value.query;
  const found = useLive<{ rotations: RotationLine[]; next: string | null }>("api/rotations", { limit: A_PAGE, state, cursor, provider });
  const chosen = Boolean(state || cursor || provider);
  return (
    <Panel title={provider ? `Rotations of ${provider}` : "Rotations"} aside={<>
      {provider ? <button type="button" class="second" onClick={() => show({ provider: undefined, cursor: undefined })}>All providers</button> : null}
      <Choices label="Which" value={state} options={STATES.map(([value, label]) => ({ value, label }))} onChoose={(value) => show({ state: value, cursor: undefined })} />
    </>}>
      <Loaded live={found} what="rotations">
        {({ rotations, next }) => (
          <>
            {rotations.length ? <Table label="Rotations" rows={rotations} columns={COLUMNS} id={(one) => one.id} link={(one) => href("rotations", [one.id])} /> : <Empty filtered={chosen} />}
            <Pages cursor={cursor} next={next} go={(to) => show({ cursor: to })} />
          </>
        )}
      </Loaded>
    </Panel>
  );
}

const COLUMNS: readonly Column<RotationLine>[] = [
  { key: "provider", label: "Key", render: (one) => [one.provider, one.shard].filter(Boolean).join(" / "), sort: (one) => `${one.provider} ${one.shard}` },
  { key: "phase", label: "Phase", render: (one) => <Badge tone={phaseTone(one.phase, one.hold)} title={one.hold?.reason ?? one.reason}>{phaseWord(one.phase, one.hold)}</Badge>, sort: (one) => one.phase },
  { key: "kind", label: "Kind", render: (one) => <Kind rotation={one} /> },
  { key: "keys", label: "From → to", render: (one) => <><code>{one.old ?? "none"}</code> → <code>{one.new || "not known yet"}</code></> },
  { key: "since", label: "Since", render: (one) => <Ago at={one.since} />, sort: (one) => Date.parse(one.since), numeric: true },
  { key: "by", label: "Started by", render: (one) => one.by, sort: (one) => one.by, minor: true },
  { key: "created", label: "Started", render: (one) => <Ago at={one.created} />, sort: (one) => Date.parse(one.created), numeric: true, minor: true },
  { key: "reason", label: "Why", render: (one) => <span title={one.hold?.reason ?? one.reason}>{one.hold?.reason ?? one.reason}</span>, minor: true },
];

export function Kind({ rotation }: { rotation: RotationLine }): JSX.Element | null {
  if (rotation.emergency) return <Badge tone="bad">emergency</Badge>;
  if (rotation.dryRun) return <Badge tone="idle">dry run</Badge>;
  return rotation.position ? <Badge tone="idle">{rotation.position} before it</Badge> : null;
}

function Empty({ filtered }: { filtered: boolean }): JSX.Element {
  if (filtered) return <State symbol="∅" title="No such rotation" text="None fits what is chosen." action={["Show all", () => show({ state: undefined, cursor: undefined, provider: undefined })]} />;
  return (
    <State symbol="○" title="No rotation yet" text="A rotation replaces a provider's key on all agents that use it while both keys live, and revokes the old one when nobody uses it. The new key is read from the terminal:"
      code="clawpulse rotate anthropic --new-key-from stdin --dry-run < new-key" />
  );
}
