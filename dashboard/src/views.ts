// The views of the page: where they stand in the menu, what opens them, and the part that is loaded when one is opened.

import type { ComponentType } from "preact";

export interface View {
  name: string; // in the address
  label: string;
  key?: string; // opens it after g
  // Not in the menu: reached from another view, which stays marked.
  under?: string;
  load: () => Promise<{ default: ComponentType }>;
}

export const VIEWS: readonly View[] = [
  { name: "fleet", label: "Fleet", key: "f", load: () => import("./views/fleet.tsx") },
  { name: "agents", label: "Agent", under: "fleet", load: () => import("./views/agent.tsx") },
  { name: "tasks", label: "Tasks", key: "t", load: () => import("./views/tasks.tsx") },
  { name: "errors", label: "Errors", key: "e", load: () => import("./views/errors.tsx") },
  { name: "alerts", label: "Alerts", key: "a", load: () => import("./views/alerts.tsx") },
  { name: "incidents", label: "Incidents", key: "i", load: () => import("./views/incidents.tsx") },
  { name: "rules", label: "Rules", key: "u", load: () => import("./views/rules.tsx") },
  { name: "cost", label: "Cost", key: "c", load: () => import("./views/cost.tsx") },
  { name: "capacity", label: "Capacity", key: "p", load: () => import("./views/capacity.tsx") },
  { name: "scaling", label: "Scaling", key: "s", load: () => import("./views/scaling.tsx") },
  { name: "reports", label: "Reports", load: () => import("./views/reports.tsx") },
  { name: "rollouts", label: "Rollouts", key: "r", load: () => import("./views/rollouts.tsx") },
  { name: "rotations", label: "Keys", key: "k", load: () => import("./views/rotations.tsx") },
  { name: "topology", label: "Topology", key: "y", load: () => import("./views/topology.tsx") },
  { name: "settings", label: "Settings", key: "o", load: () => import("./views/settings.tsx") },
];
