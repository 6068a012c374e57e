// The page: polls the fleet, keeps what is on screen in step with it, and says so when it cannot.

import { ApiError, forgetAnswers, get, getAll, takeTokenFromAddress, token } from "./api.js";
import { Budgets } from "./budgets.js";
import { Details } from "./details.js";
import { duration, element, setText } from "./format.js";
import { agentOf, fleetOf } from "./model.js";
import * as states from "./states.js";
import { Tiles } from "./tiles.js";
import { Totals } from "./totals.js";
import { knownTags, readView, writeView } from "./view.js";

const EVERY_MS = 5_000;
const STALE_MS = 60_000; // four missed ticks of the service
const at = (id) => document.getElementById(id);

const page = {
  view: readView(),
  agents: null, // null until the first answer
  fleet: null,
  selector: null, // what `agents` and `fleet` were asked for
  failure: null, // ApiError of the last poll
  round: null, // AbortController of the poll under way
  timer: 0,
};
const tiles = new Tiles(at("groups"));
const details = new Details(at("details"), tiles, Date.now);
const budgets = new Budgets(at("budgets"));
const totals = new Totals(at("counts"), at("totals"), toggleHealth);

async function poll() {
  clearTimeout(page.timer);
  page.round?.abort();
  if (!token.get()) return;
  const round = (page.round = new AbortController());
  const changed = await fetchFleet(round.signal);
  if (round.signal.aborted) return;
  if (changed) renderFleet();
  renderStatus();
  if (page.failure?.kind !== "token" && page.failure?.kind !== "permission") page.timer = setTimeout(poll, EVERY_MS);
}

// True when there is something new to draw.
async function fetchFleet(signal) {
  const query = { tags: page.view.tags };
  try {
    const [agents, summary] = await Promise.all([getAll("api/dashboard/instances", "instances", query, signal), get("api/dashboard/summary", query, signal)]);
    // "Not changed" is said of the last answer to the same question, which need not be what is on screen.
    const first = page.agents === null || page.failure !== null || page.selector !== query.tags;
    page.failure = null;
    if (!first && !agents.changed && !summary.changed) return false;
    page.agents = agents.rows.map(agentOf);
    page.fleet = fleetOf(summary.body);
    page.selector = query.tags;
    return true;
  } catch (error) {
    if (signal.aborted) return false;
    page.failure = error instanceof ApiError ? error : new ApiError("server", String(error.message ?? error));
    return false;
  }
}

function renderFleet() {
  const { agents, fleet, view } = page;
  const shown = view.health.length ? agents.filter((agent) => view.health.includes(agent.status)) : agents;
  const state = emptyState(agents, shown);
  if (state) {
    details.hide();
    states.showState(state);
  } else {
    states.showBoard();
  }
  totals.render(countsOf(agents), view.health, fleet);
  if (budgets.render(fleet.budgets)) tiles.fit();
  tiles.render(shown, view.by, Date.now());
  details.refresh();
  offerTags(agents);
}

function emptyState(agents, shown) {
  const { tags, health } = page.view;
  if (shown.length) return null;
  if (!agents.length && !tags) return { ...states.noAgents, code: states.noAgents.code(new URL("..", import.meta.url).href.replace(/\/$/, "")) };
  return states.noMatch([tags, ...health].filter(Boolean).join(" and "), () => show({ tags: "", health: [] }));
}

function countsOf(agents) {
  const counts = {};
  for (const agent of agents) counts[agent.status] = (counts[agent.status] ?? 0) + 1;
  return counts;
}

// Where the connection and the data stand: in words, and as a mark on stale figures.
function renderStatus() {
  const { failure, fleet, agents } = page;
  at("filters").hidden = at("sign-out").hidden = !token.get();
  const inputError = failure?.kind === "input";
  at("tags-error").hidden = !inputError;
  setText(at("tags-error"), inputError ? `The filter is not valid: ${failure.message}` : "");
  at("tags").setAttribute("aria-invalid", String(inputError));
  if (failure?.kind === "token") return signOut(`${failure.message} Enter another token.`);
  if (failure?.kind === "permission") return block(states.noPermission(failure.message));
  if (failure && !inputError && agents === null) block(failure.kind === "offline" ? states.offline(failure.message, poll) : states.failed(failure.message, poll));
  const age = fleet?.time == null ? null : Date.now() - fleet.time;
  const stale = age !== null && age > STALE_MS;
  document.body.classList.toggle("stale", Boolean(stale || (failure && !inputError)));
  showLink(failure && !inputError ? failure : null, stale, age);
  showNotices(stale, age);
  return undefined;
}

function showLink(failure, stale, age) {
  const link = at("link");
  if (failure) [link.dataset.link, link.title] = ["offline", failure.message];
  else [link.dataset.link, link.title] = [stale ? "late" : "live", age === null ? "" : `as of ${new Date(page.fleet.time).toISOString()}`];
  setText(link, failure ? (failure.kind === "offline" ? "Offline, trying again" : "Error, trying again") : stale ? "Data is late" : "Live");
}

function showNotices(stale, age) {
  const texts = [];
  if (page.failure && page.failure.kind !== "input" && page.agents) texts.push(`${page.failure.message} These are the last figures received${age === null ? "" : `, ${duration(age / 1000)} old`}.`);
  else if (stale) texts.push(`The figures are ${duration(age / 1000)} old: the service that computes them is late or stopped. A local cloud: try “clawpulse local logs”.`);
  texts.push(...(page.fleet?.warnings ?? []));
  const box = at("notices");
  if (box.dataset.texts === JSON.stringify(texts)) return;
  box.dataset.texts = JSON.stringify(texts);
  box.replaceChildren(...texts.map((text) => element("p", { className: "notice", textContent: text })));
  tiles.fit();
}

function offerTags(agents) {
  const { keys, pairs } = knownTags(agents);
  const chosen = page.view.by && !keys.includes(page.view.by) ? [...keys, page.view.by] : keys;
  replaceOptions(at("by"), [["", "nothing"], ...chosen.map((key) => [key, key])]);
  at("by").value = page.view.by;
  if (!page.view.tags) replaceOptions(at("known-tags"), pairs.map((pair) => [pair, pair]));
}

function replaceOptions(list, options) {
  const key = JSON.stringify(options);
  if (list.dataset.options === key) return;
  list.dataset.options = key;
  list.replaceChildren(...options.map(([value, text]) => element("option", { value, textContent: text })));
}

// Changes what is shown; only another selector needs the API again.
function show(change) {
  const before = page.view;
  page.view = { ...before, ...change };
  writeView(page.view);
  if (at("tags") !== document.activeElement || !page.view.tags) at("tags").value = page.view.tags;
  if (page.view.tags !== before.tags) poll();
  else if (page.agents) renderFleet();
}

function toggleHealth(status) {
  const { health } = page.view;
  show({ health: health.includes(status) ? health.filter((one) => one !== status) : [...health, status] });
}

function signOut(reason) {
  page.round?.abort();
  clearTimeout(page.timer);
  token.forget();
  forgetAnswers();
  page.failure = null;
  block(states.signIn(reason));
}

// A state that ends polling: nothing of the fleet stays on screen, or comes back to it.
function block(state) {
  Object.assign(page, { agents: null, fleet: null });
  details.hide();
  at("filters").hidden = at("sign-out").hidden = !token.get();
  setText(at("link"), "");
  at("notices").replaceChildren();
  delete at("notices").dataset.texts;
  document.body.classList.remove("stale");
  states.showState(state);
}

function start() {
  takeTokenFromAddress();
  at("tags").value = page.view.tags;
  if (!token.get()) return block(states.signIn());
  states.showState(states.loading);
  return poll();
}

function onSignIn(event) {
  event.preventDefault();
  token.set(at("token").value.trim());
  at("token").value = "";
  restart();
}

// With another token, which may see other agents.
function restart() {
  forgetAnswers();
  Object.assign(page, { agents: null, fleet: null, failure: null });
  start();
}

let typing = 0;
at("tags").addEventListener("input", () => { clearTimeout(typing); typing = setTimeout(() => show({ tags: at("tags").value.trim() }), 300); });
at("filters").addEventListener("submit", (event) => { event.preventDefault(); clearTimeout(typing); show({ tags: at("tags").value.trim() }); });
at("by").addEventListener("change", () => show({ by: at("by").value }));
at("sign-in").addEventListener("submit", onSignIn);
at("sign-out").addEventListener("click", () => signOut());
document.addEventListener("keydown", (event) => {
  if (event.key !== "/" || event.ctrlKey || event.metaKey || event.target.closest("input, select, textarea")) return;
  event.preventDefault();
  at("tags").focus();
  at("tags").select();
});
addEventListener("resize", () => requestAnimationFrame(() => tiles.fit()));
addEventListener("online", poll);
addEventListener("hashchange", () => { if (location.hash.includes("token=")) restart(); });
document.addEventListener("visibilitychange", () => { if (!document.hidden && page.agents) poll(); });
start();
