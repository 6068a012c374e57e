// What is so and cannot be edited: the token that is signed in, and what is kept how long.

import type { JSX } from "preact";
import { MISSING, number } from "../lib/format.ts";
import { useLive } from "../lib/live.ts";
import type { Me } from "../lib/me.ts";
import { Badge, Panel, Time } from "../ui/basics.tsx";
import { Loaded } from "../ui/states.tsx";
import { type Column, Table } from "../ui/table.tsx";

const SLOW = { every: 60_000 };
const MEANS: Record<string, string> = {
  ingest: "send metrics and events",
  keys: "fetch API keys of agents",
  read: "see everything here",
  operate: "change the fleet: silences, rollouts, settings",
  admin: "manage tokens, and everything else",
};

export function MyToken(): JSX.Element {
  const live = useLive<Me>("api/me", {}, SLOW);
  return (
    <Panel title="This token">
      <Loaded live={live} what="this token">
        {(me) => (
          <dl class="pairs">
            <dt>Name</dt><dd>{me.name ?? MISSING}</dd>
            <dt>Id</dt><dd>{me.id}</dd>
            <dt>Workspace</dt><dd>{me.workspace}</dd>
            <dt>May</dt><dd>{me.scopes.map((scope) => <div key={scope}><b>{scope}</b> <span class="soft">{MEANS[scope] ?? ""}</span></div>)}</dd>
            <dt>Limited to</dt><dd>{me.tags || "nothing: it reaches the whole workspace"}</dd>
            <dt>Expires</dt><dd>{me.expires ? <Time at={me.expires} /> : "never"}</dd>
          </dl>
        )}
      </Loaded>
    </Panel>
  );
}

interface Kept {
  what: string;
  days: number | null;
  note: string;
}

const COLUMNS: readonly Column<Kept>[] = [
  { key: "what", label: "What", render: (one) => one.what, sort: (one) => one.what },
  { key: "days", label: "Kept for", render: (one) => (one.days === null ? <Badge tone="idle" title="This stage keeps none.">not kept</Badge> : one.days === 1 ? "1 day" : `${number(one.days)} days`), sort: (one) => one.days, numeric: true },
  { key: "note", label: "Of what", render: (one) => <span class="soft">{one.note}</span>, minor: true },
];

export function Retention(): JSX.Element {
  const live = useLive<{ kept: Kept[] }>("api/retention", {}, SLOW);
  return (
    <Panel title="What is kept how long">
      <p class="soft">This is so for every workspace of the stage. Settings, agents and fleet revisions stay until somebody removes them.</p>
      <Loaded live={live} what="what is kept how long">{({ kept }) => <Table label="Retention" columns={COLUMNS} rows={kept} id={(one) => one.what} />}</Loaded>
    </Panel>
  );
}
