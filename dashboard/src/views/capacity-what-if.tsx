// What shall be different from what was seen: sliders, whose values stand in the address.

import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { number, percent } from "../lib/format.ts";
import { route, show } from "../lib/route.ts";

interface Slider {
  name: string; // of the API's parameter
  label: string;
  // From left to right. Without a usual one, the leftmost stands for what is set for each tier.
  values: readonly number[];
  usual?: number;
  text: (value: number) => string;
}

const FACTORS = [0.1, 0.25, 0.5, 0.75, 0.9, 1, 1.1, 1.25, 1.5, 2, 3, 5, 10];
const times = (what: string) => (value: number): string => (value === 1 ? "as seen" : `${number(value)} × ${what}`);
const evenly = (from: number, step: number, count: number): number[] => Array.from({ length: count }, (_, index) => Math.round((from + index * step) * 100) / 100);

const SLIDERS: readonly Slider[] = [
  { name: "arrival_factor", label: "Tasks", values: FACTORS, usual: 1, text: times("as many") },
  { name: "service_factor", label: "Time of a task", values: FACTORS, usual: 1, text: times("as long") },
  { name: "utilization", label: "Agents busy", values: evenly(0.3, 0.05, 14), text: (value) => `${percent(value)} of their time` },
  { name: "headroom", label: "Headroom", values: evenly(1, 0.1, 21), text: (value) => `${number(value)} × the agents` },
  { name: "concurrency", label: "Tasks at a time", values: [1, 2, 3, 4, 5, 6, 8, 10, 12, 16, 24, 32], text: (value) => `${number(value)} an agent` },
];
const PRICE = "agent_usd_per_month";
const SETTLED_MS = 250;

// The parameters of the API that differ from what is usual.
export function whatIf(): Record<string, string> {
  const { query } = route.value;
  const names = [...SLIDERS.map((one) => one.name), PRICE];
  return Object.fromEntries(names.flatMap((name) => (query[name] && Number.isFinite(Number(query[name])) ? [[name, query[name] as string]] : [])));
}

export function WhatIf(): JSX.Element {
  const changed = whatIf();
  const reset = (): void => show(Object.fromEntries([...SLIDERS.map((one) => one.name), PRICE].map((name) => [name, undefined])));
  return (
    <div class="sliders">
      {SLIDERS.map((one) => <OneSlider key={one.name} slider={one} value={changed[one.name]} />)}
      <Price value={changed[PRICE] ?? ""} />
      <div class="slider"><span /><button type="button" class="second" disabled={!Object.keys(changed).length} onClick={reset}>As it is</button></div>
    </div>
  );
}

function OneSlider({ slider, value }: { slider: Slider; value: string | undefined }): JSX.Element {
  const { name, label, usual } = slider;
  const values: readonly (number | null)[] = usual === undefined ? [null, ...slider.values] : slider.values;
  const [place, setPlace] = useState(() => placeOf(values, value, usual));
  const timer = useRef(0), taken = useRef(value);
  // Not when it is drawn first: somebody may have moved it already.
  useEffect(() => {
    if (taken.current !== value) setPlace(placeOf(values, value, usual));
    taken.current = value;
  }, [value]);
  useEffect(() => () => clearTimeout(timer.current), []);
  const chosen = values[place] ?? null;
  const text = chosen === null ? "as set for each tier" : slider.text(chosen);
  const move = (next: number): void => {
    setPlace(next);
    clearTimeout(timer.current);
    const settled = values[next] ?? null;
    timer.current = window.setTimeout(() => show({ [name]: settled === null || settled === usual ? undefined : String(settled) }), SETTLED_MS);
  };
  return (
    <label class="slider"><span>{label}</span>
      <input type="range" aria-label={label} min={0} max={values.length - 1} step={1} value={place} aria-valuetext={text} onInput={(event) => move(event.currentTarget.valueAsNumber)} />
      <output aria-hidden="true">{text}</output>
    </label>
  );
}

// The nearest place on a slider: an address may have any value.
function placeOf(values: readonly (number | null)[], value: string | undefined, usual: number | undefined): number {
  const wanted = value === undefined ? (usual ?? null) : Number(value);
  if (wanted === null) return 0;
  return values.reduce<number>((best, one, place) => (distance(one, wanted) < distance(values[best] ?? null, wanted) ? place : best), values.length - 1);
}

const distance = (one: number | null, wanted: number): number => (one === null ? Infinity : Math.abs(one - wanted));

// Taken on Enter, or when the field is left.
function Price({ value }: { value: string }): JSX.Element {
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => { if (field.current) field.current.value = value; }, [value]);
  const take = (text: string): void => { if (text !== value) show({ [PRICE]: text || undefined }); };
  return (
    <form class="slider" onSubmit={(event) => { event.preventDefault(); take(field.current?.value ?? ""); }}>
      <label class="slider"><span>USD a month an agent</span>
        <input ref={field} type="number" min={0} max={1e9} step="any" placeholder="as set for each tier" defaultValue={value} onBlur={(event) => take(event.currentTarget.value)} />
      </label>
      <output aria-hidden="true">beside its tokens</output>
    </form>
  );
}
