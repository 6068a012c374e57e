// For screens on a wall, `?kiosk`: no menu, larger; with `cycle=30` one view after another, each for so many seconds, of those in `views`.

import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import { moment, utc } from "../lib/format.ts";
import { bind } from "../lib/keys.ts";
import { href, kiosk, route } from "../lib/route.ts";
import { VIEWS } from "../views.ts";
import { useNow } from "./basics.tsx";

export const USUAL = ["fleet", "alerts", "topology", "cost"];
const LEAST_S = 5;

export interface Cycle {
  views: string[];
  seconds: number;
}

// What the address wants; null when it stays on one view.
export function cycleOf(search: string): Cycle | null {
  const query = new URLSearchParams(search);
  const known = new Set(VIEWS.filter((one) => !one.under).map((one) => one.name));
  const views = (query.get("views") ?? USUAL.join(",")).split(",").filter((one) => known.has(one));
  const seconds = Number(query.get("cycle"));
  return query.has("kiosk") && seconds > 0 && views.length > 1 ? { views, seconds: Math.max(LEAST_S, seconds) } : null;
}

export function Wall({ label }: { label: string }): JSX.Element {
  const now = useNow(1_000);
  useEffect(() => bind([{ keys: "Escape", label: "Leave the wall screen", run: leave }]), []);
  useEffect(() => {
    const cycle = kiosk.value ? cycleOf(location.search) : null;
    if (!cycle) return;
    const timer = setInterval(() => {
      const next = cycle.views[(cycle.views.indexOf(route.value.view) + 1) % cycle.views.length] as string;
      // In place of the one before: a day on a wall is no history.
      location.replace(href(next));
    }, cycle.seconds * 1_000);
    return () => clearInterval(timer);
  }, []);
  return (
    <>
      <b class="wall-view">{label}</b>
      <time class="wall-time" dateTime={new Date(now).toISOString()} title={utc(now)}>{moment(now)}</time>
      <button type="button" class="quiet" onClick={leave}>Leave</button>
    </>
  );
}

function leave(): void {
  const query = new URLSearchParams(location.search);
  for (const key of ["kiosk", "cycle", "views"]) query.delete(key);
  const text = query.toString();
  const { view, args, query: own } = route.value;
  const [, hash = ""] = href(view, args, { ...own, kiosk: undefined }).split("#");
  location.assign(`${location.pathname}${text ? `?${text}` : ""}#${hash}`);
}
