// The documents behind an agent's configuration: the one it should have, and what it has instead, compared line by line.

import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { useLive } from "../lib/live.ts";
import { route, show } from "../lib/route.ts";
import { Choices, Json } from "../ui/basics.tsx";
import { Diff, sortedJson } from "../ui/diff.tsx";
import { Loaded } from "../ui/states.tsx";

interface Known {
  hash: string;
  document: Record<string, unknown> | null; // null: no document with this hash is kept
  kept: "desired" | "other" | "past" | null;
}

interface Configuration {
  desired: Known | null;
  written: Known | null;
  applied: Known | null;
}

const EVERY_MS = 15_000;
const NAMES = { applied: "In force", written: "Written", desired: "Desired" } as const;
type Name = keyof typeof NAMES;
const PAIRS: readonly (readonly [Name, Name])[] = [["applied", "desired"], ["written", "desired"], ["applied", "written"]];
const keyOf = ([from, to]: readonly [Name, Name]): string => `${from}-${to}`;
const labelOf = ([from, to]: readonly [Name, Name]): string => `${NAMES[from]} → ${NAMES[to].toLowerCase()}`;

// `hashes` are those that the page knows: when they change, the documents are asked for at once.
export function ConfigDocuments({ agent, hashes }: { agent: string; hashes: string }): JSX.Element {
  const found = useLive<Configuration>(`api/agents/${encodeURIComponent(agent)}/configuration`, {}, { every: EVERY_MS });
  const seen = useRef(hashes);
  useEffect(() => {
    if (seen.current !== hashes) found.refresh();
    seen.current = hashes;
  }, [hashes]);
  return <Loaded live={found} what="the documents">{(all) => <Compared all={all} />}</Loaded>;
}

function Compared({ all }: { all: Configuration }): JSX.Element {
  const told = PAIRS.filter(([from, to]) => all[from] && all[to]);
  const differ = told.find(([from, to]) => all[from]?.hash !== all[to]?.hash);
  const asked = route.value.query.compare;
  const pair = told.find((one) => keyOf(one) === asked) ?? (asked === "document" ? undefined : differ);
  const options = [...told.map((one) => ({ value: keyOf(one), label: labelOf(one) })), { value: "document", label: all.desired ? "Desired document" : "Document" }];
  return (
    <>
      {options.length > 1 ? <div class="compare"><Choices label="Compare" value={pair ? keyOf(pair) : "document"} options={options} onChoose={(compare) => show({ compare })} /></div> : null}
      {pair ? <Pair from={all[pair[0]] as Known} to={all[pair[1]] as Known} names={pair} /> : <One all={all} />}
    </>
  );
}

function Pair({ from, to, names: [left, right] }: { from: Known; to: Known; names: readonly [Name, Name] }): JSX.Element {
  if (from.hash === to.hash) return <p class="nothing">{NAMES[left]} and {NAMES[right].toLowerCase()} are the same document.</p>;
  const unknown = !from.document ? ([left, from] as const) : !to.document ? ([right, to] as const) : null;
  if (unknown) return <NotKept name={unknown[0]} hash={unknown[1].hash} />;
  return <Diff before={sortedJson(from.document)} after={sortedJson(to.document)} label={labelOf([left, right])} />;
}

// Of an agent for which nothing is desired: what it has.
function One({ all }: { all: Configuration }): JSX.Element {
  const name = (["desired", "applied", "written"] as const).find((one) => all[one]);
  const known = name ? all[name] : null;
  if (!name || !known) return <p class="nothing">Nothing is desired, and the agent has not told what it has.</p>;
  if (!known.document) return <NotKept name={name} hash={known.hash} />;
  return <>{name === "desired" ? null : <p class="soft">Nothing is desired. {NAMES[name]}, as it was once desired:</p>}<Json value={known.document} /></>;
}

const NotKept = ({ name, hash }: { name: Name; hash: string }): JSX.Element => (
  <p class="notice">
    {NAMES[name]}: no document with the hash <code>{hash}</code> is kept, so it cannot be shown or compared. Agents tell hashes alone; documents are kept while somebody shall have them and for
    400 days after. This one is older, or was not set by ClawPulse.
  </p>
);
