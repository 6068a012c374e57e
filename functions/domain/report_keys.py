"""Section: API keys that were replaced, and how old those in use are.

Vault is not asked: a report needs no access to keys. A key's age is the time since the rotation that brought it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from functions.domain.key_settings import MAX_AGE_DAYS
from functions.domain.report import Cell, Column, Finding, Section, Severity, Stat, Table, Unit
from functions.domain.report_data import ReportData
from functions.domain.report_words import amount, sentence
from functions.domain.rotation import FINAL_ROTATION, Rotation, RotationPhase
from functions.domain.times import DAY_MS, SECOND_MS

MOST = 10


def keys(data: ReportData) -> Section | None:
    """The section; None for a part of the workspace, whose keys they are not, and where there are none."""
    current = _current(data)
    if data.selector.matchers or not (data.rotations or data.key_ages or _providers(data)):
        return None
    mine = [one for one in data.rotations if one.created < data.end and (one.phase not in FINAL_ROTATION or one.since >= data.start)]
    overdue = list(_overdue(data, current))
    return Section(
        id="keys",
        title="API keys",
        summary=_summary(mine, overdue),
        stats=[
            Stat(label="Rotations", value=len(mine), unit=Unit.COUNT),
            Stat(label="Keys overdue", value=len(overdue), unit=Unit.COUNT, better="down"),
        ],
        findings=[*overdue, *_stuck(mine)],
        tables=[_ages(data, current), _rotations(mine)],
    )


def _providers(data: ReportData) -> list[str]:
    """All that agents use or rotations replaced."""
    return sorted({*data.key_ages, *(one.provider for one in data.rotations), *(name for state in data.agents for name in state.keys)})


def _current(data: ReportData) -> Mapping[tuple[str, str], Rotation]:
    """The rotation that brought the key in use, by provider and shard."""
    found: dict[tuple[str, str], Rotation] = {}
    for one in data.rotations:
        if one.phase is RotationPhase.SUCCEEDED and one.since < data.end:
            found.setdefault((one.provider, one.shard), one)
    return found


def _age(one: Rotation, data: ReportData) -> float:
    return (data.end - one.since) / DAY_MS


def _most(provider: str, data: ReportData) -> int:
    return data.key_ages.get(provider, MAX_AGE_DAYS)


def _summary(mine: list[Rotation], overdue: list[Finding]) -> str:
    done = sum(one.phase is RotationPhase.SUCCEEDED for one in mine)
    first = f"{amount(len(mine), 'key rotation')}, {done} of them done." if mine else "No key was rotated."
    return sentence(first, f"{amount(len(overdue), 'key is', 'keys are')} older than allowed." if overdue else "")


def _overdue(data: ReportData, current: Mapping[tuple[str, str], Rotation]) -> Iterator[Finding]:
    for (provider, shard), one in sorted(current.items()):
        age, most = _age(one, data), _most(provider, data)
        if age > most:
            yield Finding(
                severity=Severity.WARNING,
                title=f"The key of {provider} is {age:.0f} days old",
                evidence=f"It was brought by rotation {one.id}; it may be {most} days old.",
                about=[f"{provider}, shard {shard}" if shard else provider],
                action=f"clawpulse rotate {provider}",
            )


def _stuck(mine: list[Rotation]) -> Iterator[Finding]:
    for one in mine:
        if one.phase in (RotationPhase.HELD, RotationPhase.ABORTED):
            yield Finding(
                severity=Severity.WARNING,
                title=f"The rotation of {one.provider} {'waits for a decision' if one.phase is RotationPhase.HELD else 'was taken back'}",
                evidence=(one.hold.reason if one.hold else one.turned or one.reason) or "No reason is stored.",
                about=[one.id],
                action=f"clawpulse rotate status {one.id}",
            )


def _ages(data: ReportData, current: Mapping[tuple[str, str], Rotation]) -> Table:
    places = {*current, *((provider, "") for provider in _providers(data))}
    rows: list[list[Cell]] = [
        [
            provider,
            shard,
            _age(current[provider, shard], data) if (provider, shard) in current else None,
            _most(provider, data),
            sum(provider in state.keys for state in data.agents if not shard or state.tags.get("shard") == shard),
        ]
        for provider, shard in sorted(places)
    ]
    columns = [
        Column(label="Provider"),
        Column(label="Shard"),
        Column(label="Age", unit=Unit.DAYS),
        Column(label="Allowed", unit=Unit.DAYS),
        Column(label="Agents", unit=Unit.COUNT),
    ]
    note = "Age is the time since its last rotation; that of a key which was never rotated is not known."
    return Table(title="Keys in use", columns=columns, rows=rows, note=note)


def _took(one: Rotation) -> float | None:
    return (one.since - one.created) / SECOND_MS if one.phase in FINAL_ROTATION else None


def _rotations(mine: list[Rotation]) -> Table:
    rows: list[list[Cell]] = [
        [
            one.created,
            one.provider,
            one.shard,
            str(one.phase),
            (one.since - one.created) / SECOND_MS if one.phase in FINAL_ROTATION else None,
        ]
        for one in mine
    ]
    columns = [
        Column(label="Began", unit=Unit.TIME),
        Column(label="Provider"),
        Column(label="Shard"),
        Column(label="State"),
        Column(label="Took", unit=Unit.SECONDS),
    ]
    return Table(title="Rotations", columns=columns, rows=rows[:MOST], more=max(0, len(rows) - MOST), empty="No rotation.")
