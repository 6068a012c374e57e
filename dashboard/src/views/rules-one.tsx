// One rule: its text with every fault, what it would have done, and what changed against what is in force.

import type { JSX } from "preact";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { SEVERITY_TONES } from "../lib/alerts.ts";
import { go, href, route } from "../lib/route.ts";
import { Badge, Panel } from "../ui/basics.tsx";
import { Diff } from "../ui/diff.tsx";
import { State } from "../ui/states.tsx";
import { RuleActions } from "./rules-actions.tsx";
import { RuleBacktest } from "./rules-backtest.tsx";
import { RuleText } from "./rules-text.tsx";
import type { RuleDocument } from "./rules-store.ts";
import { type Fault, read, useTrial } from "./rules-trial.ts";
import type { Rule, Rules } from "./rules.tsx";

const CHECK_MS = 400;
const EXAMPLE: RuleDocument = {
  name: "p95-latency-high",
  description: "The p95 latency of a tier is above 2 s.",
  severity: "warning",
  per: "tier",
  when: { metric: "task.latency_ms", aggregation: "p95", over: "10m", above: 2000, min_points: 20 },
  for: "2m",
  keep_firing_for: "5m",
};

const pretty = (document: RuleDocument): string => JSON.stringify(document, null, 2);

export function NewRule({ rules, refresh }: { rules: Rules; refresh: () => void }): JSX.Element {
  const from = rules.rules.find((rule) => rule.name === route.value.query.from);
  const first = from ? { ...from.document, name: `${from.name}-2`.slice(0, 63) } : EXAMPLE;
  return <><Path name="new" /><Workshop stored={null} first={first} rules={rules} refresh={refresh} /></>;
}

export function RulePage({ name, rules, refresh }: { name: string; rules: Rules; refresh: () => void }): JSX.Element {
  const rule = rules.rules.find((one) => one.name === name);
  useEffect(() => { document.title = `${name} · ClawPulse`; }, [name]);
  // Somebody may delete it while somebody else writes: the text stays.
  const last = useRef(rule);
  if (rule) last.current = rule;
  const shown = rule ?? last.current;
  if (!shown) return <State symbol="∅" title={`No rule ${name} is in force`} text="It may have been deleted or renamed, or its pack is not in force." action={["Show the rules", () => go("rules")]} />;
  return <><Path name={name} />{rule ? null : <p class="notice" role="status">The rule {name} is not in force any more. Its text is still here.</p>}<Workshop stored={rule ?? null} first={shown.document} rules={rules} refresh={refresh} /></>;
}

const Path = ({ name }: { name: string }): JSX.Element => <p class="path"><a href={href("rules")}>Rules</a> / {name}</p>;

function Workshop({ stored, first, rules, refresh }: { stored: Rule | null; first: RuleDocument; rules: Rules; refresh: () => void }): JSX.Element {
  // What the text began from: what is in force may be changed by others meanwhile.
  const [seen, setSeen] = useState(first);
  const [text, setText] = useState(() => pretty(first));
  const now = stored?.document ?? seen;
  const theirs = pretty(now) !== pretty(seen);
  const written = useMemo(() => read(text), [text]);
  const checked = useTrial<{ faults: Fault[] }>(written.document ? JSON.stringify(written.document) : null, "api/rules/check", CHECK_MS);
  const edited = stored === null || !written.document || pretty(written.document) !== pretty(seen);
  const take = (): void => { setSeen(now); setText(pretty(now)); };
  // Saved, or nothing to lose.
  const same = written.document !== null && pretty(written.document) === pretty(now);
  useEffect(() => { if (theirs && (!edited || same)) take(); }, [theirs, same]);
  const sound = Boolean(written.document && checked.found && !checked.busy && !checked.error && checked.found.faults.length === 0);
  return (
    <>
      {theirs && edited && !same ? <Theirs seen={seen} now={now} take={take} keep={() => setSeen(now)} /> : null}
      <div class="columns workshop">
        <Panel title={<>{stored?.name ?? "A new rule"} {stored ? <Origin rule={stored} /> : null}</>}>
          <RuleText text={text} onText={setText} written={written} checked={checked} />
          <RuleActions stored={stored} seen={seen} written={sound ? written.document : null} edited={edited} rules={rules} refresh={refresh} onReset={() => setText(pretty(seen))} />
          {stored && edited && written.document ? <details open><summary>What changes</summary><Diff before={pretty(seen)} after={pretty(written.document)} label="Changes to the rule" /></details> : null}
        </Panel>
        <RuleBacktest document={sound ? written.document : null} stored={edited && stored ? stored.name : null} />
      </div>
    </>
  );
}

function Origin({ rule }: { rule: Rule }): JSX.Element {
  return (
    <>
      <Badge tone={SEVERITY_TONES[rule.severity] ?? "idle"}>{rule.severity}</Badge>{" "}
      <span class="soft origin">{rule.origin === "own" ? (rule.replaces ? `own, in the place of the one of ${rule.replaces}` : "own") : `from the pack ${rule.origin}: saving makes an own rule in its place`}</span>
    </>
  );
}

function Theirs({ seen, now, take, keep }: { seen: RuleDocument; now: RuleDocument; take: () => void; keep: () => void }): JSX.Element {
  return (
    <div class="notice" role="alert">
      Somebody else changed this rule while you were writing:
      <Diff before={pretty(seen)} after={pretty(now)} label="Changes by somebody else" />
      <div class="buttons"><button type="button" class="second" onClick={take}>Take theirs, drop mine</button><button type="button" class="second" onClick={keep}>Go on with mine</button></div>
    </div>
  );
}
