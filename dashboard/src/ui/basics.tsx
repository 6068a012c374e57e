// Small parts that every view uses.

import type { ComponentChildren, JSX } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { type Health, MISSING, SYMBOL, duration, moment, since, time, utc } from "../lib/format.ts";

// A colour of health, always with its shape.
export function HealthMark({ status, word = false }: { status: Health; word?: boolean }): JSX.Element {
  return (
    <span class="mark" data-health={status}>
      <span class="symbol" aria-hidden={word}>{SYMBOL[status]}</span>
      {word ? ` ${status}` : <span class="unseen">{status}</span>}
    </span>
  );
}

export type Tone = "good" | "warn" | "bad" | "idle" | "info";
const TONES: Record<Tone, [Health | "info", string]> = { good: ["green", "●"], warn: ["yellow", "▲"], bad: ["red", "■"], idle: ["grey", "○"], info: ["info", "◆"] };

// A state in a word, with a colour and a shape.
export function Badge({ tone, children, title }: { tone: Tone; children: ComponentChildren; title?: string }): JSX.Element {
  const [health, symbol] = TONES[tone] ?? TONES.idle; // a newer API may name states that this page does not know
  return <span class="badge" data-health={health} title={title}><span class="symbol" aria-hidden="true">{symbol}</span> {children}</span>;
}

// The colour and shape alone, the word for who does not see them: where there is no room.
export function Mark({ tone, word }: { tone: Tone; word: string }): JSX.Element {
  const [health, symbol] = TONES[tone];
  return <span class="mark" data-health={health} title={word}><span class="symbol" aria-hidden="true">{symbol}</span><span class="unseen">{word}</span></span>;
}

// A moment in the viewer's zone, in UTC on hover.
export function Time({ at }: { at: string | number | null | undefined }): JSX.Element {
  const ms = time(at);
  return ms === null ? <span class="soft">{MISSING}</span> : <time dateTime={new Date(ms).toISOString()} title={utc(ms)}>{moment(ms)}</time>;
}

// How long ago, kept true; the moment itself on hover.
export function Ago({ at, suffix = " ago" }: { at: string | number | null | undefined; suffix?: string }): JSX.Element {
  const now = useNow(10_000);
  const ms = time(at);
  if (ms === null) return <span class="soft">{MISSING}</span>;
  return <time dateTime={new Date(ms).toISOString()} title={`${moment(ms)} · ${utc(ms)}`}>{ms > now + 1_000 ? `in ${duration((ms - now) / 1000)}` : `${since(ms, now)}${suffix}`}</time>;
}

// The time, drawn anew every so many milliseconds.
export function useNow(every: number): number {
  const [, setNow] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => { if (!document.hidden) setNow(Date.now()); }, every);
    return () => clearInterval(timer);
  }, [every]);
  return Date.now();
}

export interface StatProps {
  label: string;
  value: ComponentChildren;
  note?: ComponentChildren;
  tone?: Tone;
  title?: string;
}

// One number that stands for itself.
export function Stat({ label, value, note, tone, title }: StatProps): JSX.Element {
  return (
    <div class="stat" data-tone={tone} title={title}>
      <dt>{label}</dt>
      <dd>{value}</dd>
      {note !== undefined && note !== "" ? <dd class="note">{note}</dd> : null}
    </div>
  );
}

export function Stats({ children, label }: { children: ComponentChildren; label?: string }): JSX.Element {
  return <dl class="stats" aria-label={label}>{children}</dl>;
}

export function Panel({ title, aside, children, id }: { title?: ComponentChildren; aside?: ComponentChildren; children: ComponentChildren; id?: string }): JSX.Element {
  return (
    <section class="panel" id={id}>
      {title || aside ? <header><h2>{title}</h2>{aside ? <div class="aside">{aside}</div> : null}</header> : null}
      {children}
    </section>
  );
}

export interface Choice {
  value: string;
  label: ComponentChildren;
  href?: string;
}

// One of a few, as a row of buttons or links.
export function Choices({ label, options, value, onChoose }: { label: string; options: readonly Choice[]; value: string; onChoose?: (value: string) => void }): JSX.Element {
  return (
    <div class="choices" role="group" aria-label={label}>
      {options.map((one) =>
        one.href
          ? <a key={one.value} href={one.href} aria-current={one.value === value ? "true" : undefined}>{one.label}</a>
          : <button key={one.value} type="button" aria-pressed={one.value === value} onClick={() => onChoose?.(one.value)}>{one.label}</button>)}
    </div>
  );
}

// Tags as chips; pressing one filters by it when `onPick` is given.
export function Tags({ tags, onPick }: { tags: Record<string, string>; onPick?: (pair: string) => void }): JSX.Element {
  return (
    <span class="tags">
      {Object.entries(tags).map(([key, value]) => {
        const pair = `${key}=${value}`;
        return onPick
          ? <button key={key} type="button" class="chip" onClick={() => onPick(pair)}>{pair}</button>
          : <span key={key} class="chip">{pair}</span>;
      })}
    </span>
  );
}

// A bar of how much of something is used; beyond all of it the bar is full and the words tell.
export function Meter({ share, tone, label }: { share: number | null; tone: Tone; label: string }): JSX.Element {
  const percent = share === null ? 0 : Math.min(100, Math.max(0, share * 100));
  return (
    <svg class="meter" viewBox="0 0 100 6" preserveAspectRatio="none" role="img" aria-label={label} data-tone={tone}>
      <rect class="rail" width="100" height="6" /><rect class="fill" width={percent} height="6" />
    </svg>
  );
}

// A dialog of the browser's own: focus stays inside, Escape closes it.
export function Dialog({ title, children, onClose, wide = false }: { title: string; children: ComponentChildren; onClose: () => void; wide?: boolean }): JSX.Element {
  const node = useRef<HTMLDialogElement>(null);
  useLayoutEffect(() => {
    const before = document.activeElement;
    node.current?.showModal();
    // While the dialog is there nothing outside of it can have the focus.
    return () => { if (before instanceof HTMLElement) queueMicrotask(() => before.focus()); };
  }, []);
  return (
    <dialog ref={node} class={wide ? "wide" : undefined} aria-label={title} onClose={onClose} onClick={(event) => { if (event.target === node.current) node.current?.close(); }}>
      <div class="inside">
        <header><h2>{title}</h2><button type="button" class="quiet" aria-label="Close" onClick={() => node.current?.close()}>✕</button></header>
        {children}
      </div>
    </dialog>
  );
}

// JSON for reading.
export function Json({ value }: { value: unknown }): JSX.Element {
  return <pre class="json">{JSON.stringify(value, null, 2)}</pre>;
}
