// Who is signed in. A token is kept for this tab's session only; another way to get one (OIDC) only has to call `signIn`.

import { signal } from "@preact/signals";

const KEY = "clawpulse.token";

export const token = signal<string | null>(sessionStorage.getItem(KEY));
// Why somebody has to sign in (again); empty for no reason but that nobody has.
export const reason = signal("");

export function signIn(value: string): void {
  sessionStorage.setItem(KEY, value);
  reason.value = "";
  token.value = value;
}

export function signOut(why = ""): void {
  sessionStorage.removeItem(KEY);
  reason.value = why;
  token.value = null;
}

// A link may carry `#token=cp_…`: it is taken once and leaves the address bar and the history.
export function takeTokenFromAddress(): void {
  if (!/^#(token|share)=/.test(location.hash)) return;
  const given = new URLSearchParams(location.hash.slice(1));
  const found = (given.get("token") ?? given.get("share"))?.trim();
  given.delete("token");
  given.delete("share");
  const view = given.get("view");
  history.replaceState(null, "", location.pathname + location.search + (view ? `#${view}` : ""));
  if (found) signIn(found);
}
