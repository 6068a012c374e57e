// Chooses the range of time of a view.

import type { JSX } from "preact";
import { RANGES, type Range } from "../lib/range.ts";
import { duration } from "../lib/format.ts";
import { Choices } from "./basics.tsx";

export function RangeChoice({ range, ranges = RANGES }: { range: Range; ranges?: readonly string[] }): JSX.Element {
  const options = ranges.map((name) => ({ value: name, label: name }));
  const shown = range.name === "" ? [...options, { value: "", label: `${duration(range.length / 1000)} chosen` }] : options;
  return <Choices label="Range of time" value={range.name} options={shown} onChoose={(name) => { if (name) range.choose(name); }} />;
}
