// Rollouts and rotations as the API shows them, and the words, colours and shapes of their states.

import type { Health } from "./format.ts";
import type { Tone } from "../ui/basics.tsx";

export interface Hold {
  cause: string;
  reason: string;
  until: string | null;
}

export interface RolloutLine {
  id: string;
  title: string;
  phase: string;
  since: string;
  reason: string;
  hold: Hold | null;
  created: string;
  by: string;
  selector: string;
  revision: number | null;
  channel: string;
  reversibility: "reversible" | "irreversible";
  wave: number;
  waves: number;
  members: number;
  counts: Record<string, number>;
}

export interface Finding {
  metric: string;
  outcome: Outcome;
  wave: number | null;
  past: number | null;
  control: number | null;
  evidence: number;
  reason: string;
}

export type Outcome = "pass" | "fail" | "inconclusive" | "unreadable";

export interface Verdict {
  outcome: Outcome;
  reason: string;
  findings: Finding[];
  tasks: number;
  controlTasks: number;
  controlAgents: number;
  lookedAt: string;
}

export interface Member {
  agent: string;
  state: string;
  since: string | null;
  before: string;
  after: string;
  appliedAt: string | null;
  detail: string;
  tags: Record<string, string>;
}

export interface Wave {
  number: number;
  stage: string;
  state: string;
  counts: Record<string, number>;
  members: Member[];
  verdict: Verdict | null;
}

export interface Rollout extends RolloutLine {
  change: Record<string, unknown>;
  policy: Record<string, unknown>;
  backupBy: string | null;
  bakeUntil: string | null;
  extensions: number;
  gateless: boolean;
  eta: string | null;
  actions: string[];
  approvals: { by: string; at: string; wave: number }[];
  plan: Wave[];
}

export interface Entry {
  at: string;
  by: string;
  action: string;
  text: string;
}

export interface MemberLook {
  state: string;
  word: string;
  symbol: string;
  health: Health | "info";
}

// In the order in which they are drawn: what is through first, what waits last.
export const MEMBERS: readonly MemberLook[] = [
  { state: "applied", word: "applied", symbol: "●", health: "green" },
  { state: "failed", word: "failed", symbol: "■", health: "red" },
  { state: "sent", word: "told", symbol: "◆", health: "info" },
  { state: "reverting", word: "going back", symbol: "▲", health: "yellow" },
  { state: "reverted", word: "back", symbol: "△", health: "yellow" },
  { state: "asleep", word: "asleep", symbol: "◌", health: "grey" },
  { state: "overridden", word: "set otherwise meanwhile", symbol: "◇", health: "grey" },
  { state: "gone", word: "gone", symbol: "×", health: "grey" },
  { state: "waiting", word: "waiting", symbol: "○", health: "grey" },
];

export const lookOf = (state: string): MemberLook => MEMBERS.find((one) => one.state === state) ?? { state, word: state, symbol: "○", health: "grey" };

// `4 applied, 1 asleep`.
export const standing = (counts: Record<string, number>): string =>
  MEMBERS.filter((one) => counts[one.state]).map((one) => `${counts[one.state]} ${one.word}`).join(", ") || "nobody";

// How many are where the rollout brings them: back, when it has turned around.
export function doneOf({ phase, counts }: RolloutLine): { count: number; word: string } {
  return phase === "reverting" || phase === "reverted" ? { count: counts.reverted ?? 0, word: "are back" } : { count: counts.applied ?? 0, word: "have it" };
}

const TONES: Record<string, Tone> = {
  applying: "info", baking: "info", preflight: "info", staging: "info", rolling: "info", promoting: "info", draining: "info", retiring: "info",
  held: "warn", paused: "warn", reverting: "bad", aborting: "bad", reverted: "bad", aborted: "bad", refused: "bad", succeeded: "good", done: "good",
};
export const phaseTone = (phase: string, hold: Hold | null = null): Tone => (hold?.cause === "approval" ? "warn" : TONES[phase] ?? "idle");
export const phaseWord = (phase: string, hold: Hold | null): string => (hold ? `${phase}: ${hold.cause.replace("_", " ")}` : phase);

export const OUTCOME: Record<Outcome, Tone> = { pass: "good", fail: "bad", inconclusive: "warn", unreadable: "idle" };

export const FINAL: readonly string[] = ["succeeded", "reverted", "stopped", "aborted", "refused"];
