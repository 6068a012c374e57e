// What stands in place of the fleet when there is none to show, and what to do about it.

import { setText } from "./format.js";

const at = (id) => document.getElementById(id);

// {symbol, title, text, code?, action?: [label, function], signIn?: boolean}
export function showState({ symbol, title, text, code, action, signIn = false }) {
  at("board").hidden = true;
  at("state").hidden = false;
  setText(at("state-symbol"), symbol);
  setText(at("state-title"), title);
  setText(at("state-text"), text);
  at("state-code").hidden = !code;
  setText(at("state-code"), code ?? "");
  at("state-action").hidden = !action;
  setText(at("state-action"), action?.[0] ?? "");
  at("state-action").onclick = action?.[1] ?? null;
  const opened = signIn && at("sign-in").hidden;
  at("sign-in").hidden = !signIn;
  if (opened) at("token").focus();
}

export function showBoard() {
  at("state").hidden = true;
  at("board").hidden = false;
}

export const loading = { symbol: "…", title: "Loading the fleet", text: "Asking the API for every agent." };

export const signIn = (reason) => ({
  symbol: "",
  title: "Sign in",
  text: reason ?? "Enter a token with the scope “read”. It stays in this tab only. Make one with: clawpulse token create --scope read",
  signIn: true,
});

export const noPermission = (reason) => ({
  symbol: "■",
  title: "This token may not see the fleet",
  text: `${reason} Sign in with a token that has the scope “read”.`,
  signIn: true,
});

export const offline = (reason, retry) => ({
  symbol: "■",
  title: "The API cannot be reached",
  text: `${reason} This page tries again every few seconds. A local cloud: try “clawpulse local status”.`,
  action: ["Try now", retry],
});

export const failed = (reason, retry) => ({
  symbol: "▲",
  title: "The API answered with an error",
  text: `${reason} This page tries again every few seconds.`,
  action: ["Try now", retry],
});

export const noAgents = {
  symbol: "○",
  title: "No agent yet",
  text: "An agent appears here within seconds of its first batch. In an agent's environment:",
  code: (url) => `pip install clawpulse\nexport CLAWPULSE_URL=${url}\nexport CLAWPULSE_TOKEN=cp_…   # clawpulse token create --scope ingest\n\nfrom clawpulse import cp_event\ncp_event("task.started", tags={"task_id": "1"})`,
};

export const noMatch = (what, clear) => ({
  symbol: "∅",
  title: "No agent matches",
  text: `Nothing fits ${what}.`,
  action: ["Show all agents", clear],
});
