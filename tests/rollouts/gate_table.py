"""How often the gate errs, and how soon it sees harm: the tables of docs/gate.md.

python -m tests.rollouts.gate_table            # writes them there; ten minutes on two cores that others use, too
python -m tests.rollouts.gate_table --runs 50  # a quick look, printed only
"""

from __future__ import annotations

import argparse
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from functions.domain.tasks import COST, ERRORS, LATENCY
from tests.rollouts.gate_simulation import BAKE, Fleet, Harm, false_aborts, first_fails, upper_bound, waves_of

DOCUMENT = Path(__file__).parents[2] / "docs" / "gate.md"
BEGIN, END = "<!-- tables: python -m tests.rollouts.gate_table -->", "<!-- end of tables -->"
RUNS = 1000
SEED = 20261
TASKS = (10, 50, 200, 1000)
WAVE = 5
"""Agents of the waves that are harmed; the tasks are theirs together, in one bake."""


class Peace(NamedTuple):
    """A fleet whose change is harmless."""

    name: str
    fleet: Fleet
    share: float = 1.0
    """Of the runs: large fleets take long."""


PEACE = (
    Peace("40 agents, a task a minute each, 5 % errors", Fleet()),
    Peace("1 % errors", Fleet(errors=0.01)),
    Peace("30 % errors", Fleet(errors=0.3)),
    Peace("a task each five minutes", Fleet(rate=0.2)),
    Peace("4 agents", Fleet(agents=4)),
    Peace("12 agents, 5 tasks a minute", Fleet(agents=12, rate=5)),
    Peace("200 agents", Fleet(agents=200), 0.3),
    Peace("1000 agents (at most 250 of each side are read)", Fleet(agents=1000), 0.06),
    Peace("agents differ (levels by e^0.7)", Fleet(spread=0.7)),
    Peace("errors come in bursts (CV² 0.5 from one ten minutes to the next)", Fleet(bursts=0.5)),
    Peace("agents differ, heavy bursts (CV² 1)", Fleet(spread=0.7, bursts=1.0)),
    Peace("the same with 20 % errors", Fleet(spread=0.7, bursts=1.0, errors=0.2)),
    Peace("new agents: no past", Fleet(past=False)),
    Peace("new agents that differ, bursts (CV² 0.5)", Fleet(past=False, spread=0.7, bursts=0.5)),
    Peace("an incident in each bake: everybody fails 5 times as often, is 5 times as slow", Fleet(incident=5)),
    Peace("an incident (3 times), agents differ, bursts (CV² 0.5)", Fleet(incident=3, spread=0.7, bursts=0.5)),
)


class War(NamedTuple):
    """A change that harms."""

    name: str
    harm: Harm
    metric: str
    errors: float = 0.05


WAR = (
    *(
        War(f"errors × {times:g} of {100 * base:g} %", Harm(errors=times), ERRORS, base)
        for base in (0.02, 0.05, 0.1, 0.2)
        for times in (1.5, 2, 3, 5)
    ),
    War("everything fails", Harm(errors=1e6), ERRORS),
    War("latency × 1.5", Harm(latency=1.5), LATENCY),
    War("latency × 2", Harm(latency=2), LATENCY),
    War("cost × 2 of all tasks", Harm(dear=2, dear_share=1), COST),
    War("cost × 6 of 15 % of tasks", Harm(dear=6, dear_share=0.15), COST),
)


def peace_row(peace: Peace, runs: int) -> str:
    """A row of the first table."""
    amount = max(20, round(runs * peace.share))
    share = false_aborts(peace.fleet, amount, SEED)
    waves = " → ".join(map(str, waves_of(peace.fleet.agents)))
    return f"| {peace.name} | {waves} | {amount} | {100 * share:.2f} % | {100 * upper_bound(share, amount):.2f} % |"


def war_row(war: War, runs: int) -> str:
    """A row of the second table."""
    cells = []
    for tasks in TASKS:
        amount = max(20, runs // (2 if tasks < 1000 else 10))
        fleet = replace(Fleet(), rate=tasks / (WAVE * BAKE), errors=war.errors)
        minutes = first_fails(np.random.default_rng(SEED), fleet, WAVE, amount, war.harm, [war.metric])
        found = minutes[minutes > 0]
        cells.append(f"{100 * len(found) / amount:.0f} %, {np.median(found):.0f} min" if len(found) else "0 %")
    return f"| {war.name} | {' | '.join(cells)} |"


def tables(runs: int) -> str:
    """Both, as Markdown."""
    with ProcessPoolExecutor(2) as pool:
        peace, war = pool.map(peace_row, PEACE, [runs] * len(PEACE)), pool.map(war_row, WAR, [runs] * len(WAR))
        first = ["| harmless change | waves | rollouts | aborted | at most (97.5 %) |", "|---|---|---|---|---|", *peace]
        heads = " | ".join(f"{tasks} tasks" for tasks in TASKS)
        second = [f"| harm | {heads} |", "|---|" + "---|" * len(TASKS), *war]
    return "\n".join(first) + "\n\n" + "\n".join(second)


def main() -> None:
    """Print the tables; write them unless it was only a quick look."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, help=f"rollouts a row, instead of {RUNS}; the document is left as it is")
    runs = parser.parse_args().runs
    text = tables(runs or RUNS)
    print(text)
    if not runs:
        head, _, rest = DOCUMENT.read_text().partition(BEGIN)
        DOCUMENT.write_text(f"{head}{BEGIN}\n{text}\n{END}{rest.partition(END)[2]}")


if __name__ == "__main__":
    main()
