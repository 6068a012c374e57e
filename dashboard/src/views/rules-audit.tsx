// Rules that do not earn their keep, and what to do about each.

import type { JSX } from "preact";
import { number, plural } from "../lib/format.ts";
import { useLive } from "../lib/live.ts";
import { href } from "../lib/route.ts";
import { Badge, Panel, Time, type Tone } from "../ui/basics.tsx";
import { Loaded, State } from "../ui/states.tsx";

interface Finding {
  rule: string;
  fault: string;
  text: string;
  proposal: string;
  others: string[];
}

interface Found {
  start: string;
  end: string;
  rules: number;
  findings: Finding[];
}

const TONES: Record<string, Tone> = { "always firing": "bad", flapping: "warn", "never acknowledged": "warn", stale: "warn", expired: "idle", "never fired": "idle", overlapping: "info" };
const SLOW_MS = 60_000;

export function Audit(): JSX.Element {
  const found = useLive<Found>("api/alerts/audit", {}, { every: SLOW_MS });
  return (
    <Loaded live={found} what="the audit">
      {({ start, rules, findings }) => findings.length === 0
        ? <State symbol="●" title="Every rule earns its keep" text={<>{plural(rules, "rule")} looked at, with what they did since <Time at={start} />.</>} />
        : (
          <>
            <p class="soft">{number(findings.length)} findings about {plural(rules, "rule")}, by what they did since <Time at={start} />.</p>
            <div class="columns">{[...grouped(findings)].map(([rule, list]) => <OfRule key={rule} rule={rule} findings={list} />)}</div>
          </>
        )}
    </Loaded>
  );
}

function OfRule({ rule, findings }: { rule: string; findings: readonly Finding[] }): JSX.Element {
  return (
    <Panel title={<a href={href("rules", [rule])}>{rule}</a>} aside={<a href={href("incidents", [], { q: rule, days: "30" })}>its incidents</a>}>
      {findings.map((one) => (
        <div key={one.fault} class="finding">
          <Badge tone={TONES[one.fault] ?? "info"}>{one.fault}</Badge> {one.text}
          <p><b>Proposal:</b> {one.proposal}</p>
          {one.others.length ? <p class="soft">Concerns {one.others.map((name, index) => <>{index ? ", " : ""}<a key={name} href={href("rules", [name])}>{name}</a></>)} too.</p> : null}
        </div>
      ))}
    </Panel>
  );
}

function grouped(findings: readonly Finding[]): Map<string, Finding[]> {
  const groups = new Map<string, Finding[]>();
  for (const one of findings) groups.get(one.rule)?.push(one) ?? groups.set(one.rule, [one]);
  return groups;
}
