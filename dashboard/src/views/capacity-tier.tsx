// One tier's plan: the formula with its figures, how sure it is, what tasks wait, what limits it, and a sentence to each figure.

import type { JSX } from "preact";
import { number, percent } from "../lib/format.ts";
import { Meter, Panel } from "../ui/basics.tsx";
import { Corrections, type TierPlan, type Wait, agents, rate, seconds, tierName } from "./capacity-figures.tsx";

export function Tier({ tier }: { tier: TierPlan }): JSX.Element {
  return (
    <Panel title={tierName(tier.tags)} aside={<Corrections tier={tier} />}>
      {tier.agents === null ? <p class="nothing">{tier.reasons.join(" ")}</p> : <><Formula tier={tier} /><Facts tier={tier} /><Reasons reasons={tier.reasons} /></>}
    </Panel>
  );
}

function Formula({ tier }: { tier: TierPlan }): JSX.Element {
  return (
    <p class="formula" aria-label="How the agents are counted">
      <span>{rate(tier.arrival_rate)} × {seconds(tier.service_time)}</span> ÷ <span>({percent(tier.utilization)} × {number(tier.concurrency)})</span> = <span>{number(tier.exact)}</span>
      {" "}→ <b>{agents(tier.agents ?? 0)}</b>, × {number(tier.headroom)} → <b>{number(tier.wanted)} with headroom</b>
      {tier.limited ? <>, of which the provider lets <b>{number(tier.with_headroom)}</b> work</> : null}
    </p>
  );
}

function Facts({ tier }: { tier: TierPlan }): JSX.Element {
  const { intervals, ceiling, tail, bursts } = tier;
  return (
    <dl class="pairs">
      <dt>Under way at a time</dt><dd>{number(tier.load)} tasks</dd>
      <dt>Wait with {agents(tier.agents ?? 0)}</dt><dd><Waiting wait={tier.wait} /></dd>
      <dt>Wait with {number(tier.with_headroom)}</dt><dd><Waiting wait={tier.wait_with_headroom} /></dd>
      {intervals ? <><dt>95 % certain</dt><dd>{intervals.agents[0] === intervals.agents[1] ? agents(intervals.agents[0]) : `${between(intervals.agents)} agents`}, {between(intervals.with_headroom)} with headroom; {intervals.arrival_rate.map(rate).join(" to ")}, {intervals.service_time.map(seconds).join(" to ")}</dd></> : null}
      {tail ? <><dt>Tail of times</dt><dd>{tail.heavy ? "heavy: planned with the 95th percentile" : "not heavy"} (index {number(tail.index)}, {number(tail.tasks)} tasks)</dd></> : null}
      {bursts ? <><dt>Bursts</dt><dd>{bursts.bursty ? "yes: planned with 0.1 less utilisation" : "no more than chance"} (index {number(bursts.index)}, chance up to {number(bursts.limit)})</dd></> : null}
      {ceiling ? <><dt>Limit {ceiling.limit}</dt><dd>
        {number(ceiling.used)} of {number(ceiling.amount)} {ceiling.quantity.replace("_", " ")} a minute: {rate(ceiling.arrival_rate)} at most
        <Meter share={ceiling.used / ceiling.amount} tone={ceiling.used > ceiling.amount ? "bad" : "info"} label={`${percent(ceiling.used / ceiling.amount)} of the limit`} />
      </dd></> : null}
    </dl>
  );
}

const between = ([low, high]: [number, number]): string => (low === high ? number(low) : `${number(low)} to ${number(high)}`);

function Waiting({ wait }: { wait: Wait | null }): JSX.Element {
  return wait ? <>{percent(wait.probability)} have to; {seconds(wait.mean_s)} on average, 95 % {wait.p95_s > 0 ? `less than ${seconds(wait.p95_s)}` : "do not"}</> : <span class="soft">no bound, or nothing comes</span>;
}

function Reasons({ reasons }: { reasons: readonly string[] }): JSX.Element {
  return <details class="reasons"><summary>Where each figure comes from</summary><ul>{reasons.map((one) => <li key={one}>{one}</li>)}</ul></details>;
}
