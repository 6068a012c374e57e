// Things that change something: run once, tell how it went, and have the views ask anew.

import { signal } from "@preact/signals";
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { type ApiError, errorOf } from "./api.ts";

interface Toast {
  id: number;
  tone: "good" | "bad";
  text: string;
}

export const toasts = signal<readonly Toast[]>([]);
const STAYS_MS = 8_000;
let count = 0;

export function tell(text: string, tone: "good" | "bad" = "good"): void {
  const id = ++count;
  toasts.value = [...toasts.value.slice(-3), { id, tone, text }];
  setTimeout(() => { toasts.value = toasts.value.filter((one) => one.id !== id); }, STAYS_MS);
}

export interface Acting {
  busy: boolean;
  error: ApiError | null;
  // Runs it unless something runs; true when it went well. `done` is told to the user, unless it is empty: `work` told by itself.
  run: (work: () => Promise<unknown>, done: string, after?: () => void) => Promise<boolean>;
}

export function useAction(): Acting {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<ApiError | null>(null);
  const run: Acting["run"] = async (work, done, after) => {
    if (busy) return false;
    setBusy(true);
    setError(null);
    try {
      await work();
      if (done) tell(done);
      after?.();
      return true;
    } catch (fault) {
      const found = errorOf(fault);
      setError(found);
      tell(found.kind === "permission" ? `${found.message} Sign in with a token that may.` : found.message, "bad");
      return false;
    } finally {
      setBusy(false);
    }
  };
  return { busy, error, run };
}

export function Toasts(): JSX.Element {
  return (
    <div class="toasts" role="status" aria-live="polite">
      {toasts.value.map((one) => <p key={one.id} data-tone={one.tone}>{one.text}</p>)}
    </div>
  );
}
