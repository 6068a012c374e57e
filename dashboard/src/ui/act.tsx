// A button for something that needs more than reading: who may not is told why before a form is filled in for nothing.

import type { ComponentChildren, JSX } from "preact";
import { tell } from "../lib/actions.tsx";
import { lacks, mayDo, me } from "../lib/me.ts";

interface Props {
  onClick: () => void;
  scope?: "operate" | "admin";
  class?: string | undefined;
  disabled?: boolean;
  label?: string;
  children: ComponentChildren;
}

// It can be reached by keyboard all the same, or nobody who does not see the tooltip would hear the reason.
export function Act({ onClick, scope = "operate", class: style, disabled, label, children }: Props): JSX.Element {
  const refused = me.value && lacks(me.value, scope) ? `This needs the scope ${scope}; the token may ${mayDo(me.value)}.` : undefined;
  return (
    <button type="button" class={style} disabled={disabled} aria-label={label} aria-disabled={refused ? true : undefined} title={refused}
      onClick={() => { if (refused) tell(`${refused} Sign in with a token that may.`, "bad"); else onClick(); }}>{children}</button>
  );
}
