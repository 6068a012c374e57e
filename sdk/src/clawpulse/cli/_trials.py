"""How the trials of rules look: a replay, unit tests, an audit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from clawpulse.cli import _output as out


def backtest(answer: Any) -> RenderableType:
    """The alerts that would have been, and what they come to."""
    episodes = answer["episodes"]
    parts: list[RenderableType] = [*([_episodes(answer)] if episodes else []), _summary(answer)]
    if answer["minutesFrom"] != answer["start"]:
        parts.append(Text(f"Before {out.clock(answer['minutesFrom'])} only hours are stored: times there (~) are true to the hour."))
    if answer["stepMinutes"] > 1:
        parts.append(Text(f"Evaluated every {answer['stepMinutes']} minutes, for there is much to read."))
    parts += [Text(out.plain(note)) for note in answer["notes"]]
    return Group(*parts)


def _episodes(answer: Any) -> RenderableType:
    right = ("for", "value", "threshold", "spent until told", "in all")
    made = out.table("fired (UTC)", "for", "series", "value", "threshold", "spent until told", "in all", "reason", right=right)
    for one in answer["episodes"]:
        fired = ("~" if one["coarse"] else "") + out.clock(one["fired"])
        figures = (
            out.number(one["value"], 3),
            out.number(one["threshold"], 3),
            out.money(one["toPage"]["usd"]),
            out.money(one["inAll"]["usd"]),
        )
        out.add_row(made, (fired, _length(one, answer), out.tags(one["series"]), *figures, one["reason"]))
    return made


def _length(one: Any, answer: Any) -> str:
    end = out.parse_time(one["resolved"] or answer["end"])
    return ("" if one["resolved"] else "> ") + (out.ago(one["fired"], end) if end else out.MISSING)


def _summary(answer: Any) -> Text:
    known = [one["toPage"]["usd"] for one in answer["episodes"] if one["toPage"]["usd"] is not None]
    spent = f", {out.money(sum(known))} spent until they were told" if known else ""
    count = "no page" if not answer["total"] else "1 page" if answer["total"] == 1 else f"{answer['total']} pages"
    more = f" (the first {len(answer['episodes'])} are shown)" if answer["total"] > len(answer["episodes"]) else ""
    return Text(f"{out.plain(answer['rule'])}: {count}{more} from {out.clock(answer['start'])} to {out.clock(answer['end'])} UTC{spent}")


def print_tests(results: Sequence[Any]) -> None:
    """A line for each test, and for each that failed what was found."""
    for result in results:
        print(out.plain(f"{'ok  ' if result['passed'] else 'FAIL'} {result['file']}: {result['name']}"))
        for failure in result["failures"]:
            for line in failure.splitlines():
                print(out.plain(f"     {line}"))
    failed = sum(not result["passed"] for result in results)
    print(f"{len(results) - failed} passed, {failed} failed")


def audit(answer: Any) -> RenderableType:
    """Findings, and what to do about each."""
    time = f"{answer['rules']} rules, {out.clock(answer['start'])} to {out.clock(answer['end'])} UTC"
    if not answer["findings"]:
        return Text(f"{time}: nothing to find fault with")
    made = out.table("rule", "what", "found", "proposal")
    for finding in answer["findings"]:
        out.add_row(made, (finding["rule"], finding["fault"], finding["text"], finding["proposal"]))
    return Group(made, Text(time))
