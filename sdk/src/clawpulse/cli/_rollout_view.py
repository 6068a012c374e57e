"""How rollouts look: lists, one of them with its waves, and a line that tells where one stands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from clawpulse.cli import _output as out

STYLES = {
    "succeeded": ("●", "green"),
    "reverted": ("■", "red"),
    "reverting": ("■", "red"),
    "held": ("▲", "yellow"),
    "paused": ("▲", "yellow"),
    "stopped": ("○", "bright_black"),
}
"""Symbol and colour: never colour alone."""
PHASES = ("waiting", "applying", "baking", "held", "paused", "reverting", *("succeeded", "reverted", "stopped"))
STATES = ("applied", "sent", "waiting", "failed", "asleep", "reverting", "reverted", "gone", "overridden")
_OUTCOMES = {"pass": "green", "fail": "red", "inconclusive": "yellow", "unreadable": "yellow"}
_AGENTS = 12
_NOTEWORTHY = frozenset({"failed", "asleep", "overridden", "gone"})


def phase(value: str) -> Text:
    """A phase as symbol and word."""
    symbol, style = STYLES.get(value, ("▶", "blue"))
    return Text(f"{symbol} {out.plain(value)}", style=style)


def counts(value: Mapping[str, int]) -> str:
    """`3 applied, 2 waiting`."""
    known = [state for state in STATES if value.get(state)]
    others = sorted(state for state in value if state not in STATES)
    return ", ".join(f"{value[state]} {state}" for state in [*known, *others]) or "nobody"


def table(answer: Any, now: datetime) -> RenderableType:
    """A list of rollouts."""
    if not answer["rollouts"]:
        return Text("No rollout matches.")
    made = out.table("phase", "rollout", "since", "wave", "agents", "title", "by", "reason", right=("since", "wave"))
    for one in answer["rollouts"]:
        wave = f"{one['wave'] + 1}/{one['waves']}"
        who = (counts(one["counts"]), one["title"], one["by"])
        out.add_row(made, (phase(one["phase"]), one["id"], out.ago(one["since"], now), wave, *who, one["reason"]))
    return Group(made, *([Text("There are older ones: --limit shows them.")] if answer["next"] else []))


def card(rollout: Any, now: datetime) -> RenderableType:
    """One rollout with its waves, the gates' numbers, and what may be done."""
    head = phase(rollout["phase"]).append(f"  {out.plain(rollout['title'])}\n", style="default")
    head.append("\n".join(map(out.plain, _facts(rollout, now))), style="default")
    parts: list[RenderableType] = [head, Text(), _waves(rollout)]
    verdicts = [(wave, wave["verdict"]) for wave in rollout["plan"] if wave["verdict"]]
    if verdicts:
        parts += [Text(), _verdicts(verdicts)]
    notable = [member for wave in rollout["plan"] for member in wave["members"] if member["state"] in _NOTEWORTHY]
    if notable:
        parts += [Text(), _members(notable)]
    if rollout["actions"]:
        parts += [Text(), Text(f"Possible now: {', '.join(rollout['actions'])}")]
    return Group(*parts)


def amounts(rollout: Any) -> str:
    """`40 agents in 4 waves`."""
    return " in ".join(f"{rollout[name]} {what}{'s' * (rollout[name] != 1)}" for name, what in (("members", "agent"), ("waves", "wave")))


def planned(answer: Any) -> RenderableType:
    """What a rollout would do."""
    rollout = answer["rollout"]
    if rollout is None:
        return Text("No agent would change.")
    same = answer["unchanged"]
    lines = [f"{rollout['title']}: {amounts(rollout)}, {same} {'has' if same == 1 else 'have'} it already"]
    lines += [f"irreversible: {reason}" for reason in answer["irreversible"]]
    lines += [f"in its way now: {one['text']}" for one in answer.get("obstacles", ())]
    return Group(*(Text(out.plain(line)) for line in lines), Text(), _waves(rollout))


def line(rollout: Any) -> str:
    """Where it stands, in a line."""
    found = f"wave {rollout['wave'] + 1} of {rollout['waves']}: {rollout['phase']}: {counts(rollout['counts'])}"
    verdict = next((wave["verdict"] for wave in rollout["plan"] if wave["number"] == rollout["wave"]), None)
    if verdict and rollout["phase"] in ("baking", "held", "reverting"):
        found += f"; gate: {verdict['outcome']}: {verdict['reason']}"
    elif rollout["reason"]:
        found += f"; {rollout['reason']}"
    return found + (f"; through at about {out.clock(rollout['eta'])} UTC" if rollout["eta"] else "")


def _facts(rollout: Any, now: datetime) -> list[str]:
    begun = f"begun {out.clock(rollout['created'])} UTC by {rollout['by']}"
    facts = [f"{rollout['id']}, {begun}, {rollout['phase']} for {out.ago(rollout['since'], now)}", rollout["reason"]]
    hold = rollout["hold"]
    if hold and hold["reason"] != rollout["reason"]:
        facts.append(f"waits: {hold['reason']}")
    if hold and hold["until"]:
        facts.append(f"until {out.clock(hold['until'])} UTC")
    if rollout["bakeUntil"]:
        facts.append(f"bakes until {out.clock(rollout['bakeUntil'])} UTC")
    if rollout["eta"]:
        facts.append(f"through at about {out.clock(rollout['eta'])} UTC")
    if rollout["reversibility"] != "reversible":
        facts.append(f"{rollout['reversibility']}, backup acknowledged by {rollout['backupBy']}")
    facts += [f"wave {one['wave'] + 1} approved by {one['by']}" for one in rollout["approvals"]]
    return [fact for fact in facts if fact]


def _waves(rollout: Any) -> RenderableType:
    made = out.table("wave", "stage", "state", "agents", "", right=("wave",))
    for wave in rollout["plan"]:
        names = [member["agent"] for member in wave["members"]]
        more = f" and {len(names) - _AGENTS} more" if len(names) > _AGENTS else ""
        mark = Text("▶ " if wave["number"] == rollout["wave"] and wave["state"] not in ("done", "waiting") else "  ")
        state = mark.append(out.plain(wave["state"]))
        out.add_row(made, (wave["number"] + 1, wave["stage"], state, counts(wave["counts"]), " ".join(names[:_AGENTS]) + more))
    return made


def _verdicts(verdicts: Sequence[tuple[Any, Any]]) -> RenderableType:
    figures = ("this wave", "its past", "control", "evidence")
    made = out.table("wave", "gate", "metric", *figures, "reason", right=("wave", *figures))
    for wave, verdict in verdicts:
        number = wave["number"] + 1
        out.add_row(made, (number, _outcome(verdict), f"{verdict['tasks']} tasks", "", "", "", "", verdict["reason"]))
        for one in verdict["findings"]:
            values = [out.number(one[name], 4) for name in ("wave", "past", "control")]
            out.add_row(made, ("", _outcome(one), one["metric"], *values, f"{one['evidence']:.3g}", one["reason"]))
    return made


def _outcome(found: Any) -> Text:
    return Text(out.plain(found["outcome"]), style=_OUTCOMES.get(found["outcome"], ""))


def _members(members: Sequence[Any]) -> RenderableType:
    made = out.table("agent", "state", "since (UTC)", "detail")
    for member in members:
        out.add_row(made, (member["agent"], member["state"], out.clock(member["since"]), member["detail"]))
    return made
