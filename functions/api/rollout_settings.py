"""How rollouts go unless they say otherwise, when none may begin a wave, and who is told: a document each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from functions.api import documents
from functions.api.address import remember
from functions.api.desired import IfMatch
from functions.api.documents import Document, Kind, Stored
from functions.api.endpoint import Call, Noun, Reply
from functions.domain.alert_faults import InvalidDocument
from functions.domain.rollout import Policy
from functions.domain.rollout_notices import DOCUMENT as NOTICES
from functions.domain.rollout_notices import parse_notices
from functions.domain.rollout_policy import DOCUMENT as POLICY
from functions.domain.rollout_policy import FREEZES, parse_freezes, parse_policy
from functions.domain.token import Scope
from functions.runtime.alert_setup import CHANNELS

noun = Noun("rollout-settings")


class PolicyDocument(Document):
    """How rollouts go: `{"waves": ["1", "5", "25%", "100%"], "bake_s": 600, "approve": ["stage:prod"]}`; the rest is as usual."""


class FreezesDocument(Document):
    """When no wave begins: `{"freezes": [{"reason": "weekend", "weekly": {"days": ["sat", "sun"], "from": "00:00", "to": "24:00"}}]}`."""


class NoticesDocument(Document):
    """Who is told of rollouts: `{"channels": ["oncall"], "events": ["approval", "held"]}`; empty: every channel of what matters."""


@noun.endpoint("GET", "/api/rollout-policy", scope=Scope.READ, answers=PolicyDocument)
def policy(call: Call) -> Reply:
    """How rollouts go that say nothing else."""
    return documents.read(call, POLICY_KIND)


@noun.endpoint("PUT", "/api/rollout-policy", scope=Scope.OPERATE, heeds=IfMatch, takes=PolicyDocument, answers=PolicyDocument)
def replace_policy(call: Call, heeded: IfMatch, body: PolicyDocument) -> Reply:
    """Replace it; rollouts that have begun keep theirs."""
    return documents.replace(call, POLICY_KIND, heeded, body)


@noun.endpoint("GET", "/api/freezes", scope=Scope.READ, answers=FreezesDocument)
def freezes(call: Call) -> Reply:
    """When no wave of a rollout begins."""
    return documents.read(call, FREEZES_KIND)


@noun.endpoint("PUT", "/api/freezes", scope=Scope.OPERATE, heeds=IfMatch, takes=FreezesDocument, answers=FreezesDocument)
def replace_freezes(call: Call, heeded: IfMatch, body: FreezesDocument) -> Reply:
    """Replace the freezes. They hold from the next step of each rollout on."""
    return documents.replace(call, FREEZES_KIND, heeded, body)


@noun.endpoint("GET", "/api/rollout-notices", scope=Scope.READ, answers=NoticesDocument)
def notices(call: Call) -> Reply:
    """Who is told of rollouts, and of what."""
    return documents.read(call, NOTICES_KIND)


@noun.endpoint("PUT", "/api/rollout-notices", scope=Scope.OPERATE, heeds=IfMatch, takes=NoticesDocument, answers=NoticesDocument)
def replace_notices(call: Call, heeded: IfMatch, body: NoticesDocument) -> Reply:
    """Replace it."""
    remember(call)
    return documents.replace(call, NOTICES_KIND, heeded, body)


def policy_for(call: Call, given: Mapping[str, Any] | None) -> Policy:
    """The workspace's policy, overlaid by what a rollout says itself. Raises `InvalidDocument` with paths below `policy`."""
    stored = parse_policy(call.services.fleet.settings(call.caller.workspace, POLICY) or {})
    try:
        return parse_policy(given or {}, stored)
    except InvalidDocument as error:
        raise error.below("policy") from None


def _check_notices(call: Call, document: Stored) -> object:
    return parse_notices(document, call.services.fleet.settings(call.caller.workspace, CHANNELS) or {})


POLICY_KIND = Kind(name=POLICY, title="the policy of rollouts", check=lambda _, document: parse_policy(document))
FREEZES_KIND = Kind(name=FREEZES, title="the freezes", check=lambda _, document: parse_freezes(document))
NOTICES_KIND = Kind(name=NOTICES, title="who is told of rollouts", check=_check_notices)
