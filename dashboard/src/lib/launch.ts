// A rollout that is asked for on the page: what was typed, what is wrong with it, and what the API is told.

import type { ApiError } from "./api.ts";
import { type Me, lacks } from "./me.ts";
import type { Rollout } from "./rollout.ts";

export interface Draft {
  tags: string;
  // Without tags: that all agents are meant.
  everybody: boolean;
  title: string;
  model: string;
  patch: string; // JSON
  waves: string;
  bake: string;
  policy: string; // JSON, what else of the policy goes otherwise
}

export type Field = "tags" | "model" | "patch" | "waves" | "bake" | "policy" | "title";
export type Faults = Partial<Record<Field, string>>;

export const emptyDraft = (tags: string): Draft => ({ tags, everybody: false, title: "", model: "", patch: "", waves: "", bake: "", policy: "" });

export interface DocumentChange {
  agents: number;
  named: string[];
  before: Record<string, unknown>;
  after: Record<string, unknown>;
}

export interface Planned {
  dryRun: boolean;
  rollout: Rollout | null;
  unchanged: number;
  irreversible: string[];
  changes: DocumentChange[];
  moreChanges: number;
  obstacles: { kind: string; text: string }[];
}

const AMOUNT = /^([1-9]\d*|[1-9]\d?%|100%)$/;
const LENGTH = /^(\d+|(\d+h)?(\d+m)?(\d+s)?)$/;

const amountsOf = (text: string): string[] => text.split(",").map((one) => one.trim()).filter(Boolean);

// What can be said without the API, by field.
export function faultsOf(draft: Draft): Faults {
  const faults: Faults = {};
  if (!draft.tags.trim() && !draft.everybody) faults.tags = "Say which agents, or that all are meant.";
  const patch = objectOf(draft.patch);
  if (patch.fault) faults.patch = patch.fault;
  else if (!draft.model.trim() && Object.keys(patch.value).length === 0) faults.patch = "Say what changes: a model, a patch, or both.";
  const policy = objectOf(draft.policy);
  if (policy.fault) faults.policy = policy.fault;
  const wrong = amountsOf(draft.waves).find((one) => !AMOUNT.test(one));
  if (wrong !== undefined) faults.waves = `“${wrong}” is neither a number of agents nor a share such as 25%.`;
  if (!LENGTH.test(draft.bake.trim())) faults.bake = "A number of seconds, or a length such as 90s, 10m, 1h30m.";
  return faults;
}

// Nothing typed is an empty object.
export function objectOf(text: string): { value: Record<string, unknown>; fault: string } {
  if (!text.trim()) return { value: {}, fault: "" };
  try {
    const value: unknown = JSON.parse(text);
    return value && typeof value === "object" && !Array.isArray(value) ? { value: value as Record<string, unknown>, fault: "" } : { value: {}, fault: "It must be a JSON object: { … }." };
  } catch (error) {
    return { value: {}, fault: `No JSON yet: ${error instanceof Error ? error.message : String(error)}` };
  }
}

// For `POST /api/rollouts`; of a draft without faults.
export function bodyOf(draft: Draft, rest: { dryRun: boolean; backup: boolean }): Record<string, unknown> {
  const waves = amountsOf(draft.waves), bake = draft.bake.trim(), model = draft.model.trim();
  const policy = { ...objectOf(draft.policy).value, ...(waves.length ? { waves } : {}), ...(bake ? { bake_s: /^\d+$/.test(bake) ? Number(bake) : bake } : {}) };
  return {
    tags: draft.tags.trim(),
    title: draft.title.trim(),
    patch: objectOf(draft.patch).value,
    ...(model ? { model } : {}),
    ...(Object.keys(policy).length ? { policy } : {}),
    ...rest,
  };
}

// Why a token starts no rollout, before it is tried; empty for one that may.
export function whyNot(me: Me | null): string {
  if (!me) return "";
  if (lacks(me, "operate")) return `It takes a token with the scope operate; this one has ${me.scopes.join(", ") || "none"}.`;
  return me.tags ? `It takes a token for the whole workspace; this one is limited to ${me.tags}.` : "";
}

const ROLLOUT = /\br[0-9a-z]{8,20}\b/;

// What helps after a refusal, in words, and the rollout that stands in the way.
export function helpFor({ kind, message }: ApiError, starting: boolean): { text: string; rollout: string } {
  const rollout = ROLLOUT.exec(message)?.[0] ?? "";
  switch (kind) {
    case "permission":
      return { text: "Sign in with a token that has the scope operate and is not limited to tags. What you typed stays in this tab until then.", rollout: "" };
    case "conflict":
      return { text: "An agent is in one rollout at a time: wait until that one is over, stop or abort it, or choose other agents. Nothing was started.", rollout };
    case "offline":
    case "server":
      return { text: starting ? "Whether it was started is not known: look at the list before you try again." : "Nothing was started. Try again in a moment.", rollout: "" };
    default:
      return { text: "Nothing was started.", rollout: "" };
  }
}
