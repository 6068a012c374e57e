"""Incidents as people see them, and their acknowledgement, which is a command of two nouns."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import click
from rich.console import Group, RenderableType
from rich.text import Text

from clawpulse.cli import _output as out
from clawpulse.cli._api import segment
from clawpulse.cli._options import api_of

SEVERITY = {"critical": ("■", "red"), "warning": ("▲", "yellow"), "info": ("●", "blue")}
"""Symbol and colour: never colour alone."""


def severity(value: str) -> Text:
    """A severity as symbol and word."""
    symbol, style = SEVERITY.get(value, ("?", ""))
    return Text(f"{symbol} {out.plain(value)}", style=style)


def acknowledge(context: click.Context, incident: str, as_json: bool) -> None:
    """Acknowledge an incident and say so."""
    answer = api_of(context).send("POST", f"api/incidents/{segment(incident)}/acknowledge")
    if as_json:
        out.print_json(answer)
    else:
        out.print_line(f"{answer['id']} is acknowledged by {', '.join(answer['acknowledgedBy'])}: {answer['title']}")


def table(answer: Any, now: datetime) -> RenderableType:
    """A list of incidents."""
    listed = answer["incidents"]
    if not listed:
        return Text("No incident matches.")
    made = out.table(
        "severity", "incident", "state", "opened (UTC)", "for", "firing", "title", "acknowledged by", "not told", right=("for", "firing")
    )
    for incident in listed:
        out.add_row(made, _row(incident, now))
    more = answer["total"] - len(listed)
    return Group(made, *([Text(f"and {more} more: --limit shows them")] if more else []))


def _row(incident: Any, now: datetime) -> list[object]:
    end = out.parse_time(incident["closed"]) or now
    acknowledged = ", ".join(incident["acknowledgedBy"]) or out.MISSING
    state = "flapping" if incident["flapping"] and incident["state"] == "open" else incident["state"]
    return [
        severity(incident["severity"]),
        incident["id"],
        state,
        out.clock(incident["opened"]),
        out.ago(incident["opened"], end),
        f"{incident['firing']} of {incident['alerts']}",
        incident["title"],
        acknowledged,
        incident["hidden"] or "",
    ]


def card(incident: Any, now: datetime) -> RenderableType:
    """One incident with its alerts, timeline, notes and messages."""
    head = severity(incident["severity"]).append(f"  {out.plain(incident['title'])}\n", style="default")
    head.append(f"{incident['id']}, {incident['state']}, opened {out.clock(incident['opened'])} UTC", style="default")
    if incident["closed"]:
        head.append(f", closed {out.clock(incident['closed'])} UTC", style="default")
    for name, value in (("acknowledged by", ", ".join(incident["acknowledgedBy"])), ("not told", incident["hidden"])):
        if value:
            head.append(f"\n{name}: {out.plain(value)}", style="default")
    parts: list[RenderableType] = [head, Text(), _alerts(incident, now)]
    entries = [("", entry["at"], entry["text"]) for entry in incident["timeline"]]
    entries += [("note", note["at"], f"{note['by']}: {note['text']}") for note in incident["notes"]]
    if entries:
        parts += [Text(), _entries(entries)]
    if incident["deliveries"]:
        parts += [Text(), deliveries(incident["deliveries"])]
    if incident["partial"]:
        parts += [Text(), Text("The token sees only a part of this incident.", style="yellow")]
    return Group(*parts)


def _alerts(incident: Any, now: datetime) -> RenderableType:
    made = out.table("alert", "series", "state", "fired (UTC)", "value", "threshold", "reason", "runbook", right=("value", "threshold"))
    for member in incident["members"]:
        state = "firing" if member["firing"] else f"over after {out.ago(member['firedAt'], out.parse_time(member['ended']) or now)}"
        figures = (out.number(member["value"], 3), out.number(member["threshold"], 3))
        reason = member["reason"] if member["firing"] else member["endReason"]
        series = out.tags(member["series"])
        out.add_row(made, (member["rule"], series, state, out.clock(member["firedAt"]), *figures, reason, member["runbook"] or ""))
    return Group(made, *([Text(f"and {incident['unlisted']} more")] if incident["unlisted"] else []))


def _entries(entries: list[tuple[str, Any, str]]) -> RenderableType:
    made = out.table("time (UTC)", "", "what happened")
    for kind, at, text in sorted(entries, key=lambda entry: str(entry[1])):
        out.add_row(made, (out.clock(at), kind, " ".join(text.split())))
    return made


def deliveries(listed: list[Any]) -> RenderableType:
    """Messages to channels and what became of them."""
    made = out.table("message (UTC)", "channel", "kind", "state", "tries failed", "reason", "incident", right=("tries failed",))
    for one in listed:
        style = {"sent": "green", "undelivered": "red", "pending": "yellow"}.get(one["state"], "")
        state = Text(out.plain(one["state"]), style=style)
        out.add_row(made, (out.clock(one["created"]), one["channel"], one["kind"], state, one["attempts"], one["reason"], one["incident"]))
    return made
