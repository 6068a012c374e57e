"""What an agent has written and has in force, as documents, beside the one that it should have: found again by the hashes that it tells.

An agent tells hashes, never documents. A document is known as long as somebody shall have it, and 400 days after it was replaced, by hand
or by a rollout (`RolloutStore.documents`).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, Literal

from pydantic import Field

from functions.api.agents import AgentAsked, visible
from functions.api.endpoint import Call, Noun
from functions.api.models import Answer
from functions.domain.desired import Desired, hash_of
from functions.domain.rollout import UNMANAGED, UNMANAGED_TEXT
from functions.domain.token import Scope

noun = Noun("configuration")


class DocumentAnswer(Answer):
    """A configuration by its hash."""

    hash: str
    document: dict[str, Any] | None = Field(description="Null when no document with this hash is kept.")
    kept: Literal["desired", "other", "past"] | None = Field(
        description="Where it was found: what this agent should have, what another one should have, or one of the past. Null: nowhere."
    )


class ConfigurationAnswer(Answer):
    """An agent's configuration as it should be, as it is written, and as it is in force."""

    agent: str
    desired: DocumentAnswer | None = Field(description="Null when nothing is desired.")
    written: DocumentAnswer | None = Field(description="Null when the agent has not told.")
    applied: DocumentAnswer | None = Field(description="Null when the agent has not told.")
    error: str | None = Field(description="Why the agent could not write or apply the desired one.")


@noun.endpoint("GET", "/api/agents/{agent}/configuration", scope=Scope.READ, asks=AgentAsked, answers=ConfigurationAnswer)
def read(call: Call, asked: AgentAsked) -> ConfigurationAnswer:
    """The documents that an agent should have, has written and has in force, as far as they are known."""
    state, _ = visible(call, asked.agent)
    own = call.services.desired.get(call.caller.workspace, asked.agent)
    found = _found(call, own, [hash for hash in (state.config_written, state.config_applied) if hash])
    return ConfigurationAnswer.model_construct(
        agent=asked.agent,
        desired=_answer(own.hash if own else None, found),
        written=_answer(state.config_written, found),
        applied=_answer(state.config_applied, found),
        error=state.config_error,
    )


type _Found = Mapping[str, tuple[Literal["desired", "other", "past"], str]]
"""By hash: where the text was found, and the text."""


def _found(call: Call, own: Desired | None, hashes: Iterable[str]) -> _Found:
    """The asked documents that are known; the cheapest places are looked at first."""
    found: dict[str, tuple[Literal["desired", "other", "past"], str]] = {UNMANAGED: ("past", UNMANAGED_TEXT)}
    if own:
        found[own.hash] = ("desired", own.text)
    missing = {hash for hash in hashes if hash not in found}
    if missing:
        past = call.services.rollouts.documents(call.caller.workspace, missing)
        found |= {hash: ("past", text) for hash, text in past.items() if hash_of(text) == hash}
    if missing - found.keys():
        found |= {hash: ("other", text) for hash, text in _of_others(call, missing - found.keys()).items()}
    return found


def _of_others(call: Call, missing: set[str]) -> dict[str, str]:
    workspace, desired = call.caller.workspace, call.services.desired
    holders = {hash: agent for agent, hash in desired.hashes(workspace).items() if hash in missing}
    read = {hash: desired.get(workspace, agent) for hash, agent in holders.items()}
    # One that was changed in this moment is another one.
    return {hash: one.text for hash, one in read.items() if one and one.hash == hash}


def _answer(hash: str | None, found: _Found) -> DocumentAnswer | None:
    if hash is None:
        return None
    kept, text = found.get(hash, (None, None))
    return DocumentAnswer.model_construct(hash=hash, document=json.loads(text) if text else None, kept=kept)
