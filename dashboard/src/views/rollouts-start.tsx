// Starts a rollout: what and for whom, then a plan of it, and only then a button that starts it. What was typed stays until it is started.

import type { ComponentChildren, JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { useAction } from "../lib/actions.tsx";
import { type ApiError, errorOf, send } from "../lib/api.ts";
import { known } from "../lib/fleet.ts";
import { plural } from "../lib/format.ts";
import { placeOf } from "../lib/jsonplace.ts";
import { type Draft, type Faults, type Field, type Planned, bodyOf, emptyDraft, faultsOf, helpFor, whyNot } from "../lib/launch.ts";
import { me } from "../lib/me.ts";
import { filter, go, href } from "../lib/route.ts";
import { Dialog } from "../ui/basics.tsx";
import { State } from "../ui/states.tsx";
import { Plan } from "./rollouts-plan.tsx";

// What `start` in the address says when it names no agents: those of the filter.
export const OF_FILTER = "new";
let kept: Draft | null = null;

interface Refused {
  error: ApiError;
  starting: boolean;
}

export function StartRollout({ start, onClose }: { start: string; onClose: () => void }): JSX.Element {
  const [draft, setDraft] = useState<Draft>(() => {
    if (start === OF_FILTER) return kept ?? emptyDraft(filter.value.tags);
    return kept ? { ...kept, tags: start } : emptyDraft(start);
  });
  const [planned, setPlanned] = useState<Planned | null>(null);
  const [refused, setRefused] = useState<Refused | null>(null);
  const { busy, run } = useAction();
  const ask = async (dryRun: boolean, backup: boolean): Promise<void> => {
    setRefused(null);
    try {
      const { body } = await send<Planned>("POST", "api/rollouts", bodyOf(draft, { dryRun, backup }));
      if (dryRun || !body.rollout) return setPlanned(body);
      kept = null;
      go("rollouts", [body.rollout.id]);
    } catch (error) {
      setRefused({ error: errorOf(error), starting: !dryRun });
      throw error;
    }
  };
  const change = (part: Partial<Draft>): void => {
    kept = { ...draft, ...part };
    setDraft(kept);
  };
  const no = whyNot(me.value);
  return (
    <Dialog title="Start a rollout" onClose={onClose} wide>
      {no ? <State symbol="■" title="This token may not start a rollout" text={no} />
        : planned ? <Planning planned={planned} refused={refused} busy={busy} back={() => { setPlanned(null); setRefused(null); }} start={(backup) => void run(() => ask(false, backup), "The rollout is started.")} />
        : <Form draft={draft} change={change} refused={refused} busy={busy} plan={() => void run(() => ask(true, false), "")} drop={() => { kept = null; setRefused(null); setDraft(emptyDraft("")); }} />}
    </Dialog>
  );
}

interface FormProps {
  draft: Draft;
  change: (part: Partial<Draft>) => void;
  refused: Refused | null;
  busy: boolean;
  plan: () => void;
  drop: () => void;
}

function Form({ draft, change, refused, busy, plan, drop }: FormProps): JSX.Element {
  const [tried, setTried] = useState(false);
  const form = useRef<HTMLFormElement>(null);
  const faults = faultsOf(draft);
  // While somebody has only begun, what is still empty is no fault.
  const shown: Faults = tried ? faults : Object.fromEntries(Object.entries(faults).filter(([field]) => draft[field as Field].trim()));
  const submit = (): void => {
    setTried(true);
    if (Object.keys(faults).length === 0) plan();
    else form.current?.querySelector<HTMLElement>(`[name="${Object.keys(faults)[0]}"]`)?.focus();
  };
  const text = (field: Field): object => ({ name: field, value: draft[field], spellcheck: false, autoComplete: "off", "aria-invalid": Boolean(shown[field]), onInput: (event: { currentTarget: { value: string } }) => change({ [field]: event.currentTarget.value }) });
  return (
    <form ref={form} class="form" noValidate onSubmit={(event) => { event.preventDefault(); submit(); }}>
      <p class="soft">First a plan is made, which changes nothing: who would be in which wave, and what would change.</p>
      <Labelled label="Agents, by their tags" fault={shown.tags}><input {...text("tags")} list="known-tags-here" maxLength={1024} placeholder="env=prod,tier=fast" /></Labelled>
      <datalist id="known-tags-here">{known.value.pairs.map((pair) => <option key={pair} value={pair}>{pair}</option>)}</datalist>
      {draft.tags.trim() ? null : <label class="check"><input type="checkbox" checked={draft.everybody} onChange={(event) => change({ everybody: event.currentTarget.checked })} /> all agents of the workspace</label>}
      <Labelled label="Model, short for model.primary in the patch" fault={shown.model}><input {...text("model")} maxLength={256} placeholder="as it is" /></Labelled>
      <Labelled label="Patch over each agent's document, a JSON merge patch; key+ and key- change lists" fault={shown.patch}><textarea {...text("patch")} class="low" rows={6} placeholder={'{"tools": {"deny+": ["exec"]}}'} /></Labelled>
      <Labelled label="Waves: how many have been told after each, as numbers or shares" fault={shown.waves}><input {...text("waves")} placeholder="as the workspace's policy says, such as 1, 5, 25%, 100%" /></Labelled>
      <Labelled label="Bake: how long each wave runs before its gate judges it" fault={shown.bake}><input {...text("bake")} placeholder="as the workspace's policy says, such as 10m" /></Labelled>
      <details open={Boolean(draft.policy || draft.title)}>
        <summary>Title, and more of the policy</summary>
        <Labelled label="Title; made of the change unless given" fault={shown.title}><input {...text("title")} maxLength={200} /></Labelled>
        <Labelled label="What else goes otherwise than the workspace's policy says, as JSON" fault={shown.policy}><textarea {...text("policy")} class="low" rows={4} placeholder={'{"approve": ["start"], "max_unavailable": "10%"}'} /></Labelled>
      </details>
      {refused ? <Refusal refused={refused} draft={draft} form={form.current} /> : null}
      <div class="buttons"><button type="submit" disabled={busy}>{busy ? "Planning…" : "Show the plan"}</button><button type="button" class="second" onClick={drop}>Clear</button></div>
    </form>
  );
}

function Labelled({ label, fault, children }: { label: string; fault: string | undefined; children: ComponentChildren }): JSX.Element {
  return <label><span>{label}</span>{children}{fault ? <span class="fault" role="alert">{fault}</span> : null}</label>;
}

interface PlanningProps {
  planned: Planned;
  refused: Refused | null;
  busy: boolean;
  back: () => void;
  start: (backup: boolean) => void;
}

function Planning({ planned, refused, busy, back, start }: PlanningProps): JSX.Element {
  const [backup, setBackup] = useState(false);
  const head = useRef<HTMLHeadingElement>(null);
  // Not on the button: a key that is still pressed starts nothing.
  useEffect(() => head.current?.focus(), []);
  const { rollout } = planned;
  const needsBackup = planned.irreversible.length > 0;
  return (
    <div class="planned">
      <h3 ref={head} tabIndex={-1}>{rollout ? "The plan; nothing is started yet" : "Nothing to do"}</h3>
      {rollout ? <Plan planned={planned} rollout={rollout} /> : <p>No agent would change: {plural(planned.unchanged, "agent has", "agents have")} all of it already.</p>}
      {rollout && needsBackup ? <label class="check"><input type="checkbox" checked={backup} onChange={(event) => setBackup(event.currentTarget.checked)} /> There is a backup of these agents</label> : null}
      {refused ? <Refusal refused={refused} /> : null}
      <div class="buttons">
        {rollout ? <button type="button" disabled={busy || (needsBackup && !backup)} onClick={() => start(backup)}>{busy ? "Starting…" : `Start it for ${plural(rollout.members, "agent")}`}</button> : null}
        <button type="button" class="second" onClick={back}>Back</button>
      </div>
    </div>
  );
}

// Of the policy, what has a field of its own.
const OWN_FIELDS: Record<string, Field> = { waves: "waves", bake_s: "bake" };

// Why the API said no, and what helps. With the form: a way to each fault's place in what was typed.
function Refusal({ refused: { error, starting }, draft, form }: { refused: Refused; draft?: Draft; form?: HTMLFormElement | null }): JSX.Element {
  const { text, rollout } = helpFor(error, starting);
  const faults = error.faults.length ? error.faults : [{ path: error.field ?? "", message: error.message }];
  const mark = (path: string): void => {
    const [first = "", ...rest] = path.replace(/\[(\d+)\]/g, ".$1").split(".");
    const field = first === "policy" ? OWN_FIELDS[rest[0] ?? ""] ?? first : first;
    const node = form?.querySelector<HTMLInputElement | HTMLTextAreaElement>(`[name="${CSS.escape(field)}"]`);
    if (!node) return;
    node.closest("details")?.setAttribute("open", "");
    node.focus();
    const place = draft && (field === "patch" || field === "policy") ? placeOf(draft[field], rest.join(".")) : null;
    if (place) node.setSelectionRange(...place);
  };
  const node = useRef<HTMLDivElement>(null);
  useEffect(() => node.current?.scrollIntoView({ block: "nearest" }), [error]);
  return (
    <div ref={node} role="alert">
      <ul class="faults">{faults.map((one, index) => <li key={index} class="fault">{one.path ? form ? <><button type="button" class="quiet" onClick={() => mark(one.path)}>{one.path}</button>: </> : `${one.path}: ` : null}{one.message}</li>)}</ul>
      <p class="soft">{text} {rollout ? <a href={href("rollouts", [rollout])}>Look at {rollout}</a> : starting && (error.kind === "offline" || error.kind === "server") ? <a href={href("rollouts")}>The list of rollouts</a> : null}</p>
    </div>
  );
}
