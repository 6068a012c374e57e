// The text of a rule, and everything that is wrong with it: pressing a fault shows where.

import type { JSX } from "preact";
import { useRef } from "preact/hooks";
import { plural } from "../lib/format.ts";
import { addressOf } from "../lib/api.ts";
import { Badge } from "../ui/basics.tsx";
import { type Fault, type Trial, type Written, placeOf } from "./rules-trial.ts";

interface Props {
  text: string;
  onText: (text: string) => void;
  written: Written;
  checked: Trial<{ faults: Fault[] }>;
}

export function RuleText({ text, onText, written, checked }: Props): JSX.Element {
  const field = useRef<HTMLTextAreaElement>(null);
  const faults = written.document ? (checked.found?.faults ?? []) : [];
  const wrong = written.fault !== "" || faults.length > 0 || checked.error !== null;
  const select = (path: string): void => {
    const place = placeOf(text, path);
    field.current?.focus();
    if (place) field.current?.setSelectionRange(...place);
  };
  return (
    <>
      <label><span class="unseen">The rule as JSON</span>
        <textarea ref={field} rows={Math.min(40, Math.max(12, text.split("\n").length + 1))} value={text} spellcheck={false} autoCapitalize="off" aria-invalid={wrong} aria-describedby="faults" onInput={(event) => onText(event.currentTarget.value)} />
      </label>
      <div id="faults" role="status" class="verdict">
        {written.fault ? <p class="fault">{written.fault}</p> : checked.error ? <p class="fault">{checked.error.message}</p> : null}
        {faults.map((fault) => <p key={`${fault.path} ${fault.reason}`} class="fault">{fault.path ? <><button type="button" class="quiet" title="Show where" onClick={() => select(fault.path)}>{fault.path}</button> </> : null}{fault.reason}</p>)}
        {wrong ? null : checked.busy || !checked.found ? <span class="soft">Checking…</span> : <Badge tone="good">sound</Badge>}
        {faults.length ? <span class="soft">{plural(faults.length, "fault")}</span> : null}
        {" "}<a class="hint" href={addressOf("api/rules/schema.json", {}).href} target="_blank" rel="noreferrer">What a rule may say (JSON Schema)</a>
      </div>
    </>
  );
}
