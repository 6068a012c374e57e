"""Section: agents that do nothing or could be fewer (`domain.waste`), and what that costs."""

from __future__ import annotations

from functions.domain.report import Finding, Section, Severity, Stat, Unit
from functions.domain.report_data import ReportData
from functions.domain.report_words import amount, money, sentence
from functions.domain.waste import Duplicates, IdleAgent, Waste, find_waste

MOST = 10


def waste(data: ReportData) -> Section:
    """The section."""
    found = find_waste(data.usage, data.states, host_usd=data.host_usd)
    told = [*(one.usd_per_month for one in found.idle), *(one.usd_per_month for one in found.duplicates)]
    known = [one for one in told if one is not None]
    usd = sum(known) if known else None
    surplus = sum(one.surplus for one in found.duplicates)
    return Section(
        id="waste",
        title="Idle and duplicate agents",
        summary=_summary(len(found.idle), surplus, usd),
        stats=[
            Stat(label="Idle agents", value=len(found.idle), unit=Unit.COUNT, better="down"),
            Stat(label="Agents too many", value=surplus, unit=Unit.COUNT, better="down"),
            Stat(
                label="Wasted",
                value=usd,
                unit=Unit.USD_PER_MONTH,
                better="down",
                note="as far as it is known" if usd is not None else "nobody said what these agents cost",
            ),
        ],
        findings=[*map(_idle, found.idle[:MOST]), *(_duplicates(data, one) for one in found.duplicates[:MOST])],
        notes=[*found.notes, *_unpriced_hosts(data, found)],
    )


def _unpriced_hosts(data: ReportData, found: Waste) -> list[str]:
    idle, leaving = [one.agent for one in found.idle], [agent for one in found.duplicates for agent in one.agents[: one.surplus]]
    if all(agent in data.host_usd for agent in (*idle, *leaving)):
        return []
    return [
        "What some of these agents cost beside tokens is not known (`agent_usd_per_month` in the settings of capacity); it comes on top."
    ]


def _summary(idle: int, surplus: int, usd: float | None) -> str:
    if not idle and not surplus:
        return "Every agent had work, and none does what another could do beside its own."
    told = f"together they cost {money(usd)} a month without doing anything." if usd else ""
    spare = (
        f"{amount(surplus, 'agent does', 'agents do')} what others could do beside their own work" if surplus else "no two do the same work"
    )
    return sentence(f"{amount(idle, 'agent is', 'agents are')} idle; {spare}.", told)


def _idle(one: IdleAgent) -> Finding:
    return Finding(
        severity=Severity.INFO,
        title=f"{one.name} is idle",
        evidence=f"{one.evidence[:1].upper()}{one.evidence[1:]}.",
        about=[one.agent],
        usd_per_month=one.usd_per_month,
        action="stop it, or retire it: clawpulse agents retire",
    )


def _duplicates(data: ReportData, one: Duplicates) -> Finding:
    return Finding(
        severity=Severity.INFO,
        title=f"{len(one.agents)} agents do the work of {one.needed}",
        evidence=f"{one.evidence[:1].upper()}{one.evidence[1:]}.",
        about=[data.name(agent) for agent in one.agents],
        usd_per_month=one.usd_per_month,
        action=f"stop {one.surplus} of them, beginning with {data.name(one.agents[0])}",
    )
