// What can be done with an agent. Who may not is told so by the API.

import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { useAction } from "../lib/actions.tsx";
import { send } from "../lib/api.ts";
import { go } from "../lib/route.ts";
import { Act } from "../ui/act.tsx";
import { Dialog } from "../ui/basics.tsx";
import type { AgentDetails } from "./agent.tsx";

type Open = "" | "tag" | "silence" | "restart" | "retire" | "forget";

export function AgentActions({ agent, refresh }: { agent: AgentDetails; refresh: () => void }): JSX.Element {
  const [open, setOpen] = useState<Open>("");
  const close = (): void => setOpen("");
  const path = `api/agents/${encodeURIComponent(agent.id)}`;
  const button = (name: Open, label: string, scope?: "admin"): JSX.Element => <Act class="second" {...(scope ? { scope } : {})} onClick={() => setOpen(name)}>{label}</Act>;
  return (
    <>
      {button("tag", "Name, owner, tags…")}{button("silence", "Silence…")}{button("restart", "Restart…")}
      {button("retire", agent.retired ? "Back into service…" : "Retire…")}{button("forget", "Forget…", "admin")}
      {open === "tag" ? <Edit agent={agent} path={path} onClose={close} refresh={refresh} /> : null}
      {open === "silence" ? <Silence agent={agent.id} onClose={close} /> : null}
      {open === "restart" ? (
        <Sure title={`Restart ${agent.name}`} text="Starts a rollout with one agent, which runs the executable “restart” of the agent’s folder commands.d once." word="Restart" onClose={close}
          act={async () => { const { body } = await send<{ rollout?: { id: string } }>("POST", "api/rollouts", { title: `Restart of ${agent.name}`, agents: [agent.id], command: { name: "restart" } }); if (body.rollout) go("rollouts", [body.rollout.id]); }} done="A rollout restarts it." />
      ) : null}
      {open === "retire" ? (
        <Sure title={agent.retired ? `Take ${agent.name} back into service` : `Retire ${agent.name}`} word={agent.retired ? "Take back" : "Retire"} onClose={close}
          text={agent.retired ? "It is judged and alerts again." : "Out of service on purpose: it is grey and never alerts."}
          act={async () => { await send("PATCH", path, { retired: !agent.retired }); refresh(); }} done={agent.retired ? "It is back in service." : "It is retired."} />
      ) : null}
      {open === "forget" ? (
        <Sure title={`Forget ${agent.name}`} danger word="Forget" onClose={close} text="Its record, its desired configuration and keys go. History stays; if it posts again it comes back as a new agent."
          act={async () => { await send("DELETE", path); go("fleet"); }} done="It is forgotten." />
      ) : null}
    </>
  );
}

interface SureProps {
  title: string;
  text: string;
  word: string;
  act: () => Promise<unknown>;
  done: string;
  danger?: boolean;
  onClose: () => void;
}

function Sure({ title, text, word, act, done, danger, onClose }: SureProps): JSX.Element {
  const { busy, error, run } = useAction();
  return (
    <Dialog title={title} onClose={onClose}>
      <p>{text}</p>
      {error ? <p class="fault" role="alert">{error.message}</p> : null}
      <div class="buttons">
        <button type="button" class={danger ? "danger" : undefined} disabled={busy} onClick={() => void run(act, done, onClose)}>{word}</button>
        <button type="button" class="second" onClick={onClose}>Cancel</button>
      </div>
    </Dialog>
  );
}

function Edit({ agent, path, onClose, refresh }: { agent: AgentDetails; path: string; onClose: () => void; refresh: () => void }): JSX.Element {
  const [name, setName] = useState(agent.name === agent.id ? "" : agent.name);
  const [owner, setOwner] = useState(agent.owner ?? "");
  const [tags, setTags] = useState(Object.entries(agent.remoteTags).map(([key, value]) => `${key}=${value}`).join("\n"));
  const { busy, error, run } = useAction();
  const wanted = pairsOf(tags);
  const save = (): Promise<unknown> => {
    const gone = Object.keys(agent.remoteTags).filter((key) => !(key in wanted.tags)).map((key) => [key, null]);
    return send("PATCH", path, { name: name.trim() || null, owner: owner.trim() || null, tags: { ...Object.fromEntries(gone), ...wanted.tags } });
  };
  return (
    <Dialog title={`Name, owner and tags of ${agent.id}`} onClose={onClose}>
      <form class="form" onSubmit={(event) => { event.preventDefault(); if (!wanted.fault) void run(save, "Saved.", () => { refresh(); onClose(); }); }}>
        <label><span>Name, shown instead of its own</span><input value={name} maxLength={128} onInput={(event) => setName(event.currentTarget.value)} /></label>
        <label><span>Owner</span><input value={owner} maxLength={128} onInput={(event) => setOwner(event.currentTarget.value)} /></label>
        <label><span>Tags set remotely, key=value, one a line; they win over the agent's own</span><textarea rows={5} value={tags} spellcheck={false} onInput={(event) => setTags(event.currentTarget.value)} /></label>
        {wanted.fault || error ? <p class="fault" role="alert">{wanted.fault || error?.message}</p> : null}
        <div class="buttons"><button type="submit" disabled={busy || wanted.fault !== ""}>Save</button><button type="button" class="second" onClick={onClose}>Cancel</button></div>
      </form>
    </Dialog>
  );
}

function pairsOf(text: string): { tags: Record<string, string>; fault: string } {
  const tags: Record<string, string> = {};
  for (const line of text.split("\n").map((one) => one.trim()).filter(Boolean)) {
    const at = line.indexOf("=");
    if (at < 1 || at === line.length - 1) return { tags, fault: `“${line}” is not of the form key=value` };
    tags[line.slice(0, at)] = line.slice(at + 1);
  }
  return { tags, fault: "" };
}

const LENGTHS = ["30m", "2h", "8h", "1d", "7d"];

function Silence({ agent, onClose }: { agent: string; onClose: () => void }): JSX.Element {
  const [length, setLength] = useState("2h");
  const [comment, setComment] = useState("");
  const { busy, error, run } = useAction();
  return (
    <Dialog title={`Silence the alerts of ${agent}`} onClose={onClose}>
      <form class="form" onSubmit={(event) => { event.preventDefault(); void run(() => send("POST", "api/silences", { matchers: `agent=${agent}`, for: length, comment }), `Silent for ${length}.`, onClose); }}>
        <label><span>For how long</span><select value={length} onChange={(event) => setLength(event.currentTarget.value)}>{LENGTHS.map((one) => <option key={one}>{one}</option>)}</select></label>
        <label><span>Why</span><input value={comment} maxLength={1024} onInput={(event) => setComment(event.currentTarget.value)} /></label>
        {error ? <p class="fault" role="alert">{error.message}</p> : null}
        <div class="buttons"><button type="submit" disabled={busy}>Silence</button><button type="button" class="second" onClick={onClose}>Cancel</button></div>
      </form>
    </Dialog>
  );
}
