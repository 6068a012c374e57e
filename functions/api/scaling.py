"""How many agents groups should have: flat numbers for autoscalers (KEDA's metrics-api), and the formats of Prometheus and Kubernetes.

What is older than the policy's `stale_after_s` is answered with 503: an autoscaler that gets no number keeps what it has.
"""

from __future__ import annotations

import json
from typing import Literal

from pydantic import Field

from functions.api import documents
from functions.api.desired import IfMatch
from functions.api.documents import Document, Kind, Stored
from functions.api.endpoint import Call, Noun, Reply
from functions.api.fleet_view import settings_of
from functions.api.models import Answer, Asked, Flag, rfc3339
from functions.api.scaling_view import GroupAnswer, HistoryEntry, entry, flat, unknown
from functions.api.times import RangeAsked, range_of
from functions.domain.alert_faults import Fault, InvalidDocument
from functions.domain.errors import InvalidInput, NotFound, StoreUnavailable
from functions.domain.scaling import GroupPolicy
from functions.domain.scaling_formats import BY_NAME, chosen_by_labels, external_resources, external_values, prometheus
from functions.domain.scaling_observe import check_dimensions
from functions.domain.scaling_policy import DOCUMENT, NAME, parse_policy
from functions.domain.scaling_state import GroupState
from functions.domain.selector import Selector
from functions.domain.times import SECOND_MS
from functions.domain.token import Scope

noun = Noun("scaling")

AGAIN_S = 15
"""When who is told 503 may ask again."""
PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8"
API = "/apis/external.metrics.k8s.io/v1beta1"


class PolicyDocument(Document):
    """How groups scale: `{"defaults": {…}, "groups": {"fast": {"tags": "tier=fast", "min": 2, "max": 20}}}`."""


class GroupAsked(Asked):
    """Which group."""

    group: str = Field(pattern=f"^{NAME.pattern}$", description="A group of the scaling policy.")


class HistoryAsked(RangeAsked, GroupAsked):
    """Of which group, from when to when."""

    every: Flag = Field(False, description="Every decision, not only those that changed the count or told something.")
    limit: int = Field(200, ge=1, le=2000)


class MetricAsked(Asked):
    """Which metric of which groups, as Kubernetes asks."""

    namespace: str = Field(pattern=r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$", description="Not looked at: groups are told apart by `group`.")
    metric: Literal[tuple(BY_NAME)] = Field(description="`desired`, `queue_depth`, …")  # type: ignore[valid-type]
    selector: str = Field("", alias="labelSelector", max_length=1024, description="`group=fast`; all groups without.")


class Groups(Answer):
    """All groups, by name."""

    groups: list[GroupAnswer]


class History(Answer):
    """Decisions, newest first."""

    decisions: list[HistoryEntry]


@noun.endpoint("GET", "/api/scaling-policy", scope=Scope.READ, answers=PolicyDocument)
def policy(call: Call) -> Reply:
    """How groups scale."""
    return documents.read(call, POLICY_KIND)


@noun.endpoint("PUT", "/api/scaling-policy", scope=Scope.OPERATE, heeds=IfMatch, takes=PolicyDocument, answers=PolicyDocument)
def replace_policy(call: Call, heeded: IfMatch, body: PolicyDocument) -> Reply:
    """Replace it; groups are decided upon by it within a minute."""
    return documents.replace(call, POLICY_KIND, heeded, body)


@noun.endpoint("GET", "/api/scaling", scope=Scope.READ, answers=Groups)
def listing(call: Call) -> Groups:
    """Every group with its last decision; one that nothing is known of now has `stale: true` and no numbers."""
    states = {state.group: state for state in _states(call)}
    names = sorted(states.keys() | {policy.name for policy in _policies(call)})
    return Groups.model_construct(groups=[flat(states[name], call.now) if name in states else unknown(name) for name in names])


@noun.endpoint("GET", "/api/scaling/{group}", scope=Scope.READ, asks=GroupAsked, answers=GroupAnswer, may_miss=True)
def read(call: Call, asked: GroupAsked) -> GroupAnswer:
    """One group as flat numbers: `desired`, `queueDepth`, …; 503 when nothing is known of it now."""
    return flat(_fresh(_existing(call, asked.group), call.now), call.now)


@noun.endpoint("GET", "/api/scaling/{group}/history", scope=Scope.READ, asks=HistoryAsked, answers=History)
def history(call: Call, asked: HistoryAsked) -> History:
    """What was decided of a group, newest first; kept 14 days."""
    state = _existing(call, asked.group)
    start, end = range_of(asked, call.now)
    found = call.services.scaling.scaling_history(call.caller.workspace, state.group, start, end, asked.limit, changes=not asked.every)
    return History.model_construct(decisions=[entry(one) for one in found])


@noun.endpoint("GET", "/api/scaling-metrics", scope=Scope.READ, content_type=PROMETHEUS)
def metrics(call: Call) -> Reply:
    """All groups in Prometheus' text format; 503 when nothing is known of any of them now."""
    states = _states(call)
    if states and all(state.stale(call.now) for state in states):
        _fresh(states[0], call.now)
    return Reply(body=prometheus(states, call.now))


@noun.endpoint("GET", API, scope=Scope.READ)
def external(_call: Call) -> Reply:
    """The resources of Kubernetes' external metrics API."""
    return Reply(body=json.dumps(external_resources()))


@noun.endpoint("GET", API + "/namespaces/{namespace}/{metric}", scope=Scope.READ, asks=MetricAsked, may_miss=True)
def external_metric(call: Call, asked: MetricAsked) -> Reply:
    """A metric of groups as an `ExternalMetricValueList`; 503 unless it is known of every group that is asked for."""
    figure = BY_NAME[asked.metric]
    states = [state for state in _states(call) if chosen_by_labels(asked.selector, {"group": state.group})]
    if not states:
        raise NotFound(f"no group of the scaling policy fits {asked.selector or 'any selector'}")
    for state in states:
        if figure.of(_fresh(state, call.now).decision) is None:
            raise StoreUnavailable(
                f"{figure.name} of the group {state.group} is not known: nobody reports it, or it cannot be read", AGAIN_S
            )
    # Kubernetes' times have whole seconds.
    stamps = {state.group: rfc3339(state.decision.time // SECOND_MS * SECOND_MS).replace(".000Z", "Z") for state in states}
    return Reply(body=json.dumps(external_values(figure, states, stamps)))


def _states(call: Call) -> list[GroupState]:
    """Of the groups that the caller may see: those that lie inside of its tag scope as a whole."""
    wanted = call.caller.tags.matchers
    states = call.services.scaling.scaling_states(call.caller.workspace)
    return [state for state in states if set(wanted) <= set(Selector.parse(state.tags).matchers)]


def _policies(call: Call) -> list[GroupPolicy]:
    """Those of the stored policy that the caller may see."""
    try:
        found = parse_policy(call.services.fleet.settings(call.caller.workspace, DOCUMENT) or {})
    except InvalidInput as error:
        raise InvalidInput(f"the stored policy is not valid any more: {error}", "scaling-policy") from None
    return [policy for policy in found if set(call.caller.tags.matchers) <= set(Selector.parse(policy.tags).matchers)]


def _existing(call: Call, group: str) -> GroupState:
    found = next((state for state in _states(call) if state.group == group), None)
    if found is not None:
        return found
    if any(policy.name == group for policy in _policies(call)):
        raise StoreUnavailable(f"the group {group} is new: nothing has been decided of it yet", AGAIN_S)
    raise NotFound(f"no group {group} in the scaling policy")


def _fresh(state: GroupState, now: int) -> GroupState:
    if state.stale(now):
        age = (now - state.decision.time) // SECOND_MS
        raise StoreUnavailable(f"what is known of the group {state.group} is {age} s old, which says nothing of now", AGAIN_S)
    return state


def _check(call: Call, document: Stored) -> object:
    """Every fault, those of tags that are no dimensions among them."""
    policies = parse_policy(document)
    faults = []
    for policy in policies:
        try:
            check_dimensions(policy, settings_of(call).dimensions)
        except InvalidInput as error:
            faults.append(Fault(f"groups.{policy.name}.tags", error.reason))
    if faults:
        raise InvalidDocument(faults)
    return policies


POLICY_KIND: Kind = Kind(name=DOCUMENT, title="the scaling policy", check=_check)
