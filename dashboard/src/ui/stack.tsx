// How a whole is made up, as a bar of parts; the words beside it tell the same.

import type { JSX } from "preact";
import type { Health } from "../lib/format.ts";

export interface Part {
  word: string;
  count: number;
  health: Health | "info";
  // Drawn paler: what is still to come.
  faint?: boolean;
}

export function Stack({ parts, label }: { parts: readonly Part[]; label: string }): JSX.Element {
  const total = parts.reduce((sum, part) => sum + part.count, 0) || 1;
  let x = 0;
  return (
    <svg class="stack" viewBox={`0 0 ${total} 1`} preserveAspectRatio="none" role="img" aria-label={label}>
      {parts.filter((part) => part.count).map((part) => {
        const start = x;
        x += part.count;
        return <rect key={part.word} x={start} width={part.count} height="1" data-health={part.health} data-faint={part.faint ? "" : undefined}><title>{`${part.count} ${part.word}`}</title></rect>;
      })}
    </svg>
  );
}
