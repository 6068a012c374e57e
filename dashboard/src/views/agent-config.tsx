// An agent's configuration: what it should have, what it has written, what is in force; and what an edit would change.

import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { useAction } from "../lib/actions.tsx";
import { send } from "../lib/api.ts";
import { useLive } from "../lib/live.ts";
import { href } from "../lib/route.ts";
import { Act } from "../ui/act.tsx";
import { Badge, Dialog, Panel, Time } from "../ui/basics.tsx";
import { Diff, sortedJson } from "../ui/diff.tsx";
import { Loaded } from "../ui/states.tsx";
import type { AgentDetails } from "./agent.tsx";
import { ConfigDocuments } from "./agent-config-documents.tsx";

interface Desired {
  hash: string;
  time: string;
  by: string;
  document: Record<string, unknown>;
}

const short = (hash: string | null): string => (hash ? hash.slice(0, 12) : "not told");

export function AgentConfig({ agent }: { agent: AgentDetails }): JSX.Element {
  const { desired, written, applied, error } = agent.config ?? { desired: null, written: null, applied: null, error: null };
  const found = useLive<Desired>(desired ? `api/agents/${encodeURIComponent(agent.id)}/desired` : null, {}, { every: 15_000, keep: true });
  const [editing, setEditing] = useState(false);
  return (
    <Panel title="Configuration" aside={<><a class="button second" href={href("rollouts", [], { start: `agent=${agent.id}` })}>Roll out a change…</a><Act class="second" onClick={() => setEditing(true)}>Edit…</Act></>}>
      <dl class="pairs">
        <dt>Desired</dt><dd title={desired ?? ""}>{desired ? short(desired) : "nothing is desired: the agent keeps its own"}</dd>
        <dt>Written</dt><dd title={written ?? ""}>{short(written)} {desired && written ? <Same same={written === desired} word="not the desired one" /> : null}</dd>
        <dt>Applied</dt><dd title={applied ?? ""}>{short(applied)} {desired && applied ? <Same same={applied === desired} word="not the desired one" /> : null}</dd>
        {error ? <><dt>Error</dt><dd class="fault">{error}</dd></> : null}
      </dl>
      {desired ? <Loaded live={found} what="the desired configuration">{(one) => <p class="soft">Set <Time at={one.time} /> by {one.by}</p>}</Loaded> : null}
      <ConfigDocuments agent={agent.id} hashes={`${desired} ${written} ${applied}`} />
      {editing ? <Edit agent={agent.id} before={desired ? found.data : null} onClose={() => { setEditing(false); found.refresh(); }} /> : null}
    </Panel>
  );
}

const Same = ({ same, word }: { same: boolean; word: string }): JSX.Element => (same ? <Badge tone="good">in step</Badge> : <Badge tone="warn">{word}</Badge>);

function Edit({ agent, before, onClose }: { agent: string; before: Desired | null; onClose: () => void }): JSX.Element {
  const old = before ? sortedJson(before.document) : "{}";
  const [text, setText] = useState(old);
  const { busy, error, run } = useAction();
  const parsed = parse(text);
  const condition: Record<string, string> = before ? { "If-Match": `"${before.hash}"` } : { "If-None-Match": "*" };
  const save = async (): Promise<void> => {
    if (parsed.fault === "" && await run(() => send("PUT", `api/agents/${encodeURIComponent(agent)}/desired`, parsed.value, condition), "The desired configuration is set.")) onClose();
  };
  return (
    <Dialog title={`Desired configuration of ${agent}`} onClose={onClose} wide>
      <p class="soft">For one agent at once and without a gate. For several: a rollout.</p>
      <textarea aria-label="Document, JSON" spellcheck={false} value={text} onInput={(event) => setText(event.currentTarget.value)} />
      {parsed.fault ? <p class="fault" role="alert">{parsed.fault}</p> : <Diff before={old} after={sortedJson(parsed.value)} label="What changes" />}
      {error ? <p class="fault" role="alert">{error.message}</p> : null}
      <div class="buttons"><button type="button" disabled={busy || parsed.fault !== ""} onClick={() => void save()}>Save</button><button type="button" class="second" onClick={onClose}>Cancel</button></div>
    </Dialog>
  );
}

function parse(text: string): { value: unknown; fault: string } {
  try {
    const value: unknown = JSON.parse(text);
    return value && typeof value === "object" && !Array.isArray(value) ? { value, fault: "" } : { value, fault: "It must be a JSON object." };
  } catch (error) {
    return { value: null, fault: error instanceof Error ? error.message : String(error) };
  }
}
