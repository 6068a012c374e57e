"""What somebody asks of a new rollout: the request, and which agents it means."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field

from functions.api.endpoint import Call
from functions.api.fleet_view import view
from functions.api.models import AgentId, Body, SelectorText
from functions.domain.errors import InvalidInput
from functions.domain.rollout_change import MAX_TITLE
from functions.domain.selector import MAX_PATTERN, Selector
from functions.domain.series import AGENT
from functions.domain.summary import select

_NAMED = 5
"""Agents that a problem names."""
type Title = Annotated[str, Field(max_length=MAX_TITLE, pattern=r"^[^\x00-\x1f\x7f-\x9f]*$")]


class CommandWanted(Body):
    """A command to run once."""

    name: str = Field(
        max_length=64, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", description="An executable in the agents' folder `commands.d`."
    )
    arguments: list[str] = Field([], max_length=100)
    irreversible: bool = Field(False, description="Going back does not undo it.")


class RolloutWanted(Body):
    """What which agents shall have, and how they are brought there."""

    title: Title = Field("", description="For people; made of the change unless given.")
    tags: SelectorText | None = Field(None, description="Which agents: a selector, empty for all; or `agents`.")
    agents: list[AgentId] | None = Field(None, min_length=1, max_length=1000, description="These, instead of a selector.")
    patch: dict[str, Any] = Field({}, description="JSON merge patch over each agent's desired document.")
    model: str | None = Field(None, max_length=256, description="Short for `model.primary` in the patch.")
    files: dict[str, str | None] | None = Field(None, description="Short for `files`: texts by name, null takes one back.")
    version: str | None = Field(None, max_length=64, description="Short for `version`: OpenClaw's. Irreversible.")
    command: CommandWanted | None = Field(None, description="Short for an entry of `hooks` under the command's name.")
    policy: dict[str, Any] | None = Field(None, description="What goes otherwise than the workspace's policy says.")
    irreversible: bool = Field(False, description="Treat it as irreversible, whatever changes.")
    backup: bool = Field(False, description="There is a backup; an irreversible change needs one.")
    dry_run: bool = Field(False, description="Only tell what would happen.")

    def whole_patch(self) -> dict[str, Any]:
        """The patch with what was said in short."""
        patch = dict(self.patch)
        if self.model is not None:
            patch["model"] = {**_mapping(patch.get("model")), "primary": self.model}
        if self.files is not None:
            patch["files"] = {**_mapping(patch.get("files")), **self.files}
        if self.version is not None:
            patch["version"] = self.version
        if self.command is not None:
            entry = {"command": self.command.name, "arguments": self.command.arguments}
            irreversible = {"irreversible": True} if self.command.irreversible else {}
            patch["hooks"] = {**_mapping(patch.get("hooks")), self.command.name: {**entry, **irreversible}}
        return patch


def chosen_agents(call: Call, body: RolloutWanted) -> tuple[dict[str, dict[str, str]], str]:
    """The tags of each agent that is meant, and the selector that means them. Raises `InvalidInput` when there is none."""
    if (body.tags is None) == (body.agents is None):
        raise InvalidInput("say which agents: either tags (empty for all of them) or agents", "tags")
    everyone = view(call).agents
    if body.agents is not None:
        return _named({state.id: state.tags for state in everyone if not state.retired}, list(dict.fromkeys(body.agents)))
    selector = Selector.parse(body.tags or "")
    meant = select(everyone, selector)
    if not meant:
        raise InvalidInput("no agent matches", "tags")
    chosen = {state.id: state.tags for state in meant if not state.retired}
    if not chosen:
        raise InvalidInput("all agents that match are retired", "tags")
    return chosen, str(selector)


def _named(known: Mapping[str, dict[str, str]], agents: list[str]) -> tuple[dict[str, dict[str, str]], str]:
    unknown = [agent for agent in agents if agent not in known]
    if unknown:
        more = f" and {len(unknown) - _NAMED} more" if len(unknown) > _NAMED else ""
        raise InvalidInput(f"unknown or retired: {', '.join(unknown[:_NAMED])}{more}", "agents")
    pattern = "|".join(map(re.escape, agents))
    if len(agents) > 1 and len(pattern) > MAX_PATTERN:
        raise InvalidInput("are too many to be named: choose them by tags", "agents")
    selector = f"{AGENT}={agents[0]}" if len(agents) == 1 else f"{AGENT}=~{pattern}"
    return {agent: known[agent] for agent in agents}, selector


def _mapping(value: Any) -> dict[str, Any]:
    return dict(value) if isinstance(value, dict) else {}
