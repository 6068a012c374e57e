// Budgets that warn or more: a line each, the gravest first, as the API orders them.

import { dollars, element, number, percent } from "./format.js";

const HEALTH = { warn: "yellow", alert: "red", act: "red" };
const SYMBOL = { warn: "▲", alert: "■", act: "■" };

export class Budgets {
  constructor(list) {
    this.list = list;
    this.shown = "[]";
  }

  // True when the lines are others than before.
  render(budgets) {
    const now = JSON.stringify(budgets);
    if (now === this.shown) return false;
    this.shown = now;
    this.list.replaceChildren(...budgets.map(line));
    this.list.hidden = !budgets.length;
    return true;
  }
}

function line(budget) {
  const figures = `${amount(budget, budget.used)} of ${amount(budget, budget.limit)}`;
  const item = element("li", { title: budget.reason },
    element("span", { className: "symbol", textContent: SYMBOL[budget.level] }), ` ${budget.group || "workspace"} ${words(budget.budget)}: `,
    element("b", { textContent: percent(budget.share) }), ` · ${[figures, ...more(budget)].join(" · ")}`);
  item.dataset.health = HEALTH[budget.level];
  return item;
}

function more(budget) {
  const forecast = budget.forecast == null ? [] : [`at this rate ${amount(budget, budget.forecast)}`];
  const { act, agent } = budget;
  return [...(agent ? [agent] : []), ...forecast, ...(act?.state ? [`${act.does}: ${act.state}`] : []), ...(act?.detail ? [act.detail] : [])];
}

const words = (name) => name.replace("usd", "dollars").replace("_per_", " of the ").replace("_percent", " of an agent");
const amount = ({ budget }, value) => (budget.startsWith("usd") ? dollars(value) : budget.endsWith("percent") ? percent(value / 100) : number(value));
