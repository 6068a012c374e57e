// Saves, copies and deletes a rule.

import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { useAction } from "../lib/actions.tsx";
import { go } from "../lib/route.ts";
import { Act } from "../ui/act.tsx";
import { Dialog } from "../ui/basics.tsx";
import { type RuleDocument, dropRule, putRule } from "./rules-store.ts";
import type { Rule, Rules } from "./rules.tsx";

interface Props {
  stored: Rule | null;
  seen: RuleDocument;
  // Null while it is not sound.
  written: RuleDocument | null;
  edited: boolean;
  rules: Rules;
  refresh: () => void;
  onReset: () => void;
}

export function RuleActions({ stored, seen, written, edited, rules, refresh, onReset }: Props): JSX.Element {
  const [deleting, setDeleting] = useState(false);
  const { busy, error, run } = useAction();
  const own = stored?.origin === "own";
  const save = (rule: RuleDocument): Promise<unknown> => putRule(own ? (stored?.name ?? null) : null, own ? seen : undefined, rule);
  const replaced = written && stored?.name !== written.name ? rules.rules.find((one) => one.name === written.name) : undefined;
  // A rule of another name is shown as soon as the API tells of it.
  const [awaited, setAwaited] = useState("");
  const known = rules.rules.some((one) => one.name === awaited);
  useEffect(() => { if (known && awaited !== stored?.name) go("rules", [awaited]); }, [known]);
  const saved = (rule: RuleDocument): void => {
    setAwaited(String(rule.name));
    refresh();
  };
  return (
    <>
      {replaced && replaced.origin !== "own" ? <p class="soft">It takes the place of the rule of this name in the pack {replaced.origin}.</p> : null}
      {error ? <p class="fault" role="alert">{error.message}</p> : null}
      {error?.faults.map((fault) => <p key={fault.path} class="fault">{fault.path}: {fault.message}</p>)}
      <div class="buttons">
        <Act disabled={busy || !written || !edited} onClick={() => { if (written) void run(() => save(written), `${String(written.name)} is in force.`, () => saved(written)); }}>{stored ? "Save" : "Put in force"}</Act>
        {stored && edited ? <button type="button" class="second" onClick={onReset}>Undo all</button> : null}
        {stored ? <button type="button" class="second" onClick={() => go("rules", [], { part: "new", from: stored.name })}>Copy…</button> : null}
        {own ? <Act class="second" onClick={() => setDeleting(true)}>{stored?.replaces ? "Back to the pack’s…" : "Delete…"}</Act> : null}
      </div>
      {deleting && stored ? <Delete rule={stored} seen={seen} onClose={() => setDeleting(false)} refresh={refresh} /> : null}
    </>
  );
}

function Delete({ rule, seen, onClose, refresh }: { rule: Rule; seen: RuleDocument; onClose: () => void; refresh: () => void }): JSX.Element {
  const { busy, error, run } = useAction();
  const text = rule.replaces ? `The rule of this name of the pack ${rule.replaces} is in force again.` : "Its alerts end, and nobody is told of what it watched.";
  const done = (): void => { onClose(); refresh(); if (!rule.replaces) go("rules"); };
  return (
    <Dialog title={`Delete the own rule ${rule.name}`} onClose={onClose}>
      <p>{text}</p>
      {error ? <p class="fault" role="alert">{error.message}</p> : null}
      <div class="buttons">
        <button type="button" class="danger" disabled={busy} onClick={() => void run(() => dropRule(rule.name, seen), "It is deleted.", done)}>Delete</button>
        <button type="button" class="second" onClick={onClose}>Cancel</button>
      </div>
    </Dialog>
  );
}
