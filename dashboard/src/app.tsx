// The frame around the views: menu, filter, connection, keyboard, and whoever is not signed in.

import type { ComponentType, JSX } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { Toasts, tell } from "./lib/actions.tsx";
import { forgetAnswers } from "./lib/api.ts";
import { type Shortcut, bind, bound } from "./lib/keys.ts";
import { filter, go, href, kiosk, route } from "./lib/route.ts";
import { signOut, token } from "./lib/session.ts";
import { FilterBar } from "./ui/filter.tsx";
import { Wall } from "./ui/kiosk.tsx";
import { Link } from "./ui/link.tsx";
import { Dialog } from "./ui/basics.tsx";
import { Loading, SignIn, State } from "./ui/states.tsx";
import { WhoAmI } from "./ui/whoami.tsx";
import { VIEWS, type View } from "./views.ts";

export function App(): JSX.Element {
  const signedIn = token.value !== null;
  const view = VIEWS.find((one) => one.name === route.value.view);
  const [help, setHelp] = useState(false);
  const [sharing, setSharing] = useState(false);
  // With the first drawing, not after it: a key that is pressed at once is not lost.
  useLayoutEffect(() => bind([
    ...VIEWS.filter((one) => one.key).map((one): Shortcut => ({ keys: `g ${one.key}`, label: one.label, run: () => go(one.name) })),
    { keys: "/", label: "Filter", run: focusFilter },
    { keys: "s", label: "Share this view", run: () => setSharing(token.value !== null) },
    { keys: "?", label: "These shortcuts", run: () => setHelp(true) },
  ]), []);
  useEffect(() => { if (!signedIn) forgetAnswers(); }, [signedIn]);
  useEffect(() => { document.title = view && view.name !== "fleet" ? `${view.label} · ClawPulse` : "ClawPulse"; }, [view]);
  return (
    <div class={kiosk.value ? "frame kiosk" : "frame"}>
      <a class="skip" href="#main" onClick={(event) => { event.preventDefault(); document.getElementById("main")?.focus(); }}>Skip to the content</a>
      <header class="top">
        <h1><a href={href("fleet")}><img src={new URL("icon.svg", import.meta.url).pathname} alt="" width="22" height="22" />ClawPulse</a></h1>
        {signedIn ? kiosk.value ? <Wall label={view?.label ?? ""} /> : <FilterBar /> : null}
        <div class="status">
          {signedIn ? <><Link /><WhoAmI /></> : null}
          {signedIn && !kiosk.value ? <button id="share" type="button" class="quiet" aria-keyshortcuts="s" onClick={() => setSharing(true)}>Share</button> : null}
          {signedIn && !kiosk.value ? <button id="sign-out" type="button" class="quiet" onClick={() => signOut()}>Sign out</button> : null}
        </div>
      </header>
      {signedIn && !kiosk.value ? <Menu open={view?.under ?? view?.name ?? ""} /> : null}
      <main id="main" tabIndex={-1}>
        {!signedIn ? <SignIn /> : view ? <Opened view={view} key={view.name} /> : <Unknown />}
      </main>
      <Toasts />
      {sharing && signedIn ? <Sharing onClose={() => setSharing(false)} /> : null}
      {help ? <Shortcuts onClose={() => setHelp(false)} /> : null}
    </div>
  );
}

function Menu({ open }: { open: string }): JSX.Element {
  void filter.value; // links carry the filter
  return (
    <nav class="menu" aria-label="Views">
      {VIEWS.filter((one) => !one.under).map((one) => (
        <a key={one.name} href={href(one.name)} aria-current={one.name === open ? "page" : undefined} aria-keyshortcuts={one.key ? `g ${one.key}` : undefined}>{one.label}</a>
      ))}
    </nav>
  );
}

const loaded = new Map<string, ComponentType>();

// Loads a view's part once.
function Opened({ view }: { view: View }): JSX.Element {
  const [found, setFound] = useState<ComponentType | null>(() => loaded.get(view.name) ?? null);
  const [failed, setFailed] = useState(false);
  const shown = useRef(true);
  const load = (): void => {
    setFailed(false);
    view.load().then((part) => {
      loaded.set(view.name, part.default);
      if (shown.current) setFound(() => part.default);
    }, () => setFailed(true));
  };
  useEffect(() => {
    if (!found) load();
    return () => { shown.current = false; };
  }, []);
  if (failed) return <State symbol="■" title="A part of the page could not be loaded" text="The connection may be gone, or a new version was deployed." action={["Reload", () => location.reload()]} />;
  if (!found) return <Loading what={view.label.toLowerCase()} />;
  const Part = found;
  return <Part />;
}

// Loaded when somebody shares.
function Sharing({ onClose }: { onClose: () => void }): JSX.Element | null {
  const [Part, setPart] = useState<ComponentType<{ onClose: () => void }> | null>(null);
  useEffect(() => {
    import("./ui/share.tsx").then((part) => setPart(() => part.default), () => {
      tell("A part of the page could not be loaded: reload it.", "bad");
      onClose();
    });
  }, []);
  return Part ? <Part onClose={onClose} /> : null;
}

const Unknown = (): JSX.Element => <State symbol="∅" title="There is no such view" text={`The address names “${route.value.view}”.`} action={["Show the fleet", () => go("fleet")]} />;

function focusFilter(): void {
  const field = document.getElementById("tags");
  if (field instanceof HTMLInputElement) {
    field.focus();
    field.select();
  }
}

function Shortcuts({ onClose }: { onClose: () => void }): JSX.Element {
  return (
    <Dialog title="Keyboard" onClose={onClose}>
      <dl class="pairs">{bound().map((one) => <><dt><kbd>{one.keys}</kbd></dt><dd>{one.label}</dd></>)}
        <dt><kbd>j</kbd> <kbd>k</kbd></dt><dd>Next and previous row of a table</dd>
        <dt><kbd>Enter</kbd> <kbd>Esc</kbd></dt><dd>Open, close</dd>
      </dl>
    </Dialog>
  );
}

