// The silences that are not over: made, and lifted.

import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { useAction } from "../lib/actions.tsx";
import { send } from "../lib/api.ts";
import { time } from "../lib/format.ts";
import { useLive } from "../lib/live.ts";
import { Act } from "../ui/act.tsx";
import { Ago, Badge, Dialog, Time } from "../ui/basics.tsx";
import { SilenceDialog } from "../ui/silence.tsx";
import { Loaded, State } from "../ui/states.tsx";
import { type Column, Table } from "../ui/table.tsx";

interface Silence {
  id: string;
  matchers: string;
  starts: string;
  ends: string;
  weekly: { days: string[]; from: string; to: string } | null;
  comment: string;
  by: string;
  active: boolean;
}

interface Answer {
  silences: Silence[];
  faults: string[];
}

export function Silences(): JSX.Element {
  const found = useLive<Answer>("api/silences", {}, { every: 10_000 });
  const [making, setMaking] = useState(false);
  const [lifting, setLifting] = useState<Silence | null>(null);
  const columns = columnsWith((silence) => <Act class="second small" label={`Lift the silence ${silence.matchers}`} onClick={() => setLifting(silence)}>Lift…</Act>);
  const make = (): void => setMaking(true);
  return (
    <>
      <Loaded live={found} what="the silences">
        {({ silences, faults }) => (
          <>
            {faults.map((fault) => <p key={fault} class="notice error">{fault}</p>)}
            {silences.length === 0
              ? <State symbol="○" title="No silence" text="Everything that fires is told. A silence hides alerts for a while, once or in certain hours of each week." code={'clawpulse silences add --match tier=batch --for 2h --comment "planned work"'} action={["Silence…", make]} />
              : (
                <>
                  <div class="bar spaced"><span class="soft">Alerts go on under a silence; what still fires is told when it ends.</span><Act onClick={make}>Silence…</Act></div>
                  <div class="plain"><Table label="Silences" columns={columns} rows={silences} id={(one) => one.id} sorted="ends" /></div>
                </>
              )}
          </>
        )}
      </Loaded>
      {making ? <SilenceDialog onClose={() => setMaking(false)} onMade={found.refresh} /> : null}
      {lifting ? <Lift silence={lifting} onClose={() => setLifting(null)} refresh={found.refresh} /> : null}
    </>
  );
}

function Lift({ silence, onClose, refresh }: { silence: Silence; onClose: () => void; refresh: () => void }): JSX.Element {
  const { busy, error, run } = useAction();
  const lift = (): Promise<unknown> => send("DELETE", `api/silences/${encodeURIComponent(silence.id)}`);
  return (
    <Dialog title="Lift the silence" onClose={onClose}>
      <p>What fires and fits <b>{silence.matchers}</b> is told from now on.</p>
      {error ? <p class="fault" role="alert">{error.message}</p> : null}
      <div class="buttons">
        <button type="button" disabled={busy} onClick={() => void run(lift, "The silence is lifted.", () => { refresh(); onClose(); })}>Lift</button>
        <button type="button" class="second" onClick={onClose}>Cancel</button>
      </div>
    </Dialog>
  );
}

const hoursOf = ({ weekly }: Silence): string => (weekly ? `${weekly.days.join(", ")} ${weekly.from} to ${weekly.to} UTC` : "");

function columnsWith(action: (silence: Silence) => JSX.Element): Column<Silence>[] {
  return [
    { key: "matchers", label: "Which alerts", render: (one) => <b>{one.matchers}</b>, sort: (one) => one.matchers },
    { key: "active", label: "Now", render: (one) => (one.active ? <Badge tone="good">in force</Badge> : <Badge tone="idle">not now</Badge>), sort: (one) => Number(one.active) },
    { key: "hours", label: "Each week", render: hoursOf, sort: hoursOf, minor: true },
    { key: "starts", label: "From", render: (one) => <Time at={one.starts} />, sort: (one) => time(one.starts), minor: true },
    { key: "ends", label: "Ends", render: (one) => <Ago at={one.ends} />, sort: (one) => time(one.ends) },
    { key: "comment", label: "Why", render: (one) => <span title={one.comment}>{one.comment}</span>, sort: (one) => one.comment, minor: true },
    { key: "by", label: "By", render: (one) => one.by, sort: (one) => one.by, minor: true },
    { key: "act", label: "", render: action },
  ];
}
