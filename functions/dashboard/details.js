// The card with all that is known of one agent: follows hover and focus, stays after a click until Escape.

import { SYMBOL, dollars, element, milliseconds, number, percent, since } from "./format.js";

const MARGIN = 8;

export class Details {
  constructor(root, tiles, now) {
    Object.assign(this, { root, tiles, now, shown: null, pinned: false });
    const board = tiles.root;
    const idOf = (event) => event.target.closest?.(".tile")?.dataset.agent;
    board.addEventListener("pointerover", (event) => { if (event.pointerType === "mouse" && idOf(event)) this.#hover(idOf(event)); });
    board.addEventListener("pointerleave", () => this.#hover(null));
    board.addEventListener("focusin", (event) => { if (event.target.matches(":focus-visible")) this.#hover(idOf(event)); });
    board.addEventListener("focusout", () => this.#hover(null));
    board.addEventListener("click", (event) => { if (idOf(event)) this.#toggle(idOf(event)); });
    document.addEventListener("keydown", (event) => { if (event.key === "Escape") this.hide(); });
    document.addEventListener("click", (event) => { if (this.pinned && !event.target.closest(".tile, #details")) this.hide(); });
  }

  // Brings the open card up to date; closes it when its agent is gone.
  refresh() {
    if (this.shown && !this.tiles.agent(this.shown)) this.hide();
    else if (this.shown) this.#fill();
  }

  hide() {
    this.shown = null;
    this.pinned = false;
    this.root.hidden = true;
    delete this.root.dataset.pinned;
  }

  #hover(id) {
    if (this.pinned) return;
    if (id) this.#show(id);
    else this.hide();
  }

  #toggle(id) {
    if (this.pinned && this.shown === id) return this.hide();
    this.pinned = true;
    this.root.dataset.pinned = "";
    return this.#show(id);
  }

  #show(id) {
    this.shown = id;
    this.#fill();
    this.root.hidden = false;
    const tile = this.tiles.node(id).getBoundingClientRect();
    const card = this.root.getBoundingClientRect();
    const below = tile.bottom + MARGIN + card.height <= window.innerHeight;
    const top = below ? tile.bottom + MARGIN : tile.top - MARGIN - card.height;
    const left = Math.min(tile.left, window.innerWidth - card.width - MARGIN);
    this.root.style.setProperty("--top", `${Math.max(MARGIN, top)}px`);
    this.root.style.setProperty("--left", `${Math.max(MARGIN, left)}px`);
  }

  #fill() {
    const agent = this.tiles.agent(this.shown);
    this.root.dataset.health = agent.status;
    const head = element("h3", {}, element("span", { className: "symbol", textContent: SYMBOL[agent.status] }), ` ${agent.name}`);
    const why = element("p", { className: "why", textContent: `${agent.reason} · ${agent.status} for ${since(agent.since, this.now())}` });
    const list = element("dl");
    for (const [name, value] of rows(agent, this.now())) if (value) list.append(element("dt", { textContent: name }), element("dd", { textContent: value }));
    this.root.replaceChildren(head, why, list);
  }
}

function rows(agent, now) {
  const pairs = (map) => Object.entries(map).map(([key, value]) => `${key}=${value}`).join("  ");
  return [
    ["Id", agent.id === agent.name ? "" : agent.id],
    ["Last seen", agent.lastSeen == null ? "never" : `${since(agent.lastSeen, now)} ago`],
    ["Tasks/min", number(agent.tasksPerMinute)],
    ["Error rate", percent(agent.errorRate)],
    ["Latency", agent.p95 == null ? "–" : `p50 ${milliseconds(agent.p50)}, p95 ${milliseconds(agent.p95)}, p99 ${milliseconds(agent.p99)}`],
    ["Tokens/min", number(agent.tokensPerMinute)],
    ["Cost/h", dollars(agent.costPerHour)],
    ["Queue", agent.queueDepth == null ? "" : number(agent.queueDepth)],
    ["Tags", pairs(agent.tags)],
    ["Owner", agent.owner],
    ["Model", agent.model],
    ["Host", agent.host],
    ["Versions", pairs(agent.versions)],
    ["Shadow", agent.shadow],
  ];
}
