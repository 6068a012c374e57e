// Where the connection and the data stand, in a word.

import type { JSX } from "preact";
import { asOf, failure } from "../lib/fleet.ts";
import { utc } from "../lib/format.ts";
import { useNow } from "./basics.tsx";

export const STALE_MS = 60_000; // four missed ticks of the service

export function Link(): JSX.Element {
  const now = useNow(5_000);
  const fault = failure.value?.kind === "input" ? null : failure.value;
  const late = asOf.value !== null && now - asOf.value > STALE_MS;
  const state = fault ? "offline" : asOf.value === null ? "" : late ? "late" : "live";
  const text = fault ? (fault.kind === "offline" ? "Offline, trying again" : "Error, trying again") : { "": "", late: "Data is late", live: "Live" }[state as "" | "late" | "live"];
  return <span id="link" role="status" data-link={state} title={fault ? fault.message : asOf.value === null ? "" : `as of ${utc(asOf.value)}`}>{text}</span>;
}
