// Shares what is on screen: a link that reads and expires, the same for a wall screen, or a badge.

import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { useAction } from "../lib/actions.tsx";
import { addressOf, send } from "../lib/api.ts";
import { me } from "../lib/me.ts";
import { filter, route } from "../lib/route.ts";
import { type Limits, linkTo, limitsOf } from "../lib/share.ts";
import { VIEWS } from "../views.ts";
import { Choices, Dialog, Time } from "./basics.tsx";
import { USUAL } from "./kiosk.tsx";
import { Secret } from "./secret.tsx";

type Kind = "link" | "wall" | "badge";
const KINDS = [{ value: "link", label: "Link" }, { value: "wall", label: "Wall screen" }, { value: "badge", label: "Badge" }];
const DAY_S = 86_400;
const LIVES: Record<Kind, readonly [number, string][]> = {
  link: [[3_600, "1 hour"], [DAY_S, "1 day"], [7 * DAY_S, "7 days"], [30 * DAY_S, "30 days"]],
  wall: [[DAY_S, "1 day"], [7 * DAY_S, "7 days"], [30 * DAY_S, "30 days"]],
  badge: [[30 * DAY_S, "30 days"], [90 * DAY_S, "90 days"], [366 * DAY_S, "366 days"]],
};
const USUAL_LIFE: Record<Kind, number> = { link: 7 * DAY_S, wall: 30 * DAY_S, badge: 366 * DAY_S };

interface Made {
  token: string;
  expires: string | null;
  path?: string;
}

export default function Share({ onClose }: { onClose: () => void }): JSX.Element {
  const [kind, setKind] = useState<Kind>("link");
  return (
    <Dialog title="Share" onClose={onClose}>
      <Choices label="What to share" value={kind} options={KINDS} onChoose={(value) => setKind(value as Kind)} />
      <Form key={kind} kind={kind} />
    </Dialog>
  );
}

function Form({ kind }: { kind: Kind }): JSX.Element {
  const [life, setLife] = useState(USUAL_LIFE[kind]);
  const [views, setViews] = useState<readonly string[]>(USUAL.filter((name) => VIEWS.some((one) => one.name === name)));
  const [seconds, setSeconds] = useState(30);
  const [made, setMade] = useState<Made | null>(null);
  const { busy, error, run } = useAction();
  const limits = limitsOf(filter.value.tags);
  const make = async (): Promise<void> => {
    const wanted = { tags: limits.tags, expiresIn: life };
    const view = kind === "wall" ? "wall" : route.value.view;
    setMade((await (kind === "badge" ? send<Made>("POST", "api/badges", wanted) : send<Made>("POST", "api/shares", { ...wanted, view }))).body);
  };
  if (made) return <Result kind={kind} made={made} wall={kind === "wall" ? { views, seconds } : null} />;
  return (
    <form class="form sharing" onSubmit={(event) => { event.preventDefault(); void run(make, kind === "badge" ? "The badge is made." : "The link is made."); }}>
      <p class="soft">{WHAT[kind]}</p>
      <Reach limits={limits} />
      {kind === "wall" ? <WallChoice views={views} setViews={setViews} seconds={seconds} setSeconds={setSeconds} /> : null}
      <label><span>Works for</span>
        <select value={life} onChange={(event) => setLife(Number(event.currentTarget.value))}>{LIVES[kind].map(([value, label]) => <option key={value} value={value}>{label}</option>)}</select>
      </label>
      {error ? <p class="fault" role="alert">{error.message}</p> : null}
      <div class="buttons"><button type="submit" disabled={busy || (kind === "wall" && !views.length)}>{kind === "badge" ? "Make a badge" : "Make a link"}</button></div>
    </form>
  );
}

const WHAT: Record<Kind, string> = {
  link: "Whoever has the link sees this view, and can open the others. It changes nothing.",
  wall: "The same link without menu and in large, one view after another. Esc leaves.",
  badge: "A small picture of how the agents stand, for a README or a wiki. Its address opens nothing else.",
};

// What the link will read, in words.
function Reach({ limits }: { limits: Limits }): JSX.Element {
  const own = me.value?.tags;
  const pairs = [...(own ? [own] : []), ...Object.entries(limits.tags).map(([key, value]) => `${key}=${value}`)];
  return (
    <>
      <p>It reads: <b>{pairs.length ? `agents with ${pairs.join(", ")}` : "the whole workspace"}</b>.</p>
      {limits.rest.length ? <p class="notice">Only tags of the form key=value can limit it: {limits.rest.join(", ")} narrows what is shown at first, not what can be read.</p> : null}
    </>
  );
}

interface WallProps {
  views: readonly string[];
  setViews: (views: readonly string[]) => void;
  seconds: number;
  setSeconds: (seconds: number) => void;
}

function WallChoice({ views, setViews, seconds, setSeconds }: WallProps): JSX.Element {
  const toggle = (name: string): void => setViews(VIEWS.map((one) => one.name).filter((one) => (one === name ? !views.includes(name) : views.includes(one))));
  return (
    <>
      <fieldset class="checks"><legend>Views</legend>
        {VIEWS.filter((one) => !one.under).map((one) => <label key={one.name}><input type="checkbox" checked={views.includes(one.name)} onChange={() => toggle(one.name)} /> {one.label}</label>)}
      </fieldset>
      <label><span>Each for, seconds</span><input type="number" min={5} max={3600} required value={seconds} onInput={(event) => setSeconds(Number(event.currentTarget.value))} /></label>
    </>
  );
}

function Result({ kind, made, wall }: { kind: Kind; made: Made; wall: { views: readonly string[]; seconds: number } | null }): JSX.Element {
  const url = kind === "badge" ? addressOf(made.path ?? "", {}).href : linkTo(made.token, wall);
  return (
    <div class="sharing">
      {kind === "badge" ? <p><img src={url} alt="How the agents stand now" height={20} /></p> : null}
      <Secret label={kind === "badge" ? "Address" : "Link"} text={url} />
      {kind === "badge" ? <Secret label="Markdown" text={`![agents](${url})`} /> : null}
      <p class="soft">Works until <Time at={made.expires} />. It is shown this once. Who may manage tokens finds it among them, and revokes it there.</p>
    </div>
  );
}
