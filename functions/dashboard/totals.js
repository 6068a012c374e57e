// Counts by health, which filter when pressed, and the fleet's figures.

import { HEALTH, SYMBOL, dollars, element, milliseconds, number, percent, setText } from "./format.js";

export class Totals {
  constructor(counts, list, toggle) {
    this.buttons = new Map(HEALTH.map((status) => [status, makeCount(status, () => toggle(status))]));
    counts.replaceChildren(...this.buttons.values());
    this.list = list;
    this.cells = new Map();
  }

  // `counts` by colour of what the tag filter leaves; `chosen` colours are pressed.
  render(counts, chosen, fleet) {
    for (const [status, button] of this.buttons) {
      setText(button.querySelector("b"), String(counts[status] ?? 0));
      button.setAttribute("aria-pressed", String(chosen.includes(status)));
      button.setAttribute("aria-label", `${counts[status] ?? 0} ${status}`);
    }
    for (const [name, value] of figures(fleet)) this.#cell(name, value);
  }

  #cell(name, value) {
    if (!this.cells.has(name)) {
      const shown = element("dd");
      this.list.append(element("div", {}, element("dt", { textContent: name }), shown));
      this.cells.set(name, shown);
    }
    setText(this.cells.get(name), value);
  }
}

function makeCount(status, onclick) {
  const button = element("button", { type: "button", className: "count", onclick },
    element("span", { className: "symbol", textContent: SYMBOL[status] }), element("b", { textContent: "0" }), element("span", { className: "word", textContent: status }));
  button.dataset.health = status;
  return button;
}

function figures(fleet) {
  return [
    ["agents", number(fleet.agents)],
    ["tasks/min", number(fleet.tasksPerMinute)],
    ["error rate", percent(fleet.errorRate)],
    ["p50", milliseconds(fleet.p50)],
    ["p95", milliseconds(fleet.p95)],
    ["p99", milliseconds(fleet.p99)],
    ["tokens/min", number(fleet.tokensPerMinute)],
    ["$/hour", dollars(fleet.costPerHour)],
  ];
}
