"""What applying a fleet repository would do: worked out in full, nothing done."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from clawpulse.fleet import InvalidRepository, Repository, digest, parse
from functions.api.desired import texts
from functions.api.endpoint import Call
from functions.api.fleet_repository import Compiled, compile_files, documents_of, in_service, said_of
from functions.api.fleet_tokens import tokens_of
from functions.domain.alert_budgets import DOCUMENT as BUDGETS
from functions.domain.alert_faults import InvalidDocument
from functions.domain.desired import hash_of
from functions.domain.fleet import AgentState
from functions.domain.fleet_cost import Estimate, Prices, Total, estimate, list_prices, model_of, total
from functions.domain.fleet_diff import Change, Group, changes, grouped, reversibility
from functions.domain.revision import Revision
from functions.domain.rollout import UNMANAGED, UNMANAGED_TEXT, Policy, Reversibility, Wave
from functions.domain.rollout_change import MAX_TITLE
from functions.domain.rollout_policy import parse_policy
from functions.rollout_launch import Launch, members_elsewhere, preview
from functions.runtime.rule_book import DOCUMENT as RULES

EARLIER = 10
"""So many revisions back it is known what the repository once said of an agent, or of a document of the workspace."""
RECENT = 50
"""Among so many revisions one with the same files is known."""
SETTINGS = (RULES, BUDGETS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What would be done, and what somebody has to say to it."""

    digest: str
    latest: Revision | None
    """The newest revision that there is."""
    known: Revision | None
    """The newest one with the same files: what it costs was accepted then, so that the way back to it is always open."""
    policy: Policy
    tags: Mapping[str, Mapping[str, str]]
    """Effective ones, by agent."""
    targets: Mapping[str, str]
    """By agent, the canonical text of what it shall have: of those that the repository configures."""
    changed: Mapping[str, tuple[str, str]]
    """By agent, the text that it has and the one that it shall have."""
    alone: list[str]
    """Agents with a configuration of which the repository says nothing, and never did: left as they are."""
    unknown: list[str]
    """Agents that have a file and are not known."""
    groups: list[Group]
    estimates: list[Estimate]
    cost: Total
    sources: list[str]
    """Price lists."""
    settings: Mapping[str, Mapping[str, Any]]
    """Documents of the workspace to be replaced, by name."""
    waves: list[Wave]
    taken: dict[str, list[str]]
    """Agents that would change and are in another rollout, by its id."""

    @property
    def irreversible(self) -> list[Change]:
        """Changes that going back does not undo."""
        return [group.change for group in self.groups if reversibility(group.change) is Reversibility.IRREVERSIBLE]

    def launch(self, *, title: str, by: str, number: int, backup_by: str | None) -> Launch:
        """The rollout that brings it."""
        return Launch(
            title=title[:MAX_TITLE],
            by=by,
            targets=self.targets,
            tags=self.tags,
            policy=self.policy,
            change={"revision": number},
            revision=number,
            irreversible=bool(self.irreversible),
            backup_by=backup_by if self.irreversible else None,
        )


def plan_of(call: Call, files: Mapping[str, str], policy: Mapping[str, Any] | None = None) -> Plan:
    """What applying these files would do, with the policy that is given over the repository's.

    Raises `InvalidDocument` with every fault of the files.
    """
    agents = in_service(call)
    compiled = compile_files(call, files, agents)
    hashes = call.services.desired.hashes(call.caller.workspace)
    past = Past(call)
    targets, alone = _targets(compiled, agents, hashes, past)
    changing = [agent for agent, text in targets.items() if hash_of(text) != hashes.get(agent, UNMANAGED)]
    there = texts(call, changing)
    changed = {agent: (there[agent], targets[agent]) for agent in changing if there[agent] != targets[agent]}
    prices = list_prices(call.now)
    estimates = _estimates(call, changed, agents, prices)
    plan = Plan(
        digest=digest(files),
        latest=past.latest,
        known=past.with_digest(digest(files)),
        policy=_over(policy, compiled.policy),
        tags={agent: state.tags for agent, state in agents.items()},
        targets=targets,
        changed=changed,
        alone=alone,
        unknown=[agent for agent in compiled.repository.agents if agent not in agents],
        groups=_groups(compiled.repository, changed, agents),
        estimates=estimates,
        cost=total(estimates),
        sources=sorted({found.source for one in estimates for model in (one.before, one.after) if model and (found := prices(model))}),
        settings=_settings(call, compiled, past),
        waves=[],
        taken=_taken(call, changed),
    )
    by = call.caller.token_id
    _, waves = preview(plan.launch(title="", by=by, number=0, backup_by=by), hashes, call.now)
    return replace(plan, waves=waves)


class Past:
    """The last revisions, read and parsed as they are asked for, newest first."""

    def __init__(self, call: Call) -> None:
        self._call = call
        self._recent = call.services.revisions.recent(call.caller.workspace, RECENT)
        self._parsed: list[Repository] = []
        self._rest = iter(self._recent[:EARLIER])

    @property
    def latest(self) -> Revision | None:
        """The newest one."""
        return self._recent[0] if self._recent else None

    def with_digest(self, wanted: str) -> Revision | None:
        """The newest one with these files."""
        return next((revision for revision in self._recent if revision.digest == wanted), None)

    def said(self, state: AgentState, hash: str) -> bool:
        """Whether it is from the repository that an agent has this."""
        return any(text is not None and hash_of(text) == hash for text in (said_of(one, state) for one in self._repositories()))

    def set(self, name: str, document: Any) -> bool:
        """Whether it is from the repository that the workspace has this."""
        return any(documents_of(one).get(name) == document for one in self._repositories())

    def _repositories(self) -> Iterator[Repository]:
        yield from self._parsed
        for revision in self._rest:
            try:
                repository = parse(self._call.services.revisions.files(self._call.caller.workspace, revision))
            except InvalidRepository:
                # It was written for another release.
                continue
            self._parsed.append(repository)
            yield repository


def _targets(
    compiled: Compiled, agents: Mapping[str, AgentState], hashes: Mapping[str, str], past: Past
) -> tuple[dict[str, str], list[str]]:
    """What agents shall have, and those left alone: of which the repository says nothing, and whose configuration is none of its."""
    alone = [
        agent
        for agent, text in compiled.texts.items()
        if text == UNMANAGED_TEXT and (there := hashes.get(agent, UNMANAGED)) != UNMANAGED and not past.said(agents[agent], there)
    ]
    return {agent: text for agent, text in compiled.texts.items() if agent not in frozenset(alone)}, alone


def _groups(repository: Repository, changed: Mapping[str, tuple[str, str]], agents: Mapping[str, AgentState]) -> list[Group]:
    """The changes; documents that many agents have are compared once."""
    known: dict[tuple[str, str], list[Change]] = {}
    for pair in changed.values():
        if pair not in known:
            known[pair] = changes(*map(json.loads, pair))
    return grouped((agent, known[pair], repository.origin(agent, agents[agent].tags)) for agent, pair in changed.items())


def _estimates(call: Call, changed: Mapping[str, tuple[str, str]], agents: Mapping[str, AgentState], prices: Prices) -> list[Estimate]:
    """What agents whose model changes would cost more."""
    models: dict[str, str | None] = {text: model_of(json.loads(text)) for pair in changed.values() for text in pair}
    moves = {
        agent: (models[old] or agents[agent].model, models[new]) for agent, (old, new) in changed.items() if models[old] != models[new]
    }
    # Tokens of agents whose models have no price tell nothing, and reading them takes most of a plan's time.
    priced = [agent for agent, pair in moves.items() if all(model and prices(model) for model in pair)]
    used = tokens_of(call, (agents[agent] for agent in priced))
    return [estimate(agent, before, after, used.get(agent), prices) for agent, (before, after) in moves.items()]


def _settings(call: Call, compiled: Compiled, past: Past) -> dict[str, dict[str, Any]]:
    """Documents of the workspace that become others; one that the repository had and has no longer becomes empty."""
    found: dict[str, dict[str, Any]] = {}
    for name in SETTINGS:
        there, wanted = call.services.fleet.settings(call.caller.workspace, name), compiled.settings.get(name)
        if wanted is None and there and past.set(name, there):
            found[name] = {}
        elif wanted is not None and wanted != there:
            found[name] = wanted
    return found


def _taken(call: Call, changed: Mapping[str, Any]) -> dict[str, list[str]]:
    taken: dict[str, list[str]] = {}
    registry = call.services.rollouts.registry(call.caller.workspace)
    for rollout, agent in members_elsewhere(call.services.rollouts, call.caller.workspace, registry):
        if agent in changed:
            taken.setdefault(rollout, []).append(agent)
    return {rollout: sorted(found) for rollout, found in taken.items()}


def _over(given: Mapping[str, Any] | None, policy: Policy) -> Policy:
    try:
        return parse_policy(given or {}, policy)
    except InvalidDocument as error:
        raise error.below("policy") from None
