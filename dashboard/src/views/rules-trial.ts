// Checks a rule as it is written, and replays it on what is stored, shortly after the typing ends.

import { useEffect, useRef, useState } from "preact/hooks";
import { type ApiError, errorOf, send } from "../lib/api.ts";
import type { RuleDocument } from "./rules-store.ts";

export interface Episode {
  series: Record<string, string>;
  severity: string;
  since: string;
  fired: string;
  resolved: string | null;
  value: number | null;
  threshold: number | null;
  reason: string;
  coarse: boolean;
  toPage: { tokens: number | null; usd: number | null };
  inAll: { tokens: number | null; usd: number | null };
}

export interface Backtest {
  rule: string;
  start: string;
  end: string;
  minutesFrom: string;
  stepMinutes: number;
  total: number;
  episodes: Episode[];
  notes: string[];
  picture: { step: number; lines: { series: Record<string, string>; points: [number, number | null, number | null][] }[] } | null;
}

export interface Fault {
  path: string;
  reason: string;
}

export interface Written {
  document: RuleDocument | null;
  // Why it is no JSON object.
  fault: string;
}

export function read(text: string): Written {
  try {
    const found: unknown = JSON.parse(text);
    if (found && typeof found === "object" && !Array.isArray(found)) return { document: found as RuleDocument, fault: "" };
    return { document: null, fault: "A rule is an object: { … }." };
  } catch (error) {
    return { document: null, fault: `This is no JSON: ${error instanceof Error ? error.message : String(error)}` };
  }
}

export interface Trial<T> {
  // The last answer, of an older text while `busy`.
  found: T | null;
  error: ApiError | null;
  busy: boolean;
}

// Asks when `question` has stayed the same for `rest` milliseconds; null asks nothing. An answer to an older question is dropped.
export function useTrial<T>(question: string | null, path: string, rest: number): Trial<T> {
  const [state, setState] = useState<Trial<T> & { question: string | null }>({ question: null, found: null, error: null, busy: false });
  const newest = useRef<string | null>(null);
  newest.current = question;
  useEffect(() => {
    if (question === null) return;
    const finish = (found: T | null, error: ApiError | null): void => {
      if (newest.current === question) setState((before) => ({ question, found: found ?? (error ? null : before.found), error, busy: false }));
    };
    const timer = window.setTimeout(() => {
      setState((before) => ({ ...before, busy: true }));
      send<T>("POST", path, JSON.parse(question)).then(({ body }) => finish(body, null), (fault: unknown) => finish(null, errorOf(fault)));
    }, rest);
    return () => clearTimeout(timer);
  }, [question, path, rest]);
  return question === null ? { found: null, error: null, busy: false } : { ...state, busy: state.busy || state.question !== question };
}

// Where in a text the value stands that a path (`when.baseline.of`, `overrides[0].above`) means: from and to, for selecting it.
export function placeOf(text: string, path: string): [number, number] | null {
  let from = 0, found: [number, number] | null = null;
  for (const key of path.split(/[.[\]]+/).filter((part) => part && !/^\d+$/.test(part))) {
    const match = new RegExp(`"${key.replace(/[^\w-]/g, "\\$&")}"\\s*:\\s*`).exec(text.slice(from));
    if (!match) return found;
    found = [from + match.index, from + match.index + match[0].length];
    from = found[1];
  }
  return found;
}
