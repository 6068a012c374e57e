// Makes a token, and shows its secret once.

import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { useAction } from "../lib/actions.tsx";
import { send } from "../lib/api.ts";
import { Dialog } from "../ui/basics.tsx";
import { Secret } from "../ui/secret.tsx";

const SCOPES: readonly [string, string][] = [
  ["ingest", "send metrics and events: for agents"],
  ["keys", "fetch API keys: for agents whose keys are rotated"],
  ["read", "see everything"],
  ["operate", "see and change"],
  ["admin", "all, and manage tokens"],
];
const DAY_S = 86_400;
const LIVES: readonly [string, number | null][] = [["never", null], ["in 1 day", DAY_S], ["in 30 days", 30 * DAY_S], ["in 90 days", 90 * DAY_S], ["in a year", 365 * DAY_S]];

export function NewToken({ onClose }: { onClose: () => void }): JSX.Element {
  const [secret, setSecret] = useState("");
  return (
    <Dialog title="New token" onClose={onClose}>
      {secret ? (
        <>
          <Secret label="Token" text={secret} />
          <p class="notice">It is shown this once: nothing keeps it. Put it where it is needed before you close this.</p>
          <div class="buttons"><button type="button" onClick={onClose}>Done</button></div>
        </>
      ) : <Form onMade={setSecret} />}
    </Dialog>
  );
}

function Form({ onMade }: { onMade: (secret: string) => void }): JSX.Element {
  const [name, setName] = useState("");
  const [scopes, setScopes] = useState<readonly string[]>(["read"]);
  const [tags, setTags] = useState("");
  const [life, setLife] = useState(0);
  const { busy, error, run } = useAction();
  const wanted = pairsOf(tags);
  const toggle = (scope: string): void => setScopes(scopes.includes(scope) ? scopes.filter((one) => one !== scope) : [...scopes, scope]);
  const make = async (): Promise<void> => {
    const expires = LIVES[life]?.[1] ?? null;
    const { body } = await send<{ token: string }>("POST", "api/tokens", { name: name.trim(), scopes, tags: wanted ?? {}, ...(expires ? { expiresIn: expires } : {}) });
    onMade(body.token);
  };
  return (
    <form class="form" onSubmit={(event) => { event.preventDefault(); if (wanted && scopes.length) void run(make, "The token is made."); }}>
      <label><span>Name</span><input required maxLength={128} value={name} placeholder="who or what uses it" onInput={(event) => setName(event.currentTarget.value)} /></label>
      <fieldset class="checks rows"><legend>It may</legend>
        {SCOPES.map(([scope, means]) => <label key={scope}><input type="checkbox" checked={scopes.includes(scope)} onChange={() => toggle(scope)} /> {scope} <span class="soft">{means}</span></label>)}
      </fieldset>
      <label><span>Limited to agents with these tags; empty: the whole workspace</span><input value={tags} placeholder="shard=acme,env=prod" spellcheck={false} aria-invalid={!wanted} onInput={(event) => setTags(event.currentTarget.value)} /></label>
      <label><span>Expires</span><select value={life} onChange={(event) => setLife(Number(event.currentTarget.value))}>{LIVES.map(([label], index) => <option key={label} value={index}>{label}</option>)}</select></label>
      {wanted ? null : <p class="fault" role="alert">Tags are of the form key=value, with commas between them.</p>}
      {scopes.length ? null : <p class="fault" role="alert">Choose at least one thing that it may.</p>}
      {error ? <p class="fault" role="alert">{error.field ? `${error.field}: ` : ""}{error.message}</p> : null}
      <div class="buttons"><button type="submit" disabled={busy}>Make the token</button></div>
    </form>
  );
}

// null for what is no list of tags.
function pairsOf(text: string): Record<string, string> | null {
  const pairs = text.split(",").map((one) => one.trim()).filter(Boolean).map((one) => one.split("="));
  return pairs.every((pair) => pair.length === 2 && pair[0] && pair[1]) ? Object.fromEntries(pairs) : null;
}
