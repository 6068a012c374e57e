// Where the connection and the data stand, in a word.

import type { JSX } from "preact";
import { type Summary, asOf, failure } from "../lib/fleet.ts";
import { time, utc } from "../lib/format.ts";
import { useLive } from "../lib/live.ts";
import { route } from "../lib/route.ts";
import { useNow } from "./basics.tsx";

export const STALE_MS = 60_000; // four missed ticks of the service

const ELSEWHERE_MS = 15_000;

export function Link(): JSX.Element {
  const now = useNow(5_000);
  // The fleet asks by itself; other views do not know how old the fleet's figures are.
  const shown = route.value.view === "fleet";
  const summary = useLive<Summary>(shown ? null : "api/dashboard/summary", {}, { every: ELSEWHERE_MS });
  const failed = shown ? failure.value : summary.error;
  const made = shown ? asOf.value : time(summary.data?.asOf);
  const fault = failed?.kind === "input" || failed?.kind === "permission" ? null : failed;
  const late = made !== null && now - made > STALE_MS;
  const state = fault ? "offline" : made === null ? "" : late ? "late" : "live";
  const text = fault ? (fault.kind === "offline" ? "Offline, trying again" : "Error, trying again") : { "": "", late: "Data is late", live: "Live" }[state as "" | "late" | "live"];
  return <span id="link" role="status" data-link={state} title={fault ? fault.message : made === null ? "" : `as of ${utc(made)}`}>{text}</span>;
}
