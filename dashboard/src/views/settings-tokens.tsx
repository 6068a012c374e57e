// Tokens: who may get at the workspace. Links and badges that were shared are among them.

import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { tell, useAction } from "../lib/actions.tsx";
import { send } from "../lib/api.ts";
import { plural } from "../lib/format.ts";
import { useLive } from "../lib/live.ts";
import { me } from "../lib/me.ts";
import { route, show } from "../lib/route.ts";
import { Ago, Badge, Choices, Dialog, Panel, Tags, type Tone } from "../ui/basics.tsx";
import { Loaded } from "../ui/states.tsx";
import { type Column, Table } from "../ui/table.tsx";
import { NewToken } from "./settings-token.tsx";

export interface Token {
  id: string;
  name: string;
  scopes: string[];
  tags: Record<string, string>;
  state: "active" | "expired" | "revoked";
  created: string;
  expires: string | null;
  revoked: string | null;
  sharedBy: string | null; // of a link or a badge: the token that made it
}

const TONES: Record<Token["state"], Tone> = { active: "good", expired: "idle", revoked: "bad" };
const EVERY_MS = 15_000;

function columnsOf(revoke: (token: Token) => void): readonly Column<Token>[] {
  return [
    { key: "name", label: "Name", render: (one) => <span title={`id ${one.id}`}>{one.name}{one.id === me.value?.id ? <span class="soft"> (this one)</span> : null}</span>, sort: (one) => one.name },
    { key: "scopes", label: "May", render: (one) => one.scopes.join(", "), sort: (one) => one.scopes.join() },
    { key: "tags", label: "Limited to", render: (one) => (Object.keys(one.tags).length ? <Tags tags={one.tags} /> : <span class="soft">nothing</span>), minor: true },
    { key: "state", label: "State", render: (one) => <Badge tone={TONES[one.state]}>{one.state}</Badge>, sort: (one) => one.state, minor: true },
    { key: "created", label: "Created", render: (one) => <Ago at={one.created} />, sort: (one) => Date.parse(one.created), numeric: true, minor: true },
    { key: "expires", label: "Expires", render: (one) => (one.expires ? <Ago at={one.expires} /> : "never"), sort: (one) => (one.expires ? Date.parse(one.expires) : null), numeric: true, minor: true },
    { key: "act", label: "Action", render: (one) => (one.state === "active" ? <button type="button" class="second small" aria-label={`Revoke ${one.name}`} onClick={() => revoke(one)}>Revoke…</button> : null) },
  ];
}

export function Tokens(): JSX.Element {
  const live = useLive<{ tokens: Token[] }>("api/tokens", {}, { every: EVERY_MS });
  const [adding, setAdding] = useState(false);
  const [gone, setGone] = useState<Token | null>(null);
  const all = route.value.query.all !== undefined;
  return (
    <Panel title="Tokens" aside={<button type="button" onClick={() => setAdding(true)}>New token…</button>}>
      <Loaded live={live} what="the tokens">
        {({ tokens }) => {
          const active = tokens.filter((one) => one.state === "active");
          return (
            <>
              <Choices label="Which tokens" value={all ? "all" : "active"} options={[{ value: "active", label: `Active (${active.length})` }, { value: "all", label: `All (${tokens.length})` }]} onChoose={(value) => show({ all: value === "all" ? "1" : undefined })} />
              <Table label="Tokens" columns={columnsOf(setGone)} rows={all ? tokens : active} id={(one) => one.id} sorted="-created" empty="No active token: make one with “New token…”." />
            </>
          );
        }}
      </Loaded>
      {adding ? <NewToken onClose={() => { setAdding(false); live.refresh(); }} /> : null}
      {gone ? <Revoke token={gone} shares={live.data?.tokens.filter((one) => one.state === "active" && one.sharedBy === gone.id) ?? []} onClose={() => { setGone(null); live.refresh(); }} /> : null}
    </Panel>
  );
}

const MOST_NAMED = 20;

function Revoke({ token, shares, onClose }: { token: Token; shares: readonly Token[]; onClose: () => void }): JSX.Element {
  const [keep, setKeep] = useState(false);
  const { busy, error, run } = useAction();
  const own = token.id === me.value?.id;
  const revoke = async (): Promise<void> => {
    const { body } = await send<{ shares: string[] }>("DELETE", `api/tokens/${encodeURIComponent(token.id)}${keep ? "?shares=keep" : ""}`);
    tell(body.shares.length ? `It is revoked, with ${plural(body.shares.length, "link or badge", "links or badges")} that it made.` : "It is revoked.");
  };
  return (
    <Dialog title={`Revoke ${token.name}`} onClose={onClose}>
      <p>Whoever uses it is refused from now on; for up to {plural(1, "minute")} it may still be taken. This cannot be undone.</p>
      {shares.length ? (
        <>
          <p>It made {plural(shares.length, "link or badge", "links or badges")} that still {shares.length === 1 ? "works" : "work"}:</p>
          <ul>
            {shares.slice(0, MOST_NAMED).map((one) => <li key={one.id}>{one.name} <span class="soft">made <Ago at={one.created} />{one.expires ? <>, expires <Ago at={one.expires} /></> : null}</span></li>)}
            {shares.length > MOST_NAMED ? <li>and {shares.length - MOST_NAMED} more</li> : null}
          </ul>
          <label class="check"><input type="checkbox" checked={!keep} onChange={(event) => setKeep(!event.currentTarget.checked)} /> Revoke {shares.length === 1 ? "it" : "them"} too: whoever had the token may have made {shares.length === 1 ? "it" : "them"}</label>
        </>
      ) : null}
      {own ? <p class="notice error">You are signed in with this token: revoking it signs you out.</p> : null}
      {error ? <p class="fault" role="alert">{error.message}</p> : null}
      <div class="buttons">
        <button type="button" class="danger" disabled={busy} onClick={() => void run(revoke, "", onClose)}>Revoke</button>
        <button type="button" class="second" onClick={onClose}>Cancel</button>
      </div>
    </Dialog>
  );
}
