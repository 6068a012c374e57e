// Groups by any tags: the field that names them, and what a group is called.

import type { JSX, TargetedInputEvent } from "preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";
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
  // Not when it is drawn first: somebody may type already.
  const taken = useRef(value);
  useEffect(() => {
    if (taken.current !== value) setText(value);
    taken.current = value;
  }, [value]);
  const apply = (by = text): void => onChoose(by.split(",").map((key) => key.trim()).filter(Boolean).join(","));
  // What is picked from the list is complete; what is typed is not until Enter, or until the field is left.
  const edit = (event: TargetedInputEvent<HTMLInputElement>): void => {
    setText(event.currentTarget.value);
    if (event.inputType === undefined || event.inputType === "insertReplacementText") apply(event.currentTarget.value);
  };
  return (
    <form class="field by" onSubmit={(event) => { event.preventDefault(); apply(); }}>
      <label class="field"><span>{label}</span>
        <input type="text" list={list} size={16} maxLength={200} spellcheck={false} autoCapitalize="off" autoComplete="off" placeholder="tier,model" value={text} onInput={edit} onBlur={() => apply()} />
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
