// The kinds of errors: the most frequent first, new ones marked.

import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { number, plural } from "../lib/format.ts";
import { useRows } from "../lib/live.ts";
import { type Range, rangeInAddress, useRange } from "../lib/range.ts";
import { filter, href, route, show } from "../lib/route.ts";
import { Choices, Panel } from "../ui/basics.tsx";
import { RangeChoice } from "../ui/range.tsx";
import { SeriesChart } from "../ui/series.tsx";
import { Loaded } from "../ui/states.tsx";
import { ErrorTable, type Kind } from "../ui/work.tsx";

const EVERY_MS = 15_000;
const TYPING_MS = 300;
const PER_MINUTE = 60; // the API's rates are of a second

export function ErrorList(): JSX.Element {
  const range = useRange();
  const { q = "", agent, new: fresh } = route.value.query;
  const tags = filter.value.tags;
  const found = useRows<Kind>("api/errors", "errors", { tags, agent, q, new: fresh ? true : undefined, ...range.query }, { every: EVERY_MS, keep: true });
  return (
    <>
      <div class="bar over">
        <div class="bar">
          <Choices label="Which kinds" value={fresh ? "new" : "all"} options={[{ value: "all", label: "All kinds" }, { value: "new", label: "New ones" }]} onChoose={(name) => show({ new: name === "new" ? "1" : undefined })} />
          <Search text={q} />
          {agent ? <button type="button" class="chip" aria-label={`Only of the agent ${agent}; press for all agents`} onClick={() => show({ agent: undefined })}>agent {agent} ✕</button> : null}
        </div>
        <RangeChoice range={range} />
      </div>
      <Failures tags={[tags, agent ? `agent=${agent}` : ""].filter(Boolean).join(",")} range={range} />
      <Loaded live={found} what="the errors">
        {(kinds) => (
          <Panel title={titleOf(kinds)}>
            <ErrorTable kinds={kinds} query={{ ...rangeInAddress(), agent }} empty={<Nothing narrowed={Boolean(q || fresh || agent || tags)} />} />
          </Panel>
        )}
      </Loaded>
    </>
  );
}

function titleOf(kinds: readonly Kind[]): string {
  const tasks = kinds.reduce((sum, kind) => sum + kind.count, 0);
  const fresh = kinds.filter((kind) => kind.new).length;
  return `${plural(kinds.length, "kind")} of errors, ${plural(tasks, "failed task")}${fresh ? `, ${number(fresh)} new` : ""}`;
}

const Failures = ({ tags, range }: { tags: string; range: Range }): JSX.Element => (
  <Panel><SeriesChart title="Failed tasks" unit="per_minute" tags={tags} range={range} times={PER_MINUTE} height={120} wanted={FAILED} /></Panel>
);
const FAILED = [{ metric: "task.failed", aggregation: "rate", name: "failed", color: "red" }] as const;

// Words that must all occur in type or message.
function Search({ text }: { text: string }): JSX.Element {
  const [value, setValue] = useState(text);
  const timer = useRef(0);
  useEffect(() => setValue(text), [text]);
  useEffect(() => () => clearTimeout(timer.current), []);
  return (
    <label class="field"><span>Words</span>
      <input type="search" value={value} maxLength={256} placeholder="timeout" onInput={(event) => {
        const words = event.currentTarget.value;
        setValue(words);
        clearTimeout(timer.current);
        timer.current = window.setTimeout(() => show({ q: words.trim() || undefined }), TYPING_MS);
      }} />
    </label>
  );
}

const Nothing = ({ narrowed }: { narrowed: boolean }): JSX.Element =>
  narrowed ? <>No failed task fits. <a href={href("errors")}>Show all kinds</a>, or choose a longer range.</> : <>No task failed in this range.</>;
