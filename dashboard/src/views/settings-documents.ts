// The documents of a workspace that are edited as a whole: what each is for, and one to begin with.

export interface Doc {
  name: string; // in the address, and of the API's path
  label: string;
  about: string;
  example: unknown;
}

export interface Group {
  label: string;
  documents: readonly Doc[];
}

const TELLING: readonly Doc[] = [
  { name: "channels", label: "Channels", about: "Where messages go. Secrets are named, never written here: they stay in AWS Secrets Manager or Vault.", example: { oncall: { kind: "slack", channel: "C0123456789", secret: { secretsmanager: "clawpulse/slack", key: "token" } } } },
  { name: "routes", label: "Routes", about: "Which alerts go to which channels. Without any, all alerts go to every channel.", example: { routes: [{ name: "pages", match: "severity=critical", channels: ["oncall"] }] } },
  { name: "inhibitions", label: "Inhibitions", about: "Which alerts are not told while others fire.", example: { inhibitions: [{ source: "rule=dead-agent", target: "severity=warning", equal: ["agent"] }] } },
  { name: "dead-man", label: "Dead man's switch", about: "An address outside that is called as long as alerts are evaluated; whoever listens there raises the alarm when the calls stop.", example: { url: "https://hc-ping.com/…", every: "60s" } },
  { name: "rollout-notices", label: "Rollout notices", about: "Which channels are told of rollouts, and of what. Empty: every channel of what matters.", example: { channels: ["oncall"], events: ["approval", "held"] } },
];

const MONEY: readonly Doc[] = [
  { name: "budgets", label: "Budgets", about: "What groups may use in an hour, a day or a month, by the selector of each group; and what happens when it is used up.", example: { "tier=smart": { tokens_per_day: 1_000_000, usd_per_day: 50, warn: 0.8 }, "": { usd_per_month: 900 } } },
  { name: "prices", label: "Prices", about: "Your own prices, in USD per million tokens; models that are not named have those of the list.", example: { version: "contract 2026-11", models: [{ match: "claude-*", input: 2.4, output: 12 }] } },
];

const CHANGING: readonly Doc[] = [
  { name: "rollout-policy", label: "Rollout policy", about: "How rollouts go that say nothing else: waves, how long each is watched, what has to be approved. What is left out is as usual.", example: { waves: ["1", "5", "25%", "100%"], bake_s: 600, approve: ["stage:prod"] } },
  { name: "freezes", label: "Freezes", about: "When no wave begins: once or every week, in UTC.", example: { freezes: [{ reason: "weekend", weekly: { days: ["sat", "sun"], from: "00:00", to: "24:00" } }] } },
  { name: "key-settings", label: "Keys of providers", about: "The providers whose API keys are rotated, and how old a key may become. Secrets are named, never written here.", example: { anthropic: { kind: "anthropic", max_age_days: 60 } } },
];

const MEASURING: readonly Doc[] = [
  { name: "settings", label: "Dimensions, health, inventory", about: "By which tags figures are kept, when an agent has which colour, and whether unexpected agents are shadows (strict).", example: {} },
  { name: "slos", label: "Objectives", about: "What the fleet promises; reports measure it. Without any, the usual objectives hold.", example: { slos: [{ name: "Answers", kind: "success", tags: "tier=fast", target: 0.98 }] } },
  { name: "report-schedule", label: "Report schedule", about: "When reports come by themselves, and who is told. Empty: one each Monday.", example: { reports: [{ name: "weekly", day: "monday", hour: 7, channels: ["oncall"] }] } },
  { name: "provider-limits", label: "Limits of providers", about: "Requests and tokens a minute that a provider grants to a key; capacity is planned below them.", example: { limits: [{ name: "prod", provider: "anthropic", requests_per_minute: 4_000 }] } },
  { name: "capacity-settings", label: "Capacity", about: "How tiers are planned: kind, utilization, headroom, tasks an agent does at a time, what an agent costs.", example: { agent_usd_per_month: 12.5, tiers: { nightly: { kind: "batch" } } } },
  { name: "scaling-policy", label: "Scaling", about: "How groups scale, between which counts.", example: { groups: { fast: { tags: "tier=fast", min: 2, max: 20 } } } },
];

export const GROUPS: readonly Group[] = [
  { label: "Telling people", documents: TELLING },
  { label: "Money", documents: MONEY },
  { label: "Changing the fleet", documents: CHANGING },
  { label: "Measuring", documents: MEASURING },
];

export const documentOf = (name: string): Doc | undefined => GROUPS.flatMap((group) => group.documents).find((one) => one.name === name);
