// What tasks cost: by any tag, against budgets, against the week before, beside the provider's bill, and the bills of a month.

import type { ComponentType, JSX } from "preact";
import { route, show } from "../lib/route.ts";
import { Choices } from "../ui/basics.tsx";
import { CostAnomalies } from "./cost-anomalies.tsx";
import { CostBills } from "./cost-bills.tsx";
import { CostBurnDown } from "./cost-burn-down.tsx";
import { CostLedger } from "./cost-ledger.tsx";
import { CostReconciliation } from "./cost-reconciliation.tsx";
import { CostRegressions } from "./cost-regressions.tsx";

const PARTS: Record<string, { label: string; shows: ComponentType }> = {
  spent: { label: "Spent", shows: CostLedger },
  budgets: { label: "Burn-down", shows: CostBurnDown },
  regressions: { label: "Regressions", shows: CostRegressions },
  unusual: { label: "Unusual hours", shows: CostAnomalies },
  reconciliation: { label: "Provider's bill", shows: CostReconciliation },
  bills: { label: "Chargeback", shows: CostBills },
};

export default function Cost(): JSX.Element {
  const asked = route.value.query.part ?? "";
  const part = Object.hasOwn(PARTS, asked) ? asked : "spent";
  const { shows: Part } = PARTS[part] as { shows: ComponentType };
  return (
    <>
      <h2 class="unseen">Cost</h2>
      <div class="bar parts">
        <Choices label="Part" value={part} options={Object.entries(PARTS).map(([value, { label }]) => ({ value, label }))} onChoose={(name) => show({ part: name === "spent" ? undefined : name, sort: undefined })} />
      </div>
      <Part />
    </>
  );
}
