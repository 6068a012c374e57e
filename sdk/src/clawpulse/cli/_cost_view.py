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


def repriced(answer: Any) -> RenderableType:
    """What repricing changed, or would change."""
    verb = "would be priced" if answer["dryRun"] else "were priced"
    head = f"{out.clock(answer['start'])} to {out.clock(answer['end'])} UTC: {answer['hoursChanged']:,} hours {verb} anew"
    before, after = ({source["source"]: source for source in answer[when]["sources"]} for when in ("before", "after"))
    columns = ("tasks before", "USD before", "tasks after", "USD after")
    made = out.table("price list", *columns, right=columns)
    for name in sorted(before.keys() | after.keys()):
        out.add_row(made, (name, *_sides(before.get(name)), *_sides(after.get(name))))
    unpriced = [out.number(answer[when]["unpricedTasks"], 0) for when in ("before", "after")]
    out.add_row(made, ("unpriced", unpriced[0], out.MISSING, unpriced[1], out.MISSING))
    hint = [Text("Nothing is changed yet: --apply does it.")] if answer["dryRun"] and answer["hoursChanged"] else []
    return Group(Text(head, style="bold"), made, *hint, *notes(answer))


def together(one: Any, other: Any) -> dict[str, Any]:
    """Two answers about hours that follow each other as one."""
    sides = {when: _tally(one[when], other[when]) for when in ("before", "after")}
    changed = one["hoursChanged"] + other["hoursChanged"]
    return {**other, **sides, "start": one["start"], "hoursChanged": changed, "notes": one["notes"] + other["notes"]}


def _tally(one: Any, other: Any) -> dict[str, Any]:
    sources: dict[str, Any] = {}
    for source in (*one["sources"], *other["sources"]):
        known = sources.get(source["source"], {"tasks": 0, "usd": 0.0})
        sources[source["source"]] = {**source, "tasks": known["tasks"] + source["tasks"], "usd": known["usd"] + source["usd"]}
    known_usd = [side["usd"] for side in (one, other) if side["usd"] is not None]
    unpriced = {name: one[name] + other[name] for name in ("unpricedTasks", "unpricedTokens")}
    return {"usd": sum(known_usd) if known_usd else None, "sources": list(sources.values()), **unpriced}


def _sides(source: Any) -> tuple[str, str]:
    return (out.MISSING, out.MISSING) if source is None else (f"{source['tasks']:,}", usd(source["usd"]))


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
