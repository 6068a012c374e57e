// The fleet as tiles: one button an agent, kept across updates, so that nothing flickers and focus stays where it is.

import { HEALTH, SYMBOL, element, milliseconds, number, setText, since } from "./format.js";

// Tile sizes, largest first: [name, least width, height] in px at a root font of 15 px; the same as in style.css, which has them in rem.
const SIZES = [["large", 168, 74], ["medium", 104, 44], ["small", 52, 34], ["dot", 20, 20]];
const ROOT_FONT = 15;
const GAP = 4;
const GROUP_HEAD = 34;

// The largest size at which all groups fit a place of this width and height, at a root font of 15 px.
export function sizeFor(counts, width, height, grouped) {
  const fits = ([, tileWidth, tileHeight]) => {
    const columns = Math.max(1, Math.floor((width + GAP) / (tileWidth + GAP)));
    const rows = counts.reduce((sum, count) => sum + Math.ceil(count / columns), 0);
    return rows * (tileHeight + GAP) + (grouped ? counts.length * GROUP_HEAD : 0) <= height;
  };
  return (SIZES.find(fits) ?? SIZES.at(-1))[0];
}

// Agents by the value of a tag, groups and agents by name; one group without a name when no tag is given.
export function grouped(agents, by) {
  const groups = new Map();
  for (const agent of agents) {
    const value = Object.hasOwn(agent.tags, by) ? agent.tags[by] : "";
    if (!groups.has(value)) groups.set(value, []);
    groups.get(value).push(agent);
  }
  const order = new Intl.Collator("en", { numeric: true }).compare;
  for (const members of groups.values()) members.sort((a, b) => order(a.name, b.name) || order(a.id, b.id));
  return [...groups].sort(([a], [b]) => (a === "") - (b === "") || order(a, b));
}

export class Tiles {
  constructor(root) {
    this.root = root;
    this.tiles = new Map(); // id -> {node, agent}
    this.sections = new Map(); // group -> section element
    root.addEventListener("keydown", (event) => this.#move(event));
    root.addEventListener("focusin", (event) => this.#makeTabStop(event.target.closest(".tile")));
  }

  agent(id) {
    return this.tiles.get(id)?.agent;
  }

  node(id) {
    return this.tiles.get(id)?.node;
  }

  render(agents, by, now) {
    const groups = grouped(agents, by);
    const wanted = new Set(agents.map((agent) => agent.id));
    for (const [id, { node }] of this.tiles) if (!wanted.has(id)) { node.remove(); this.tiles.delete(id); }
    place(this.root, groups.map(([value, members]) => this.#section(value, members, by, now)));
    for (const value of this.sections.keys()) if (!groups.some(([name]) => name === value)) this.sections.delete(value);
    this.resize(groups.map(([, members]) => members.length), Boolean(by));
    if (!this.root.querySelector('.tile button[tabindex="0"]')) this.#makeTabStop(this.root.querySelector(".tile"));
  }

  resize(counts, hasHeads) {
    this.layout = [counts, hasHeads];
    this.fit();
  }

  fit() {
    if (!this.layout) return;
    const top = this.root.getBoundingClientRect().top + window.scrollY;
    const scale = parseFloat(getComputedStyle(document.documentElement).fontSize) / ROOT_FONT;
    const room = Math.max(240, window.innerHeight - top - 16);
    const size = sizeFor(this.layout[0], this.root.clientWidth / scale, room / scale, this.layout[1]);
    if (this.root.dataset.size !== size) this.root.dataset.size = size;
  }

  #section(value, members, by, now) {
    let section = this.sections.get(value);
    if (!section) {
      section = element("section", { className: "group" }, element("h3"), element("div", { className: "grid" }));
      section.lastChild.setAttribute("role", "list");
      this.sections.set(value, section);
    }
    const [head, grid] = section.children;
    if (head.hidden !== !by) head.hidden = !by;
    setText(head, by ? `${value ? `${by}=${value}` : `no ${by}`} · ${summary(members)}` : "");
    place(grid, members.map((agent) => this.#tile(agent, now)));
    return section;
  }

  #tile(agent, now) {
    let entry = this.tiles.get(agent.id);
    if (!entry) this.tiles.set(agent.id, (entry = { node: makeTile(agent.id), agent: null }));
    entry.agent = agent;
    fill(entry.node, agent, now);
    return entry.node;
  }

  #makeTabStop(node) {
    if (!node || node === this.stop) return;
    if (this.stop) this.stop.firstChild.tabIndex = -1;
    node.firstChild.tabIndex = 0;
    this.stop = node;
  }

  // Arrow keys by geometry, because rows differ with the width of the window.
  #move(event) {
    const from = event.target.closest(".tile");
    if (!from) return;
    const all = [...this.root.querySelectorAll(".tile")];
    const to = neighbour(all, all.indexOf(from), event.key);
    if (!to) return;
    event.preventDefault();
    to.firstChild.focus();
    to.scrollIntoView({ block: "nearest" });
  }
}

function summary(members) {
  const counts = HEALTH.map((status) => [status, members.filter((agent) => agent.status === status).length]);
  return counts.filter(([, count]) => count).map(([status, count]) => `${SYMBOL[status]} ${count}`).join("  ");
}

function makeTile(id) {
  const button = element("button", { type: "button", tabIndex: -1 },
    element("span", { className: "symbol" }), element("span", { className: "name" }), element("span", { className: "figures" }));
  for (const child of button.children) child.setAttribute("aria-hidden", "true");
  const node = element("div", { className: "tile" }, button);
  node.setAttribute("role", "listitem");
  node.dataset.agent = id;
  return node;
}

function fill(node, agent, now) {
  const button = node.firstChild;
  const [symbol, name, figures] = button.children;
  if (node.dataset.health !== agent.status) node.dataset.health = agent.status;
  setText(symbol, SYMBOL[agent.status]);
  setText(name, agent.name);
  setText(figures, agent.status !== "green" || agent.tasksPerMinute == null ? agent.reason : `${number(agent.tasksPerMinute)}/min · p95 ${milliseconds(agent.p95)}`);
  const label = `${agent.name}, ${agent.status}: ${agent.reason}, since ${since(agent.since, now)}`;
  if (button.getAttribute("aria-label") !== label) button.setAttribute("aria-label", label);
}

// Makes `children` the children of `parent`, moving only what is out of order.
function place(parent, children) {
  let at = parent.firstChild;
  for (const child of children) {
    if (child === at) at = at.nextSibling;
    else parent.insertBefore(child, at);
  }
  while (at) {
    const gone = at;
    at = at.nextSibling;
    gone.remove();
  }
}

function neighbour(all, index, key) {
  if (key === "ArrowRight") return all[index + 1];
  if (key === "ArrowLeft") return all[index - 1];
  if (key === "Home") return all[0];
  if (key === "End") return all.at(-1);
  if (key !== "ArrowDown" && key !== "ArrowUp") return undefined;
  const here = all[index].getBoundingClientRect();
  const beyond = key === "ArrowDown" ? (box) => box.top >= here.bottom : (box) => box.bottom <= here.top;
  const distance = (box) => Math.abs(box.top - here.top) * 10_000 + Math.abs(box.left - here.left);
  let best, least = Infinity;
  for (const node of all) {
    const box = node.getBoundingClientRect();
    if (beyond(box) && distance(box) < least) [best, least] = [node, distance(box)];
  }
  return best;
}
