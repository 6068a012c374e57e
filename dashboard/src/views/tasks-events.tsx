// A task's events, oldest first, each with how long after the first it came.

import type { JSX } from "preact";
import { duration, time } from "../lib/format.ts";
import { useLive } from "../lib/live.ts";
import { Json, Panel, Time } from "../ui/basics.tsx";
import { Loaded } from "../ui/states.tsx";
import type { Task } from "../ui/work.tsx";

interface Event {
  name: string;
  time: string;
  payload: unknown;
  tags: Record<string, string>;
  attributes: Record<string, unknown>;
}

const AROUND_MS = 3_600_000; // events may come a while before or after the task's own figures
const MOST = 200;

export function TaskEvents({ task }: { task: Task }): JSX.Element {
  const [start, end] = [(time(task.firstTime) ?? 0) - AROUND_MS, (time(task.time) ?? 0) + AROUND_MS].map((ms) => new Date(ms).toISOString());
  const found = useLive<{ events: Event[]; next: string | null }>("api/events", { task: task.id, agent: task.agent, start, end, limit: MOST }, { every: 15_000, keep: true });
  return (
    <Panel title="Events">
      <Loaded live={found} what="its events">
        {({ events, next }) => (
          <>
            {next ? <p class="notice">Only the last {MOST} events are shown.</p> : null}
            {events.length ? <Story events={[...events].reverse()} /> : <p class="nothing">It told no event within an hour before and after.</p>}
          </>
        )}
      </Loaded>
    </Panel>
  );
}

function Story({ events }: { events: readonly Event[] }): JSX.Element {
  const first = time(events[0]?.time) ?? 0;
  return (
    <ol class="story">
      {events.map((event, index) => {
        const after = ((time(event.time) ?? 0) - first) / 1000;
        return (
          <li key={`${event.time} ${event.name} ${index}`}>
            <p><b>{event.name}</b> <span class="soft"><Time at={event.time} />{after > 0 ? ` · ${duration(after)} after the first` : ""}</span></p>
            {event.payload == null ? null : typeof event.payload === "string" ? <pre class="json">{event.payload}</pre> : <Json value={event.payload} />}
          </li>
        );
      })}
    </ol>
  );
}
