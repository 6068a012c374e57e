// Who did what, newest first.

import type { JSX } from "preact";
import { useLive } from "../lib/live.ts";
import type { Entry } from "../lib/rollout.ts";
import { Panel, Time } from "./basics.tsx";
import { Loaded } from "./states.tsx";

export function AuditLog({ path }: { path: string }): JSX.Element {
  const log = useLive<{ entries: Entry[] }>(path, {}, { every: 15_000 });
  return (
    <Panel title="Audit log">
      <Loaded live={log} what="the audit log">
        {({ entries }) => entries.length ? (
          <ol class="log" tabIndex={0} aria-label="Audit log">
            {[...entries].reverse().map((entry, index) => <li key={entries.length - index}><Time at={entry.at} /> <b>{entry.action}</b> <span class="soft">{entry.by}</span><p>{entry.text}</p></li>)}
          </ol>
        ) : <p class="nothing">Nothing is written down yet.</p>}
      </Loaded>
    </Panel>
  );
}
