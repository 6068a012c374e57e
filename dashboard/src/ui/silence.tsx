// Makes a silence: which alerts, for how long, why; once or in certain hours of each week.

import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { useAction } from "../lib/actions.tsx";
import { send } from "../lib/api.ts";
import { Dialog } from "./basics.tsx";

const LENGTHS = ["30m", "1h", "2h", "8h", "1d", "3d", "7d", "30d"];
const DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

interface Props {
  matchers?: string;
  onClose: () => void;
  onMade?: () => void;
}

interface Weekly {
  days: string[];
  from: string;
  to: string;
}

export function SilenceDialog({ matchers: given = "", onClose, onMade }: Props): JSX.Element {
  const [matchers, setMatchers] = useState(given);
  const [length, setLength] = useState("2h");
  const [comment, setComment] = useState("");
  const [weekly, setWeekly] = useState<Weekly | null>(null);
  const { busy, error, run } = useAction();
  const make = (): Promise<unknown> => send("POST", "api/silences", { matchers: matchers.trim(), for: length, comment, ...(weekly ? { weekly } : {}) });
  return (
    <Dialog title="Silence alerts" onClose={onClose}>
      <form class="form" onSubmit={(event) => { event.preventDefault(); void run(make, `Silent for ${length}.`, () => { onMade?.(); onClose(); }); }}>
        <p class="soft">They go on, nobody is told of them, and what still fires is told when the silence ends.</p>
        <label><span>Which alerts, by rule, severity and tags</span>
          <input value={matchers} required maxLength={1024} spellcheck={false} placeholder="rule=slow,tier=~fast|smart" aria-invalid={error?.field === "matchers"} onInput={(event) => setMatchers(event.currentTarget.value)} /></label>
        <label><span>For how long from now</span><select value={length} onChange={(event) => setLength(event.currentTarget.value)}>{LENGTHS.map((one) => <option key={one}>{one}</option>)}</select></label>
        <label><span>Why</span><input value={comment} maxLength={1024} onInput={(event) => setComment(event.currentTarget.value)} /></label>
        <Hours weekly={weekly} onChange={setWeekly} />
        {error ? <p class="fault" role="alert">{error.message}</p> : null}
        <div class="buttons"><button type="submit" disabled={busy}>Silence</button><button type="button" class="second" onClick={onClose}>Cancel</button></div>
      </form>
    </Dialog>
  );
}

function Hours({ weekly, onChange }: { weekly: Weekly | null; onChange: (weekly: Weekly | null) => void }): JSX.Element {
  const toggle = (day: string): void => {
    if (!weekly) return;
    const days = DAYS.filter((one) => (one === day) !== weekly.days.includes(one));
    if (days.length) onChange({ ...weekly, days });
  };
  return (
    <fieldset class="hours">
      <legend><label class="check"><input type="checkbox" checked={weekly !== null} onChange={(event) => onChange(event.currentTarget.checked ? { days: ["sat", "sun"], from: "00:00", to: "24:00" } : null)} /> only in certain hours of each week (UTC)</label></legend>
      {weekly ? (
        <>
          <div class="choices" role="group" aria-label="Days">{DAYS.map((day) => <button key={day} type="button" aria-pressed={weekly.days.includes(day)} onClick={() => toggle(day)}>{day}</button>)}</div>
          {(["from", "to"] as const).map((end) => (
            <label key={end} class="field"><span>{end}</span><input value={weekly[end]} required size={5} pattern="([01][0-9]|2[0-3]):[0-5][0-9]|24:00" title="Hours and minutes, as 22:00" onInput={(event) => onChange({ ...weekly, [end]: event.currentTarget.value })} /></label>
          ))}
        </>
      ) : null}
    </fieldset>
  );
}
