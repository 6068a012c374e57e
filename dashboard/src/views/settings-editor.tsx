// Edits a document as JSON: every fault by its path, what changes before it is saved, and nothing written over unseen. What is typed stays
// until it is saved or dropped, also when somebody looks at another view meanwhile.

import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { useAction } from "../lib/actions.tsx";
import { type ApiError, send } from "../lib/api.ts";
import { placeOf } from "../lib/jsonplace.ts";
import { useLive } from "../lib/live.ts";
import { Panel } from "../ui/basics.tsx";
import { Diff } from "../ui/diff.tsx";
import { Loaded } from "../ui/states.tsx";
import type { Doc } from "./settings-documents.ts";

interface Version {
  text: string;
  etag: string | null;
}

interface Draft {
  text: string;
  base: Version; // what was there when the edit began
}

const drafts = new Map<string, Draft>();
const EVERY_MS = 15_000;
const written = (value: unknown): string => JSON.stringify(value, null, 2);

export function Editor({ doc }: { doc: Doc }): JSX.Element {
  const live = useLive<unknown>(`api/${doc.name}`, {}, { every: EVERY_MS });
  return (
    <Panel title={doc.label}>
      <p class="soft">{doc.about}</p>
      <Loaded live={live} what={`“${doc.label}”`}>{(value) => <Text doc={doc} there={{ text: written(value), etag: live.etag }} refresh={live.refresh} />}</Loaded>
    </Panel>
  );
}

function Text({ doc, there, refresh }: { doc: Doc; there: Version; refresh: () => void }): JSX.Element {
  const [draft, keep] = useState<Draft | null>(drafts.get(doc.name) ?? null);
  const field = useRef<HTMLTextAreaElement>(null);
  const { busy, error, run } = useAction();
  const setDraft = (next: Draft | null): void => {
    next ? drafts.set(doc.name, next) : drafts.delete(doc.name);
    keep(next);
  };
  const text = draft?.text ?? there.text;
  const parsed = parse(text);
  const base = draft?.base ?? there;
  const changed = draft !== null && text !== base.text;
  const theirs = draft !== null && there.text !== draft.base.text;
  const save = async (): Promise<void> => {
    const headers: Record<string, string> = base.etag ? { "If-Match": base.etag } : {};
    await send("PUT", `api/${doc.name}`, parsed.value, headers);
    setDraft(null);
  };
  // Whoever was too late sees what was there first.
  useEffect(() => { if (error?.kind === "conflict") refresh(); }, [error]);
  const type = (value: string): void => setDraft({ text: value, base });
  return (
    <>
      {theirs ? <Meanwhile draft={draft} there={there} onDrop={() => setDraft(null)} onOver={() => setDraft({ text, base: there })} /> : null}
      <textarea ref={field} class="code" aria-label={`${doc.label}, JSON`} aria-invalid={parsed.fault !== ""} spellcheck={false} rows={Math.min(28, Math.max(8, text.split("\n").length + 1))} value={text} onInput={(event) => type(event.currentTarget.value)} />
      {parsed.fault ? <p class="fault" role="alert">{parsed.fault}</p> : null}
      {error && draft && error.kind !== "conflict" ? <Faults error={error} onGo={(path) => mark(field.current, text, path)} /> : null}
      <div class="buttons">
        <button type="button" disabled={busy || !changed || parsed.fault !== "" || theirs} onClick={() => void run(save, `Saved: ${doc.label}.`, refresh)}>Save</button>
        {draft ? <button type="button" class="second" onClick={() => setDraft(null)}>Drop my changes</button> : null}
        {there.text === "{}" && !draft && doc.example ? <button type="button" class="second" onClick={() => type(written(doc.example))}>Begin with an example</button> : null}
      </div>
      {changed && !parsed.fault && !theirs ? <><h3>What changes</h3><Diff before={base.text} after={written(parsed.value)} label="What changes" /></> : null}
    </>
  );
}

function Meanwhile({ draft, there, onDrop, onOver }: { draft: Draft; there: Version; onDrop: () => void; onOver: () => void }): JSX.Element {
  return (
    <section class="notice meanwhile" role="alert">
      <p><b>Somebody else changed this while you were editing.</b> Your text below is kept, and not saved. What they changed:</p>
      <Diff before={draft.base.text} after={there.text} label="What they changed" />
      <div class="buttons">
        <button type="button" class="second" onClick={onOver}>Go on with my text, and see what of theirs it takes back</button>
        <button type="button" class="second" onClick={onDrop}>Take theirs, and drop mine</button>
      </div>
    </section>
  );
}

// Every fault, with a way to its place in the text.
function Faults({ error, onGo }: { error: ApiError; onGo: (path: string) => void }): JSX.Element {
  const faults = error.faults.length ? error.faults : [{ path: error.field ?? "", message: error.message }];
  return (
    <div role="alert">
      <p class="fault">Nothing was saved.</p>
      <ul class="faults">{faults.map((one, index) => <li key={index} class="fault">{one.path ? <><button type="button" class="quiet" onClick={() => onGo(one.path)}>{one.path}</button>: </> : null}{one.message}</li>)}</ul>
    </div>
  );
}

function mark(field: HTMLTextAreaElement | null, text: string, path: string): void {
  const place = placeOf(text, path);
  field?.focus();
  if (place) field?.setSelectionRange(...place);
}

function parse(text: string): { value: unknown; fault: string } {
  try {
    const value: unknown = JSON.parse(text);
    return value && typeof value === "object" && !Array.isArray(value) ? { value, fault: "" } : { value, fault: "It must be a JSON object: { … }." };
  } catch (error) {
    return { value: null, fault: `No JSON yet: ${error instanceof Error ? error.message : String(error)}` };
  }
}
