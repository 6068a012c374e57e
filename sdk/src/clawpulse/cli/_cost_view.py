"""How costs look."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from clawpulse.cli import _output as out

_FIGURES = ("cost", "reported", "priced", "tasks", "unpriced", "tokens")


def ledger(answer: Any) -> RenderableType:
    """The ledger: a line a group, the total, where it comes from, and what is not in it."""
    head = Text(f"{out.clock(answer['start'])} to {out.clock(answer['end'])} UTC", style="bold")
    if not answer["lines"]:
        return Group(head, Text("No tasks in this time."), *notes(answer))
    steps = [""] if answer["lines"][0]["points"] is not None else []
    made = out.table("tags", *steps, *_FIGURES, right=_FIGURES)
    for line in answer["lines"]:
        course = [out.sparkline([usd for _, usd in line["points"]])] if steps else []
        out.add_row(made, (out.tags(line["tags"]), *course, *_figures(line)))
    if len(answer["lines"]) > 1:
        out.add_row(made, ("total", *steps, *_figures(answer["total"])))
    return Group(head, made, *_sources(answer["total"]), *_unpriced(answer["unpricedModels"]), *notes(answer))


def notes(answer: Any) -> Iterable[Text]:
    """What an answer leaves out."""
    return [Text(f"! {out.plain(note)}", style="yellow") for note in answer["notes"]]


def usd(value: float | None) -> str:
    """Dollars; small amounts with more digits."""
    return out.money(value, 2 if value is None or value == 0 or abs(value) >= 1 else 4)


def _figures(account: Any) -> tuple[str, ...]:
    money = (usd(account[name]) for name in ("usd", "reportedUsd", "pricedUsd"))
    tokens = sum(account["tokens"].values())
    return (*money, *(out.number(account[name], 0) for name in ("tasks", "unpricedTasks")), out.number(tokens, 0))


def _sources(total: Any) -> Iterable[Text]:
    for source in total["sources"]:
        name = source["source"] or "who priced it is not told"
        yield Text(f"{source['how']}: {usd(source['usd'])} of {source['tasks']:,} tasks ({out.plain(name)})")


def _unpriced(models: Any) -> Iterable[Text]:
    for one in models[:10]:
        text = f"! unpriced: {one['tasks']:,} tasks, {one['tokens']:,.0f} tokens of {out.plain(one['model'] or 'an unknown model')}"
        yield Text(text, style="yellow")
    if models:
        yield Text("  clawpulse cost prices FILE gives models a price, clawpulse cost reprice applies it to the past")
