// Groups by any tags: the field that names them, and what a group is called.

import type { JSX } from "preact";
import { useEffect, useId, useState } from "preact/hooks";
import { known } from "../lib/fleet.ts";
import { MISSING } from "../lib/format.ts";

interface Props {
  label?: string;
  value: string;
  // What can be grouped by beside the tags of agents.
  offered?: readonly string[];
  onChoose: (by: string) => void;
}

// Tags, separated by commas; taken when somebody chooses one, leaves the field or presses Enter.
export function ByField({ label = "By", value, offered = [], onChoose }: Props): JSX.Element {
  const [text, setText] = useState(value);
  const list = useId();
  useEffect(() => setText(value), [value]);
  const apply = (): void => onChoose(text.split(",").map((key) => key.trim()).filter(Boolean).join(","));
  return (
    <form class="field by" onSubmit={(event) => { event.preventDefault(); apply(); }}>
      <label class="field"><span>{label}</span>
        <input type="text" list={list} size={16} maxLength={200} spellcheck={false} autoCapitalize="off" autoComplete="off" placeholder="tier,model" value={text} onInput={(event) => setText(event.currentTarget.value)} onChange={apply} />
      </label>
      <datalist id={list}>{[...new Set([...offered, ...known.value.keys])].map((key) => <option key={key} value={key} />)}</datalist>
    </form>
  );
}

// A group's values in the order of `by`.
export function groupName(tags: Record<string, string>, by: string): string {
  const keys = by.split(",").filter(Boolean);
  return keys.length ? keys.map((key) => tags[key] ?? MISSING).join(" · ") : "all";
}
