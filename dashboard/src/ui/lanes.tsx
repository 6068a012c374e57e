// What lasted from when to when, a lane each: alerts of an incident, episodes of a rule.

import type { JSX } from "preact";
import { moment, shortMoment, utc } from "../lib/format.ts";

export interface Bar {
  start: number; // ms
  end: number | null; // null goes on
  tone: "critical" | "warning" | "info";
  title: string;
}

export interface Lane {
  id: string;
  label: string;
  bars: readonly Bar[];
}

interface Props {
  label: string;
  start: number; // ms
  end: number;
  lanes: readonly Lane[];
  // Lanes can be chosen when given.
  chosen?: string;
  onChoose?: (id: string) => void;
}

const WIDE = 1_000;
const THIN = 3;

export function Lanes({ label, start, end, lanes, chosen, onChoose }: Props): JSX.Element {
  return (
    <div class="lanes" role="group" aria-label={label}>
      {lanes.map((lane) => (
        <div key={lane.id} class="lane">
          {onChoose
            ? <button type="button" class="quiet" aria-pressed={lane.id === chosen} title={lane.label} onClick={() => onChoose(lane.id)}>{lane.label}</button>
            : <span title={lane.label}>{lane.label}</span>}
          <svg viewBox={`0 0 ${WIDE} 16`} preserveAspectRatio="none" role="img" aria-label={lane.bars.map((bar) => bar.title).join("; ") || "nothing"}>
            <rect class="rail" y="7" width={WIDE} height="2" />
            {lane.bars.map((bar) => <Strip key={`${bar.start} ${bar.title}`} bar={bar} start={start} end={end} />)}
          </svg>
        </div>
      ))}
      <div class="lane" aria-hidden="true"><span /><p class="ends"><time title={`${moment(start)} · ${utc(start)}`}>{shortMoment(start)}</time><time title={`${moment(end)} · ${utc(end)}`}>{shortMoment(end)}</time></p></div>
    </div>
  );
}

function Strip({ bar, start, end }: { bar: Bar; start: number; end: number }): JSX.Element {
  const place = (ms: number): number => Math.min(WIDE, Math.max(0, ((ms - start) / Math.max(1, end - start)) * WIDE));
  const from = Math.min(place(bar.start), WIDE - THIN);
  return <rect class="bar" data-tone={bar.tone} x={from} y="2" width={Math.max(THIN, place(bar.end ?? end) - from)} height="12"><title>{bar.title}</title></rect>;
}
