// Keeps an answer of the API up to date: asks again every few seconds with its ETag, and changes nothing on screen when nothing changed.
// A hidden tab does not ask. Who is refused for the token is signed out, whichever view asked.

import { useEffect, useRef, useState } from "preact/hooks";
import { type ApiError, errorOf, get, getAll, type Got, type Query } from "./api.ts";
import { signOut, token } from "./session.ts";

export const EVERY_MS = 5_000;
const SLOWEST_MS = 60_000;

export interface Live<T> {
  // The last answer to this question; null before the first.
  data: T | null;
  // Of the last attempt, null when it went well: what is in `data` may be old then.
  error: ApiError | null;
  // When the last answer came (ms), null before the first.
  at: number | null;
  // Of the last answer, for a change under the condition that nobody changed it meanwhile; of a list null.
  etag: string | null;
  refresh: () => void;
}

type Ask<T> = (signal: AbortSignal) => Promise<Got<T>>;

export interface How {
  // Milliseconds between two questions; 0 asks once.
  every?: number;
  // Keeps the answer to the question before until there is one to the new one: for filters, which change what is shown and not what it is of.
  keep?: boolean;
}

// `path` null asks nothing.
export function useLive<T>(path: string | null, query: Query = {}, how: How = {}): Live<T> {
  return useAsked<T>(path === null ? null : JSON.stringify([path, query]), (signal) => get<T>(path as string, query, signal), how);
}

// All pages of a list.
export function useRows<T>(path: string | null, key: string, query: Query = {}, how: How = {}): Live<T[]> {
  return useAsked<T[]>(path === null ? null : JSON.stringify([path, key, query]), (signal) => getAll<T>(path as string, key, query, signal), how);
}

function useAsked<T>(question: string | null, ask: Ask<T>, { every = EVERY_MS, keep = false }: How): Live<T> {
  const [found, setFound] = useState<{ question: string | null; data: T | null; error: ApiError | null; at: number | null; etag: string | null }>({ question, data: null, error: null, at: null, etag: null });
  const [turn, setTurn] = useState(0);
  const asking = useRef(ask);
  asking.current = ask;
  const signedIn = token.value;
  useEffect(() => {
    if (question === null || !signedIn) return;
    const round = new AbortController();
    let timer = 0, failures = 0;
    const next = (): void => {
      clearTimeout(timer);
      if (every && !round.signal.aborted) timer = window.setTimeout(poll, Math.min(every * 2 ** Math.max(0, failures - 1), Math.max(every, SLOWEST_MS)));
    };
    const poll = async (): Promise<void> => {
      if (document.hidden) return next();
      try {
        const { body, etag } = await asking.current(round.signal);
        failures = 0;
        const at = Date.now();
        setFound((before) => (before.question === question && before.data === body && before.error === null ? Object.assign(before, { at }) : { question, data: body, error: null, at, etag }));
      } catch (fault) {
        if (round.signal.aborted) return;
        const error = errorOf(fault);
        if (error.kind === "token") return signOut(`${error.message} Enter another token.`);
        failures = error.kind === "offline" || error.kind === "server" ? Math.min(failures + 1, 4) : failures;
        setFound((before) => ({ question, data: keep || before.question === question ? before.data : null, error, at: keep || before.question === question ? before.at : null, etag: before.question === question ? before.etag : null }));
        if (error.kind === "permission" || error.kind === "input") return;
      }
      next();
    };
    const wake = (): void => { if (!document.hidden) void poll(); };
    void poll();
    document.addEventListener("visibilitychange", wake);
    addEventListener("online", wake);
    return () => {
      round.abort();
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", wake);
      removeEventListener("online", wake);
    };
  }, [question, every, signedIn, turn]);
  const mine = found.question === question ? found : { data: keep ? found.data : null, error: null, at: keep ? found.at : null, etag: null };
  return { data: mine.data, error: mine.error, at: mine.at, etag: mine.etag, refresh: () => setTurn((number) => number + 1) };
}
