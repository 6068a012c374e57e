// Alerts: what fires, what is about to, and what nobody is told of; and the silences.

import type { JSX } from "preact";
import { useMemo } from "preact/hooks";
import { useRows } from "../lib/live.ts";
import { filter, href, route, show } from "../lib/route.ts";
import { Choices } from "../ui/basics.tsx";
import { Loaded } from "../ui/states.tsx";
import { type Alert, AlertTable, NoAlerts, type Standing, standingOf } from "./alerts-table.tsx";
import { AlertDialog } from "./alerts-one.tsx";
import { Silences } from "./alerts-silences.tsx";

const STANDINGS: readonly [Standing, string][] = [["firing", "Firing"], ["pending", "Pending"], ["quiet", "Silenced"]];

export default function Alerts(): JSX.Element {
  const part = route.value.query.part;
  return part === "silences" ? <><Head part="silences" /><Silences /></> : part === "resolved" ? <Resolved /> : <Unrest />;
}

function Head({ part, counts }: { part: string; counts?: Record<Standing, number> }): JSX.Element {
  const label = (name: Standing, word: string): string => (counts ? `${word} ${counts[name]}` : word);
  const options = [
    { value: "", label: "All" },
    ...STANDINGS.map(([name, word]) => ({ value: name as string, label: label(name, word) })),
    { value: "resolved", label: "Resolved" },
    { value: "silences", label: "Silences" },
  ];
  return (
    <div class="bar spaced">
      <Choices label="Which alerts" value={part} options={options} onChoose={(name) => show({ part: name || undefined, alert: undefined })} />
      <span class="aside"><a href={href("incidents")}>Incidents</a> <a href={href("rules")}>Rules</a></span>
    </div>
  );
}

function Unrest(): JSX.Element {
  const found = useRows<Alert>("api/alerts", "alerts", { tags: filter.value.tags }, { keep: true });
  const part = STANDINGS.find(([name]) => name === route.value.query.part)?.[0] ?? "";
  const counts = useMemo(() => count(found.data ?? []), [found.data]);
  const shown = useMemo(() => (found.data ?? []).filter((alert) => !part || standingOf(alert) === part), [found.data, part]);
  return (
    <>
      <Head part={part} {...(found.data ? { counts } : {})} />
      <Loaded live={found} what="the alerts">
        {(alerts) => shown.length ? <AlertTable alerts={shown} by={filter.value.by} /> : <NoAlerts part={part} any={alerts.length > 0} />}
      </Loaded>
      <Opened alerts={found.data} refresh={found.refresh} />
    </>
  );
}

function Resolved(): JSX.Element {
  const found = useRows<Alert>("api/alerts", "alerts", { tags: filter.value.tags, state: "resolved" }, { keep: true, every: 15_000 });
  return (
    <>
      <Head part="resolved" />
      <Loaded live={found} what="resolved alerts">
        {(alerts) => alerts.length ? <AlertTable alerts={alerts} by={filter.value.by} /> : <NoAlerts part="resolved" any={false} />}
      </Loaded>
      <Opened alerts={found.data} refresh={found.refresh} />
    </>
  );
}

// The alert that the address names.
function Opened({ alerts, refresh }: { alerts: readonly Alert[] | null; refresh: () => void }): JSX.Element | null {
  const { alert: id, part } = route.value.query;
  const alert = alerts?.find((one) => one.id === id);
  if (!id || !alerts) return null;
  if (alert) return <AlertDialog key={alert.id} alert={alert} refresh={refresh} onClose={() => show({ alert: undefined })} />;
  return <p class="notice" role="status">{id} is not among these alerts{part === "resolved" ? "." : <>: it may be over. <a href={href("alerts", [], { part: "resolved", alert: id })}>Look among the resolved</a></>}</p>;
}

function count(alerts: readonly Alert[]): Record<Standing, number> {
  const counts: Record<Standing, number> = { firing: 0, pending: 0, quiet: 0 };
  for (const alert of alerts) counts[standingOf(alert)]++;
  return counts;
}
