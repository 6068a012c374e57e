"""How rotations and keys look: one rotation with its progress, lists, and a line that tells where one stands."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from clawpulse.cli import _output as out

STYLES = {
    "succeeded": ("●", "green"),
    "aborted": ("■", "red"),
    "refused": ("■", "red"),
    "aborting": ("■", "red"),
    "held": ("▲", "yellow"),
    "paused": ("▲", "yellow"),
    "queued": ("○", "bright_black"),
}
"""Symbol and colour: never colour alone."""
_BAR = 20


def phase(value: str) -> Text:
    """A phase as symbol and word."""
    symbol, style = STYLES.get(value, ("▶", "blue"))
    return Text(f"{symbol} {out.plain(value)}", style=style)


def line(rotation: Any) -> str:
    """Where it stands, in a line."""
    parts = [f"{rotation['provider']}: {rotation['phase']}"]
    if rotation["position"]:
        parts.append(f"{rotation['position']} before it")
    if rotation["progress"]["waves"]:
        parts.append(_progress(rotation["progress"]))
    if rotation["reason"]:
        parts.append(rotation["reason"])
    if rotation["eta"]:
        parts.append(f"over at about {out.clock(rotation['eta'])} UTC")
    return "; ".join(parts)


def card(rotation: Any, now: datetime) -> RenderableType:
    """A rotation in full: what is being done, how far it is, what was found out, and what may be done."""
    kind = ", ".join(text for text, shown in (("emergency", rotation["emergency"]), ("dry run", rotation["dryRun"])) if shown)
    head = phase(rotation["phase"]).append(f"  key of {out.plain(rotation['provider'])}{f' ({kind})' if kind else ''}\n", style="default")
    head.append(out.plain(_facts(rotation, now)), style="default")
    parts: list[RenderableType] = [head]
    progress = rotation["progress"]
    if progress["waves"]:
        done = round(_BAR * progress["done"] / max(1, progress["agents"]))
        parts += [Text(), Text(f"{'█' * done}{'░' * (_BAR - done)} {_progress(progress)}")]
    if rotation["checks"]:
        parts += [Text(), *map(_check, rotation["checks"])]
    notable = [
        f"{member['agent']}: {member['state']}{': ' + member['detail'] if member['detail'] else ''}"
        for wave in (rotation["plan"] or {"plan": []})["plan"]
        for member in wave["members"]
        if member["state"] in ("failed", "asleep", "overridden", "gone")
    ]
    if notable:
        parts += [Text(), *(Text(out.plain(text)) for text in notable)]
    if rotation["actions"]:
        parts += [Text(), Text(f"Possible now: {', '.join(rotation['actions'])}")]
    return Group(*parts)


def table(rotations: Sequence[Any], now: datetime) -> RenderableType:
    """A list of rotations."""
    if not rotations:
        return Text("No rotation.")
    made = out.table("phase", "id", "provider", "begun (UTC)", "by", "new", "old", "")
    for one in rotations:
        kinds = [text for text, shown in (("emergency", one["emergency"]), ("dry run", one["dryRun"])) if shown]
        name = one["provider"] + (f" ({one['shard']})" if one["shard"] else "")
        keys = (_short(one["new"]), _short(one["old"]))
        out.add_row(
            made, (phase(one["phase"]), one["id"], name, out.clock(one["created"]), one["by"], *keys, "; ".join([*kinds, one["reason"]]))
        )
    return made


def keys(answer: Any, now: datetime) -> RenderableType:
    """Keys by provider: their age, who uses which, what is due."""
    if not answer["providers"]:
        return Text("No provider is named in key-settings, and no agent tells of keys.")
    made = out.table("provider", "shard", "key", "fingerprint", "age", "should use", "use", "", right=("should use", "use"))
    notes: list[Text] = []
    for provider in answer["providers"]:
        name = provider["provider"]
        for key in provider["keys"]:
            age = Text(out.ago(key["created"], now), style="red" if key["overdue"] else "")
            note = f"older than {provider['maxAgeDays']} days" if key["overdue"] else ""
            out.add_row(made, (name, key["shard"], key["alias"], key["fingerprint"], age, key["assigned"], key["reported"], note))
        for key in provider["others"]:
            out.add_row(made, (name, "", out.MISSING, key["fingerprint"], out.MISSING, key["assigned"], key["reported"], "not in Vault"))
        if not provider["keys"] and not provider["others"]:
            out.add_row(made, (name, "", out.MISSING, out.MISSING, out.MISSING, "", "", "no key yet" if not provider["vault"] else ""))
        notes += [Text(out.plain(f"{name}: {text}")) for text in _notes(provider)]
    return Group(made, *([Text(), *notes] if notes else []))


def _notes(provider: Any) -> list[str]:
    """What is to be said of a provider."""
    notes = [f"what Vault has is not known: {provider['vault']}"] if provider["vault"] else []
    if provider["behind"]:
        notes.append(f"{provider['behind']} of {provider['agents']} agents do not say that they use the key that they should use")
    notes += [f"{agent}: {error}" for agent, error in list(provider["errors"].items())[:10]]
    schedule, last = provider["schedule"], provider["last"]
    if schedule:
        due = f", next at {out.clock(schedule['due'])} UTC" if schedule["due"] else ""
        notes.append(f"rotated every {schedule['everyDays']} days from {schedule['source']}{due}")
    if last:
        reason = f": {last['reason']}" if last["reason"] else ""
        notes.append(f"last rotation {last['id']}: {last['phase']} since {out.clock(last['since'])} UTC{reason}")
    return notes


def _progress(progress: Any) -> str:
    """`12 of 100 agents, wave 2 of 10, 0.0 % errors (others 0.1 %)`."""
    told = [
        f"{progress['done']} of {progress['agents']} agents{' back' if progress['back'] else ''}",
        f"wave {progress['wave']} of {progress['waves']}",
    ]
    told += [f"{progress[state]} {state}" for state in ("failed", "asleep") if progress[state]]
    if progress["errorRate"] is not None:
        others = f" (others {out.percent(progress['othersRate'])})" if progress["othersRate"] is not None else ""
        told.append(f"{out.percent(progress['errorRate'])} errors{others}")
    return ", ".join(told)


def _check(check: Any) -> Text:
    symbol, style = ("✓", "green") if check["ok"] else ("…", "yellow") if check["retry"] else ("✗", "red")
    return Text(f"{symbol} {out.plain(check['name'])}: {out.plain(check['detail'])}", style=style)


def _facts(rotation: Any, now: datetime) -> str:
    begun = f"begun {out.clock(rotation['created'])} UTC by {rotation['by']}"
    facts = [
        f"{rotation['id']}, {begun}, {rotation['phase']} for {out.ago(rotation['since'], now)}",
        f"from {rotation['old'] or 'no key'} to {rotation['new']}",
        rotation["reason"],
    ]
    hold = rotation["hold"]
    if hold and hold["reason"] != rotation["reason"]:
        facts.append(f"waits: {hold['reason']}")
    if rotation["position"]:
        facts.append(f"{rotation['position']} rotations run before it")
    if rotation["eta"]:
        facts.append(f"over at about {out.clock(rotation['eta'])} UTC")
    if rotation["revokedAt"]:
        facts.append(f"old key revoked at {out.clock(rotation['revokedAt'])} UTC")
    return "\n".join(fact for fact in facts if fact)


def _short(print_: str | None) -> str:
    """What tells a fingerprint from others, without the salt."""
    return print_.partition("-")[2][:8] if print_ else out.MISSING
