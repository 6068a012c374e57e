// The fleet's filter: a selector and a tag to group by. It stands in the address and holds for every view.

import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { failure, known } from "../lib/fleet.ts";
import { filter, narrow } from "../lib/route.ts";

const TYPING_MS = 300;

export function FilterBar(): JSX.Element {
  const { tags, by } = filter.value;
  const [text, setText] = useState(tags);
  const timer = useRef(0);
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => { if (document.activeElement !== field.current || !tags) setText(tags); }, [tags]);
  const apply = (value: string): void => {
    clearTimeout(timer.current);
    narrow({ tags: value.trim() });
  };
  const wrong = failure.value?.kind === "input" ? failure.value.message : "";
  const { keys, pairs } = known.value;
  return (
    <form id="filters" role="search" onSubmit={(event) => { event.preventDefault(); apply(text); }}>
      <label class="field grow"><span>Tags</span>
        <input ref={field} id="tags" type="search" list="known-tags" placeholder="env=prod,tier!=batch" spellcheck={false} autoCapitalize="off" autoComplete="off" maxLength={1024} value={text}
          aria-describedby="tags-error" aria-invalid={Boolean(wrong)} aria-keyshortcuts="/" onInput={(event) => {
            const value = event.currentTarget.value;
            setText(value);
            clearTimeout(timer.current);
            timer.current = window.setTimeout(() => apply(value), TYPING_MS);
          }} />
        <kbd aria-hidden="true">/</kbd>
      </label>
      <datalist id="known-tags">{pairs.map((pair) => <option key={pair} value={pair}>{pair}</option>)}</datalist>
      <label class="field"><span>Group by</span>
        <select id="by" value={by} onChange={(event) => narrow({ by: event.currentTarget.value })}>
          <option value="">nothing</option>
          {(by && !keys.includes(by) ? [...keys, by] : keys).map((key) => <option key={key} value={key}>{key}</option>)}
        </select>
      </label>
      {wrong ? <p id="tags-error" class="notice error" role="alert">The filter is not valid: {wrong}</p> : null}
    </form>
  );
}
