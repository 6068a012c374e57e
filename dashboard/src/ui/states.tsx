// What stands in place of something that cannot be shown, and what to do about it.

import type { ComponentChildren, JSX } from "preact";
import { useState } from "preact/hooks";
import type { ApiError } from "../lib/api.ts";
import type { Live } from "../lib/live.ts";
import { reason, signIn } from "../lib/session.ts";
import { since } from "../lib/format.ts";
import { useNow } from "./basics.tsx";

export interface StateProps {
  symbol?: string;
  title: string;
  text: ComponentChildren;
  code?: string;
  action?: [label: string, run: () => void];
  children?: ComponentChildren;
}

export function State({ symbol, title, text, code, action, children }: StateProps): JSX.Element {
  return (
    <section class="state">
      {symbol ? <div class="state-symbol" aria-hidden="true">{symbol}</div> : null}
      <h2>{title}</h2>
      <p>{text}</p>
      {code ? <pre>{code}</pre> : null}
      {action ? <button type="button" onClick={action[1]}>{action[0]}</button> : null}
      {children}
    </section>
  );
}

export function Loading({ what }: { what: string }): JSX.Element {
  return <State symbol="…" title={`Loading ${what}`} text="Asking the API." />;
}

// The API's reasons have no period; here more follows on them. They may begin with the name of a field, which stays as it is.
const sentence = (text: string): string => (/[.!?]$/.test(text) ? text : `${text}.`);

// For an error without anything to show beside it.
export function Failed({ error, what, retry }: { error: ApiError; what: string; retry: () => void }): JSX.Element {
  const said = sentence(error.message);
  const again: [string, () => void] = ["Try now", retry];
  switch (error.kind) {
    case "permission":
      return (
        <State symbol="■" title={`This token may not see ${what}`} text={`${said} Sign in with a token that may.`}><TokenForm /></State>
      );
    case "missing":
      return <State symbol="∅" title={`No such thing: ${what}`} text={`${said} It may be gone, or the address is wrong.`} />;
    case "input":
      return <State symbol="▲" title="The question is not valid" text={said} action={again} />;
    case "offline":
      return <State symbol="■" title="The API cannot be reached" text={`${said} This page tries again every few seconds. A local cloud: try “clawpulse local status”.`} action={again} />;
    default:
      return <State symbol="▲" title="The API answered with an error" text={`${said} This page tries again every few seconds.`} action={again} />;
  }
}

// Shows what `live` has; or that it loads, or failed. An answer that is old because later questions failed stays, and says so.
export function Loaded<T>({ live, what, children }: { live: Live<T>; what: string; children: (data: T) => ComponentChildren }): JSX.Element {
  // Who lost the permission sees nothing of it any more.
  if (live.data === null || live.error?.kind === "permission") return live.error ? <Failed error={live.error} what={what} retry={live.refresh} /> : <Loading what={what} />;
  return <>{live.error ? <Old error={live.error} at={live.at} /> : null}{children(live.data)}</>;
}

function Old({ error, at }: { error: ApiError; at: number | null }): JSX.Element {
  const now = useNow(5_000);
  return <p class="notice" role="status">{sentence(error.message)} This is the last that was received, {since(at, now)} ago.</p>;
}

export function SignIn(): JSX.Element {
  return (
    <State title="Sign in" text={reason.value || "Enter a token with the scope “read”. It stays in this tab only. Make one with: clawpulse token create --scope read"}>
      <TokenForm />
    </State>
  );
}

function TokenForm(): JSX.Element {
  const [value, setValue] = useState("");
  return (
    <form id="sign-in" onSubmit={(event) => { event.preventDefault(); if (value.trim()) signIn(value.trim()); }}>
      <label class="field"><span>Token</span>
        <input id="token" type="password" required autoComplete="off" spellcheck={false} placeholder="cp_…" autoFocus value={value} onInput={(event) => setValue(event.currentTarget.value)} />
      </label>
      <button type="submit">Sign in</button>
    </form>
  );
}
