// How many agents each tier needs, what if it were different, and what the plan is made from.

import type { JSX } from "preact";
import { useRange } from "../lib/range.ts";
import { route, show } from "../lib/route.ts";
import { Choices } from "../ui/basics.tsx";
import { RangeChoice } from "../ui/range.tsx";
import { CapacityPlan } from "./capacity-plan.tsx";
import { CapacityTracker } from "./capacity-tracker.tsx";

export default function Capacity(): JSX.Element {
  const range = useRange();
  const part = route.value.query.part === "tracker" ? "tracker" : "plan";
  return (
    <>
      <h2 class="unseen">Capacity</h2>
      <div class="bar parts">
        <Choices label="Part" value={part} options={[{ value: "plan", label: "Plan" }, { value: "tracker", label: "Tracker" }]} onChoose={(name) => show({ part: name === "plan" ? undefined : name, sort: undefined })} />
        <RangeChoice range={range} ranges={["24h", "3d", "7d"]} />
      </div>
      {part === "plan" ? <CapacityPlan range={range} /> : <CapacityTracker range={range} />}
    </>
  );
}
