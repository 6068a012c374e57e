"""Files of a fleet repository as the API takes them: read and checked with every fault, and compiled for the agents that there are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from clawpulse.fleet import Fault as Flaw
from clawpulse.fleet import InvalidRepository, Repository, parse
from functions.api.endpoint import Call
from functions.api.fleet_view import settings_of
from functions.api.fleet_view import view as fleet_view
from functions.api.rules import faults_of
from functions.domain.alert_budgets import DOCUMENT as BUDGETS
from functions.domain.alert_budgets import parse_budgets
from functions.domain.alert_faults import Fault, InvalidDocument
from functions.domain.desired import canonical
from functions.domain.errors import InvalidInput
from functions.domain.fleet import AgentState
from functions.domain.rollout import Policy
from functions.domain.rollout_policy import DOCUMENT as POLICY
from functions.domain.rollout_policy import parse_policy
from functions.runtime.rule_book import DOCUMENT as RULES
from functions.runtime.rule_book import pack_names

WHAT = "the fleet's configuration"


@dataclass(frozen=True, slots=True, kw_only=True)
class Compiled:
    """What a repository says, for the agents that there are."""

    repository: Repository
    policy: Policy
    """Of the repository, over the workspace's."""
    texts: Mapping[str, str]
    """Canonical documents by agent; `UNMANAGED_TEXT` for one of which it says nothing."""

    @property
    def settings(self) -> dict[str, dict[str, Any]]:
        """Documents of the workspace that it has, by name."""
        return documents_of(self.repository)


def in_service(call: Call) -> dict[str, AgentState]:
    """The agents that a repository configures: all that are known, and not retired."""
    call.caller.need_whole_workspace(WHAT)
    return {agent: state for agent, state in sorted(fleet_view(call).everyone.items()) if not state.retired}


def compile_files(call: Call, files: Mapping[str, str], agents: Mapping[str, AgentState]) -> Compiled:
    """A repository for these agents. Raises `InvalidDocument` with every fault of it, each with file, line and column."""
    try:
        repository = parse(files)
    except InvalidRepository as error:
        raise InvalidDocument(list(map(_fault, error.faults))) from None
    faults: list[Flaw] = []
    texts = dict(_texts(repository, agents, faults))
    faults += _document_flaws(call, repository)
    policy = _policy(call, repository, faults)
    if faults:
        # One layer's fault is found with each agent that has it.
        raise InvalidDocument(list(map(_fault, InvalidRepository(faults).faults)))
    return Compiled(repository=repository, policy=policy, texts=texts)


def documents_of(repository: Repository) -> dict[str, dict[str, Any]]:
    """The workspace's documents that a repository has, by their names in `FleetStore.settings`."""
    found: dict[str, dict[str, Any]] = {} if repository.rules is None else {RULES: repository.rules}
    return found | ({BUDGETS: repository.budgets} if repository.budgets else {})


def said_of(repository: Repository, state: AgentState) -> str | None:
    """The canonical document that a stored repository has for an agent; None when this release makes no whole of it."""
    try:
        return canonical(repository.document(state.id, state.tags))
    except (InvalidRepository, InvalidInput):
        return None


def _texts(repository: Repository, agents: Mapping[str, AgentState], faults: list[Flaw]) -> Iterator[tuple[str, str]]:
    for agent, state in agents.items():
        try:
            yield agent, canonical(repository.document(agent, state.tags))
        except InvalidRepository as error:
            faults += error.faults


def _document_flaws(call: Call, repository: Repository) -> list[Flaw]:
    """What is wrong with the documents of rules and budgets."""
    found = [repository.fault("rules", *fault) for fault in faults_of(repository.rules or {}, pack_names())]
    if repository.budgets:
        try:
            parse_budgets(repository.budgets, settings_of(call).dimensions)
        except InvalidDocument as error:
            found += [repository.fault("budgets", *fault) for fault in error.faults]
    return found


def _policy(call: Call, repository: Repository, faults: list[Flaw]) -> Policy:
    base = parse_policy(call.services.fleet.settings(call.caller.workspace, POLICY) or {})
    try:
        return parse_policy(repository.policy or {}, base)
    except InvalidDocument as error:
        faults += [repository.fault("policy", *fault) for fault in error.faults]
    return base


def _fault(flaw: Flaw) -> Fault:
    place = f"{flaw.file}:{flaw.line}:{flaw.column}"
    return Fault(f"{place}: {flaw.path}" if flaw.path else place, flaw.reason)
