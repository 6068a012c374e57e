// Has a report made of a period, of the agents that the filter shows, and told to channels if wanted.

import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { useAction } from "../lib/actions.tsx";
import { send } from "../lib/api.ts";
import { filter, go } from "../lib/route.ts";
import { Act } from "../ui/act.tsx";
import { Dialog } from "../ui/basics.tsx";

const RANGES: Record<string, string> = { "24h": "the last 24 hours", "7d": "the last 7 days", "30d": "the last 30 days", chosen: "days of your choice" };

export function ReportOrder(): JSX.Element {
  const [open, setOpen] = useState(false);
  return (
    <>
      <Act onClick={() => setOpen(true)}>Make a report…</Act>
      {open ? <Order onClose={() => setOpen(false)} /> : null}
    </>
  );
}

function Order({ onClose }: { onClose: () => void }): JSX.Element {
  const [range, setRange] = useState("7d");
  const [days, setDays] = useState<[string, string]>(["", ""]);
  const [tags, setTags] = useState(filter.value.tags);
  const [channels, setChannels] = useState("");
  const { busy, error, run } = useAction();
  const order = async (): Promise<void> => {
    const names = channels.split(",").map((name) => name.trim()).filter(Boolean);
    const { body } = await send<{ id: string }>("POST", "api/reports", { ...(range === "chosen" ? daysOf(days) : { range }), tags: tags.trim(), channels: names });
    go("reports", [body.id]);
  };
  return (
    <Dialog title="Make a report" onClose={onClose}>
      <form class="form" onSubmit={(event) => { event.preventDefault(); void run(order, "The report is being made.", onClose); }}>
        <label><span>About</span>
          <select value={range} onChange={(event) => setRange(event.currentTarget.value)}>{Object.entries(RANGES).map(([value, label]) => <option key={value} value={value}>{label}</option>)}</select>
        </label>
        {range === "chosen" ? (
          <>
            <label><span>First day</span><input type="date" required value={days[0]} onInput={(event) => setDays([event.currentTarget.value, days[1]])} /></label>
            <label><span>Last day, in your time zone; at most 35 days in all</span><input type="date" required value={days[1]} onInput={(event) => setDays([days[0], event.currentTarget.value])} /></label>
          </>
        ) : null}
        <label><span>Agents, by tags; empty for all</span><input value={tags} maxLength={1024} spellcheck={false} placeholder="env=prod,tier!=batch" onInput={(event) => setTags(event.currentTarget.value)} /></label>
        <label><span>Channels that are told, separated by commas; empty for nobody</span><input value={channels} spellcheck={false} placeholder="team-mail" onInput={(event) => setChannels(event.currentTarget.value)} /></label>
        {error ? <p class="fault" role="alert">{error.field ? <b>{error.field}: </b> : null}{error.message}</p> : null}
        <div class="buttons"><button type="submit" disabled={busy}>Make it</button><button type="button" class="second" onClick={onClose}>Cancel</button></div>
      </form>
    </Dialog>
  );
}

// Whole days of the viewer's zone; a day that is not over ends now.
export function daysOf([first, last]: readonly [string, string], now = Date.now()): { start: string; end: string } {
  const midnight = (day: string, add = 0): number => {
    const [year = 0, month = 1, date = 1] = day.split("-").map(Number);
    return new Date(year, month - 1, date + add).getTime();
  };
  return { start: new Date(midnight(first)).toISOString(), end: new Date(Math.min(midnight(last, 1), now)).toISOString() };
}
