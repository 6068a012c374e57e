// In which order tiles stand.

import type { JSX } from "preact";
import type { Agent } from "../lib/fleet.ts";
import { HEALTH, type Maybe } from "../lib/format.ts";
import { show } from "../lib/route.ts";

export type Compare = (a: Agent, b: Agent) => number;

export const byText = new Intl.Collator("en", { numeric: true }).compare;
const byName: Compare = (a, b) => byText(a.name, b.name) || byText(a.id, b.id);
// What is not known stands last.
const most = (of: (agent: Agent) => Maybe): Compare => (a, b) => (of(b) ?? -1) - (of(a) ?? -1) || byName(a, b);

export const ORDERS = {
  name: ["name", byName],
  health: ["health, worst first", (a: Agent, b: Agent) => HEALTH.indexOf(a.status) - HEALTH.indexOf(b.status) || byName(a, b)],
  errors: ["most errors", most((agent) => agent.errorRate)],
  p95: ["slowest", most((agent) => agent.p95)],
  tasks: ["most tasks", most((agent) => agent.tasksPerMinute)],
  cost: ["dearest", most((agent) => agent.costPerHour)],
} as const satisfies Record<string, readonly [string, Compare]>;

export type OrderName = keyof typeof ORDERS;
export const orderOf = (name: string | undefined): OrderName => (name && Object.hasOwn(ORDERS, name) ? (name as OrderName) : "name");

export function Order({ value }: { value: OrderName }): JSX.Element {
  return (
    <label class="field order"><span>Order</span>
      <select value={value} onChange={(event) => show({ order: event.currentTarget.value === "name" ? undefined : event.currentTarget.value })}>
        {Object.entries(ORDERS).map(([name, [label]]) => <option key={name} value={name}>{label}</option>)}
      </select>
    </label>
  );
}
