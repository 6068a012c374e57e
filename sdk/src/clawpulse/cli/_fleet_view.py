"""How plans, revisions and drift of the fleet repository look: for people, and as Markdown for pull requests."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from clawpulse.cli import _output as out
from clawpulse.cli import _rollout_view as rollouts

AGENTS = 5
"""That are named; of the others it is told how many there are."""
STYLES = {
    "in-sync": ("●", "green"),
    "pending": ("▶", "blue"),
    "asleep": ("○", "bright_black"),
    "unmanaged": ("○", "bright_black"),
    "failed": ("■", "red"),
    "overridden": ("▲", "yellow"),
    "unknown-to-repository": ("▲", "yellow"),
}
"""Symbol and colour: never colour alone."""
SETTLED = ("in-sync", "unmanaged")
_LINES = {"+": "green", "-": "red", "@": "cyan", "!": "yellow"}
_BACKTICKS = re.compile("`+")


def plan(found: Any) -> Iterator[str]:
    """What would change, line by line, which begin with what they are: `+`, `-`, `@` a place, `!` what to know, a space all else."""
    for group in found["groups"]:
        yield from _group(group)
    if found["moreGroups"]:
        yield f"! and {found['moreGroups']} more changes, each of few agents"
    yield from (f"! all {name} of the workspace are replaced by those of the repository" for name in found["settings"])
    yield f"  {summary(found)}"
    yield from _remarks(found)


def summary(found: Any) -> str:
    """How many agents change, in which waves."""
    if not found["changed"]:
        return f"No agent changes, {_count(found['unchanged'], 'agent')} {_stay(found['unchanged'])} as they are."
    waves = ", ".join(str(wave["agents"]) for wave in found["waves"]) + (", …" if found["moreWaves"] else "")
    begun = f"{_count(found['changed'], 'agent')} {'change' if found['changed'] > 1 else 'changes'}"
    return f"{begun} in waves of {waves}; {found['unchanged']} {_stay(found['unchanged'])} as they are."


def cost(found: Any) -> Iterator[str]:
    """What it would cost."""
    figures = found["cost"]
    if not figures["models"]:
        return
    covered = f"of {_count(figures['known'], 'agent')}, by their tokens of the last 7 days and {', '.join(figures['prices'])}"
    amount = "not known" if figures["usdPerMonth"] is None else f"{signed(figures['usdPerMonth'])} a month ({covered})"
    yield f"estimated cost: {amount}"
    for move in figures["models"]:
        usd = "not known" if move["usdPerMonth"] is None else signed(move["usdPerMonth"])
        yield f"  {_count(move['agents'], 'agent')} from {move['before'] or 'a model nobody knows'} to {move['after'] or 'its own'}: {usd}"
    for one in figures["unknown"]:
        yield f"  not in the estimate: {_count(one['agents'], 'agent')}: {one['reason']}"


def markdown(found: Any) -> str:
    """A plan as a comment of a pull request. What agents are told stands in a block that it cannot end."""
    head = [f"**{summary(found)}**", ""]
    head += [f"- {line.strip()}" for line in cost(found)]
    head += [f"- ⚠ {line[1:].strip()}" for line in plan(found) if line.startswith("!")]
    changes = [line for group in found["groups"] for line in _group(group)]
    body = "\n".join(map(out.plain, changes))
    longest = max((len(ticks) for ticks in _BACKTICKS.findall(body)), default=0)
    fence = "`" * max(3, longest + 1)
    block = ["", "<details open><summary>Changes</summary>", "", f"{fence}diff", body, fence, "", "</details>"] if changes else []
    return "\n".join([*map(_inline, head), *block])


def coloured(lines: Iterable[str]) -> Text:
    """Lines of a plan for a terminal."""
    made = Text()
    for line in lines:
        made.append(out.plain(line) + "\n", style=_LINES.get(line[:1], ""))
    return made


def drift(answer: Any) -> RenderableType:
    """How each agent stands."""
    made = out.table("state", "agent", "repository", "desired", "applied", "reason")
    for one in answer["agents"]:
        hashes = (str(one[name] or out.MISSING)[:8] for name in ("wanted", "desired", "applied"))
        out.add_row(made, (_state(one["state"]), one["agent"], *hashes, one["reason"]))
    notes = [Text(f"{out.plain(one['name'])}: {one['state']}: {out.plain(one['reason'])}") for one in answer["settings"]]
    if answer["missing"]:
        notes.append(Text(out.plain(f"Not known, though they have a file: {named(answer['missing'])}")))
    return Group(Text(out.plain(_revision_line(answer["revision"]))), *([made] if answer["agents"] else []), _counts(answer), *notes)


def history(answer: Any, now: datetime) -> RenderableType:
    """Revisions, newest first."""
    if not answer["revisions"]:
        return Text("Nothing was applied yet.")
    made = out.table("revision", "applied", "rollout", "", "commit", "by", "cost a month", "message", right=("revision", "applied"))
    for one in answer["revisions"]:
        phase = rollouts.phase(one["phase"]) if one["phase"] else Text(out.MISSING)
        message = (f"back to {one['of']}: " if one["of"] else "") + (one["message"].splitlines() or [""])[0]
        usd = out.MISSING if one["costUsdPerMonth"] is None else signed(one["costUsdPerMonth"])
        when = out.ago(one["at"], now)
        out.add_row(made, (one["number"], when, one["rollout"] or out.MISSING, phase, one["commit"][:12], one["by"], usd, message))
    return made


def applied(answer: Any) -> str:
    """What became of an `apply`, in a line."""
    revision, found = answer["revision"], answer["plan"]
    if answer["done"] == "unchanged":
        more = f"; {_count(found['changed'], 'agent')} {'have' if found['changed'] > 1 else 'has'} something else: --again gives it back"
        return f"{_revision_line(revision)}: nothing to do" + (
            more if found["changed"] and revision["phase"] in (None, "succeeded") else ""
        )
    back = f", which goes back to {revision['of']}," if revision["of"] else ""
    if revision["rollout"] is None:
        return f"revision {revision['number']}{back} is applied: no agent changes"
    return f"revision {revision['number']}{back} is applied: {summary(found)} The rollout is {revision['rollout']}."


def signed(usd: float) -> str:
    """Dollars with their sign."""
    return f"{'-' if usd < 0 else '+'}${abs(usd):,.2f}"


def named(agents: Sequence[str], count: int | None = None) -> str:
    """Some agents by name, the others by number."""
    amount = len(agents) if count is None else count
    return ", ".join(agents[:AGENTS]) + (f" and {amount - AGENTS} more" if amount > AGENTS else "")


def _group(group: Any) -> Iterator[str]:
    where = f" ({', '.join(group['origins'])})" if group["origins"] else ""
    mark = ", irreversible" if group["reversibility"] != "reversible" else ""
    yield f"@ {group['path']}: {_count(group['count'], 'agent')}{mark}: {named(group['agents'], group['count'])}{where}"
    if group["difference"] is not None:
        yield from (line if line[:1] in "+- " else f"  {line}" for line in group["difference"])
        return
    yield from (f"{sign} {group[side]}" for sign, side in (("-", "old"), ("+", "new")) if group[side] is not None)


def _remarks(found: Any) -> Iterator[str]:
    if found["alone"]:
        yield f"! left alone, for the repository says nothing of them: {named(found['alone'])}"
    if found["unknown"]:
        yield f"! not known, though they have a file: {named(found['unknown'])}"
    yield from (f"  {line}" for line in cost(found))
    for name in ("costApproval", "backup"):
        if found[name]["needed"]:
            yield f"! {found[name]['reason']}"
    if found["conflict"]:
        yield f"! {found['conflict']}"


def _inline(text: str) -> str:
    """Text of Markdown in which nothing is a link, a mention or HTML."""
    return out.plain(text).replace("<", "&lt;").replace("@", "@\u200b").replace("](", "]\u200b(")


def _counts(answer: Any) -> Text:
    line = Text()
    for state, count in answer["counts"].items():
        line.append_text(_state(state)).append(f" {count}   ")
    return line


def _state(state: str) -> Text:
    symbol, style = STYLES.get(state, ("?", ""))
    return Text(f"{symbol} {out.plain(state)}", style=style)


def _revision_line(revision: Any) -> str:
    if revision is None:
        return "Nothing was applied yet."
    phase = f", {revision['phase']}" if revision["phase"] else ""
    return f"revision {revision['number']}{phase}"


def _count(amount: int, what: str) -> str:
    return f"{amount} {what}{'s' * (amount != 1)}"


def _stay(amount: int) -> str:
    return "stays" if amount == 1 else "stay"
