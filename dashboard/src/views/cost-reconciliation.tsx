// Our costs beside what the provider itself says it billed, with the gap taken apart. Each question asks the provider anew, and its limits
// are low: it is asked once, and again when somebody wants that.

import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { type ApiError, type Query, errorOf, get } from "../lib/api.ts";
import { useLive } from "../lib/live.ts";
import { filter, go, href, route, show } from "../lib/route.ts";
import { Choices } from "../ui/basics.tsx";
import { Failed, Loaded, Loading, State } from "../ui/states.tsx";
import { Both, type Reconciled } from "./cost-reconciled.tsx";

const KINDS: readonly unknown[] = ["anthropic", "openai"];
const RANGES = ["7d", "14d", "30d"];
const SLOW_MS = 60_000;
const EXAMPLE = `clawpulse keys settings keys.yaml        # or below Settings, “Keys of providers”:

anthropic: {kind: anthropic, admin: {secretsmanager: clawpulse/default/anthropic-admin}}
openai: {kind: openai, admin: {vault: clawpulse/default/openai-admin, key: key}, project_id: proj_abc}`;

type Settings = Record<string, { kind?: unknown; admin?: unknown } | null>;

export function CostReconciliation(): JSX.Element {
  const settings = useLive<Settings>("api/key-settings", {}, { every: SLOW_MS });
  return <Loaded live={settings} what="the providers">{(found) => <Providers names={named(found)} />}</Loaded>;
}

// Those whose bills can be asked for.
export const named = (settings: Settings): string[] =>
  Object.entries(settings).filter(([, one]) => one && KINDS.includes(one.kind) && one.admin).map(([name]) => name).sort();

function Providers({ names }: { names: readonly string[] }): JSX.Element {
  const asked = route.value.query.provider;
  const provider = names.find((one) => one === asked) ?? names[0];
  const range = RANGES.find((one) => one === route.value.query.range) ?? "7d";
  if (!provider) {
    return (
      <State symbol="○" title="No provider can be asked for its bill" action={["Open its settings", () => go("settings", ["key-settings"])]} code={EXAMPLE}
        text="Ours stand here beside what Anthropic or OpenAI say they billed, by day and model, with what explains the gap. It takes an admin key of the provider: keep it in Secrets Manager or Vault, and name it there." />
    );
  }
  return (
    <>
      <div class="bar parts">
        {names.length > 1 ? <Choices label="Provider" value={provider} options={names.map((value) => ({ value, label: value }))} onChoose={(chosen) => show({ provider: chosen })} /> : null}
        <Choices label="Days" value={range} options={RANGES.map((value) => ({ value, label: value }))} onChoose={(chosen) => show({ range: chosen === "7d" ? undefined : chosen })} />
      </div>
      {filter.value.tags ? <p class="notice">A bill is of a whole account: the filter {filter.value.tags} does not narrow it.</p> : null}
      <Asked key={`${provider} ${range}`} query={{ provider, range }} />
    </>
  );
}

function Asked({ query }: { query: Query & { provider: string } }): JSX.Element {
  const [found, setFound] = useState<Reconciled | ApiError | null>(null);
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    const round = new AbortController();
    setFound(null);
    get<Reconciled>("api/cost/reconciliation", query, round.signal).then(({ body }) => setFound(body), (error: unknown) => { if (!round.signal.aborted) setFound(errorOf(error)); });
    return () => round.abort();
  }, [turn]);
  const again = (): void => setTurn(turn + 1);
  if (found === null) return <Loading what={`the bill of ${query.provider}`} />;
  if (found instanceof Error) return <Failed error={found} what="what a provider bills" retry={again} />;
  if (found.fault !== null) return <NotFetched found={found} again={again} />;
  return <Both found={found} again={again} />;
}

function NotFetched({ found: { provider, fault, retry }, again }: { found: Reconciled; again: () => void }): JSX.Element {
  return (
    <State symbol="▲" title={`${provider} has told nothing`} text={`${fault}. ${retry ? "Asking again later may help." : "Asking again helps when its settings, or its admin key, are other ones."}`} action={["Ask again", again]}>
      {retry ? null : <p><a href={href("settings", ["key-settings"])}>Settings of providers</a></p>}
    </State>
  );
}
