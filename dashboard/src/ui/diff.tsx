// Two texts line by line: what one has more than the other, in colour and with a sign.

import type { JSX } from "preact";

export interface Line {
  sign: " " | "+" | "−";
  text: string;
}

const MOST = 2_000;

// By the longest common run of lines; beyond `MOST` lines as a whole.
export function diffLines(before: string, after: string): Line[] {
  const [old, fresh] = [before.split("\n"), after.split("\n")];
  if (old.length > MOST || fresh.length > MOST) return [...old.map((text): Line => ({ sign: "−", text })), ...fresh.map((text): Line => ({ sign: "+", text }))];
  const longest = Array.from({ length: old.length + 1 }, () => new Uint16Array(fresh.length + 1));
  for (let i = old.length - 1; i >= 0; i--) for (let j = fresh.length - 1; j >= 0; j--) {
    const [row, next] = [longest[i] as Uint16Array, longest[i + 1] as Uint16Array];
    row[j] = old[i] === fresh[j] ? (next[j + 1] as number) + 1 : Math.max(next[j] as number, row[j + 1] as number);
  }
  const lines: Line[] = [];
  let i = 0, j = 0;
  while (i < old.length || j < fresh.length) {
    if (i < old.length && j < fresh.length && old[i] === fresh[j]) {
      lines.push({ sign: " ", text: old[i++] as string });
      j++;
    } else if (j < fresh.length && (i >= old.length || (longest[i]?.[j + 1] ?? 0) > (longest[i + 1]?.[j] ?? 0))) {
      lines.push({ sign: "+", text: fresh[j++] as string });
    } else {
      lines.push({ sign: "−", text: old[i++] as string });
    }
  }
  return lines;
}

const WORDS = { " ": "", "+": "added", "−": "removed" };

export function Diff({ before, after, label }: { before: string; after: string; label: string }): JSX.Element {
  const lines = diffLines(before, after);
  if (lines.every((line) => line.sign === " ")) return <p class="nothing">No difference.</p>;
  return (
    <pre class="diff json" aria-label={label}>
      {lines.map((line, index) => (
        <span key={index} data-sign={line.sign}><span aria-hidden="true">{line.sign} </span><span class="unseen">{WORDS[line.sign]} </span>{line.text}{"\n"}</span>
      ))}
    </pre>
  );
}

// A JSON value as text whose lines can be compared: keys in order.
export function sortedJson(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) =>
    part && typeof part === "object" && !Array.isArray(part) ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1))) : part, 2) ?? "";
}
