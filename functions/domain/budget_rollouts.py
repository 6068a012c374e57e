"""What the rollouts of budgets bring: documents with a patch laid over, and the way back from them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

from clawpulse.fleet.merging import merge
from functions.domain.desired import canonical
from functions.domain.errors import InvalidInput
from functions.domain.rollout import Member, Policy

POLICY: Final = Policy(waves=("100%",), order=(), gates=False, max_failed=1_000_000)
"""All at once, and agents that do not do as they are told keep nobody else from it."""


class Way(NamedTuple):
    """The way back of an act's members."""

    targets: dict[str, str]
    """By agent, the text that it had before."""
    tags: dict[str, dict[str, str]]
    faults: list[str]
    """Agents that cannot be put back, in sentences."""


def patched(patch: Mapping[str, Any], texts: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """Documents (canonical texts by agent; empty: not readable now) with a merge patch laid over, and what is wrong with the others."""
    targets: dict[str, str] = {}
    faults: list[str] = []
    for agent, text in sorted(texts.items()):
        try:
            targets[agent] = canonical(merge(json.loads(text), patch))
        except (ValueError, InvalidInput) as error:
            faults.append(f"the configuration of {agent} cannot be changed now: {error}")
    return targets, faults


def lift_of(members: Iterable[Member], desired: Mapping[str, str], texts: Mapping[str, str]) -> Way:
    """What puts members back. Agents whose configuration somebody changed since are left alone.

    `desired` has hashes by agent, `texts` documents by hash.
    """
    there = [member for member in members if desired.get(member.agent) == member.after]
    known = [member for member in there if member.before in texts]
    faults = [f"what {member.agent} had before is not known any more" for member in there if member.before not in texts]
    return Way({member.agent: texts[member.before] for member in known}, {member.agent: dict(member.tags) for member in known}, faults)
