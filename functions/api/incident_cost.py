"""What the agents concerned by an incident spent while it lasted."""

from __future__ import annotations

from functions.api.endpoint import Call
from functions.api.fleet_view import load_snapshot, settings_of
from functions.api.rollups import parts
from functions.domain import tasks
from functions.domain.incident import Incident
from functions.domain.selector import Selector
from functions.domain.series import AGENT
from functions.domain.spans import HOURS_KEPT_MS, cover

MAX_AGENTS = 50


def incident_cost(call: Call, incident: Incident) -> float | None:
    """Dollars of the series of its alerts, each counted once; None when rollups cannot tell, or nobody reported any."""
    start = min((member.edge.since for member in incident.members.values()), default=incident.opened)
    wanted = _selectors(call, incident)
    if wanted is None or start < call.now - HOURS_KEPT_MS:
        return None
    dimensions = frozenset(settings_of(call).dimensions)
    agents = _agents(call, wanted) if any(selector.keys() - dimensions for selector in wanted) else None
    if agents is not None and not 0 < len(agents) <= MAX_AGENTS:
        return None
    spent = [
        row.sum
        for part in parts(call, cover(start, incident.closed or call.now, call.now), agents)
        for row in part.table.rows((tasks.COST,), sketches=False)
        if any(selector.matches({**(part.agent or {}), **dict(row.key.tags)}) for selector in wanted)
    ]
    return sum(spent) if spent else None


def _selectors(call: Call, incident: Incident) -> set[Selector] | None:
    """Which points belong to the alerts' series; None when the rule of one is gone."""
    rules = {rule.name: rule for rule in call.services.rules.rules(call.caller.workspace)}
    edges = [member.edge for member in incident.members.values()]
    if any(edge.rule not in rules for edge in edges):
        return None
    return {rules[edge.rule].select & Selector.exact(edge.series) for edge in edges}


def _agents(call: Call, wanted: set[Selector]) -> dict[str, dict[str, str]]:
    """Agents whose rollups have to be read, with their tags."""
    snapshot = load_snapshot(call)
    known = {agent: state.tags for agent, state in snapshot.agents.items()} if snapshot else {}
    return {agent: tags for agent, tags in known.items() if any(selector.matches({AGENT: agent, **tags}) for selector in wanted)}
