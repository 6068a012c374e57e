"""How people are told: channels, routes, inhibitions, the dead man's switch, budgets, each a document; and a test of a channel."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from functions.api import documents
from functions.api.alert_view import who
from functions.api.desired import IfMatch
from functions.api.documents import Document, Kind, Stored
from functions.api.endpoint import Call, Noun, Reply
from functions.api.fleet_view import settings_of
from functions.api.models import Answer, Asked
from functions.domain.alert import Severity
from functions.domain.alert_budgets import DOCUMENT as BUDGETS
from functions.domain.alert_budgets import parse_budgets
from functions.domain.alert_faults import Faults, Node
from functions.domain.alert_routes import parse_routing
from functions.domain.channels import parse_channels
from functions.domain.dead_man import DOCUMENT as DEAD_MAN
from functions.domain.dead_man import DeadMan
from functions.domain.delivery import Delivery, DeliveryState, delivery_id
from functions.domain.errors import NotFound
from functions.domain.inhibition import parse_inhibitions
from functions.domain.notification import Notification, NotificationKind
from functions.domain.rollout_notices import DOCUMENT as NOTICES
from functions.domain.times import SECOND_MS
from functions.domain.token import Scope
from functions.runtime.alert_setup import CHANNELS, INHIBITIONS, ROUTES

noun = Noun("channels")

TEST_BYTES = 6
PATIENCE_MS = 20 * SECOND_MS
"""How long a test waits for its message; the gateway waits for 29 s."""
LOOK_EVERY_S = 0.5


class ChannelsDocument(Document):
    """Channels by name: `{"oncall": {"kind": "slack", "channel": "C01", "secret": {"secretsmanager": "clawpulse/…", "key": "token"}}}`.

    Secrets are named, never sent.
    """


class RoutesDocument(Document):
    """Routes: `{"routes": [{"name": "pages", "match": "severity=critical", "channels": ["oncall"]}]}`; empty: all goes to every channel."""


class InhibitionsDocument(Document):
    """Inhibitions: `{"inhibitions": [{"source": "rule=dead-agent", "target": "severity=warning", "equal": ["agent"]}]}`."""


class DeadManDocument(Document):
    """The dead man's switch: `{"url": "https://…", "every": "60s"}`; empty: none."""


class BudgetsDocument(Document):
    """Budgets by group: `{"tier=smart": {"tokens_per_day": 1000000, "usd_per_day": 50}, "": {"usd_per_month": 900}}`.

    Of tokens or dollars an hour, day or month; `cpu_percent` and `memory_percent` of each agent. `warn` (0.8) and `alert` (1.0) are shares;
    `act`: `{"at": 1.2, "do": "pause"}` or `{"at": 1.0, "do": {"model": "…"}, "until": "raised", "budgets": ["usd_per_day"]}`.
    """


class ChannelAsked(Asked):
    """Which channel."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$", description="A channel's name.")


class Tested(Answer):
    """What became of a test message."""

    channel: str
    delivery: str = Field(description="Its id: `GET /api/deliveries` tells what becomes of one that is still being tried.")
    state: DeliveryState
    text: str = Field(description="For people, with the vendor's words.")
    reference: str = Field(description="What the vendor calls it.")


@noun.endpoint("GET", "/api/channels", scope=Scope.READ, answers=ChannelsDocument)
def channels(call: Call) -> Reply:
    """The channels, with the names of their secrets."""
    return documents.read(call, CHANNELS_KIND)


@noun.endpoint("PUT", "/api/channels", scope=Scope.OPERATE, heeds=IfMatch, takes=ChannelsDocument, answers=ChannelsDocument)
def replace_channels(call: Call, heeded: IfMatch, body: ChannelsDocument) -> Reply:
    """Replace the channels. One that a route names cannot be left out."""
    return documents.replace(call, CHANNELS_KIND, heeded, body)


@noun.endpoint("POST", "/api/channels/{name}/test", scope=Scope.OPERATE, asks=ChannelAsked, answers=Tested)
def test(call: Call, asked: ChannelAsked) -> Tested:
    """Send a test message, and wait up to 20 seconds for what becomes of it.

    It goes the way of all messages: queue, secret, channel; only there are the secrets known.
    """
    call.caller.need_whole_workspace("the channels")
    if asked.name not in (call.services.fleet.settings(call.caller.workspace, CHANNELS) or {}):
        raise NotFound(f"no channel {asked.name}")
    sent = _test_message(call, asked.name)
    call.services.deliveries.create(call.caller.workspace, sent)
    call.services.notify.send([({"workspace": call.caller.workspace, "delivery": sent.id}, 0)])
    return _tested(_awaited(call, sent))


@noun.endpoint("GET", "/api/routes", scope=Scope.READ, answers=RoutesDocument)
def routes(call: Call) -> Reply:
    """Which alerts go to which channels."""
    return documents.read(call, ROUTES_KIND)


@noun.endpoint("PUT", "/api/routes", scope=Scope.OPERATE, heeds=IfMatch, takes=RoutesDocument, answers=RoutesDocument)
def replace_routes(call: Call, heeded: IfMatch, body: RoutesDocument) -> Reply:
    """Replace the routes."""
    return documents.replace(call, ROUTES_KIND, heeded, body)


@noun.endpoint("GET", "/api/inhibitions", scope=Scope.READ, answers=InhibitionsDocument)
def inhibitions(call: Call) -> Reply:
    """Which alerts are not told while others fire."""
    return documents.read(call, INHIBITIONS_KIND)


@noun.endpoint("PUT", "/api/inhibitions", scope=Scope.OPERATE, heeds=IfMatch, takes=InhibitionsDocument, answers=InhibitionsDocument)
def replace_inhibitions(call: Call, heeded: IfMatch, body: InhibitionsDocument) -> Reply:
    """Replace the inhibitions."""
    return documents.replace(call, INHIBITIONS_KIND, heeded, body)


@noun.endpoint("GET", "/api/dead-man", scope=Scope.READ, answers=DeadManDocument)
def dead_man(call: Call) -> Reply:
    """Who outside is told that evaluation is alive."""
    return documents.read(call, DEAD_MAN_KIND)


@noun.endpoint("PUT", "/api/dead-man", scope=Scope.OPERATE, heeds=IfMatch, takes=DeadManDocument, answers=DeadManDocument)
def replace_dead_man(call: Call, heeded: IfMatch, body: DeadManDocument) -> Reply:
    """Replace the dead man's switch; an empty document switches it off."""
    return documents.replace(call, DEAD_MAN_KIND, heeded, body)


@noun.endpoint("GET", "/api/budgets", scope=Scope.READ, answers=BudgetsDocument)
def budgets(call: Call) -> Reply:
    """What groups may use in an hour, a day or a month."""
    return documents.read(call, BUDGETS_KIND)


@noun.endpoint("PUT", "/api/budgets", scope=Scope.OPERATE, heeds=IfMatch, takes=BudgetsDocument, answers=BudgetsDocument)
def replace_budgets(call: Call, heeded: IfMatch, body: BudgetsDocument) -> Reply:
    """Replace the budgets; rules with `budget:` go by them, and those with `act` do what they say within a minute."""
    return documents.replace(call, BUDGETS_KIND, heeded, body)


def _check_channels(call: Call, document: Stored) -> None:
    channels = parse_channels(document, call.caller.workspace)
    faults = Faults()
    for missing in sorted(_routed(call.services.fleet.settings(call.caller.workspace, ROUTES)) - channels.keys()):
        faults.add(missing, "is missing, but a route sends to it: change the routes first")
    notices = call.services.fleet.settings(call.caller.workspace, NOTICES) or {}
    for missing in sorted(set(notices.get("channels") or []) - channels.keys()):
        faults.add(missing, "is missing, but is told of rollouts: change the rollout notices first")
    faults.raise_any()


def _routed(document: Mapping[str, Any] | None) -> set[str]:
    """Names of channels that routes use."""
    given = (document or {}).get("routes") or []
    return {name for route in given if isinstance(route, Mapping) for name in route.get("channels") or []}


def _check_routes(call: Call, document: Stored) -> object:
    return parse_routing(document, call.services.fleet.settings(call.caller.workspace, CHANNELS) or {})


def _check_inhibitions(_call: Call, document: Stored) -> object:
    faults = Faults()
    Node(document, "", faults).keys(("inhibitions",))
    faults.raise_any()
    return parse_inhibitions(document.get("inhibitions"))


def _test_message(call: Call, channel: str) -> Delivery:
    incident = f"test-{call.services.random(TEST_BYTES).hex()}"
    notification = Notification(
        kind=NotificationKind.TEST,
        workspace=call.caller.workspace,
        incident=incident,
        title=f"the channel {channel} works",
        severity=Severity.INFO,
        at=call.now,
        started=call.now,
        by=who(call),
        note="Sent to try the channel. Nothing is wrong.",
    )
    return Delivery(id=delivery_id(call.now, incident, 0, channel), channel=channel, notification=notification, created=call.now)


def _awaited(call: Call, sent: Delivery) -> Delivery:
    """The delivery once it ended, or as it stands when patience does."""
    while True:
        found = call.services.deliveries.read(call.caller.workspace, sent.id) or sent
        if found.state is not DeliveryState.PENDING or call.services.now() >= call.now + PATIENCE_MS:
            return found
        call.services.sleep(LOOK_EVERY_S)


def _tested(delivery: Delivery) -> Tested:
    return Tested(channel=delivery.channel, delivery=delivery.id, state=delivery.state, text=_text(delivery), reference=delivery.reference)


def _text(delivery: Delivery) -> str:
    if delivery.state is DeliveryState.SENT:
        return f"the channel {delivery.channel} took the test message"
    if delivery.state is DeliveryState.PENDING:
        failed = f"it failed {delivery.attempts} times, the last time with: {delivery.reason}" if delivery.attempts else "no answer yet"
        return f"still being tried: {failed}"
    return delivery.reason


CHANNELS_KIND = Kind(name=CHANNELS, title="the channels", check=_check_channels)
ROUTES_KIND = Kind(name=ROUTES, title="the routes", check=_check_routes)
INHIBITIONS_KIND = Kind(name=INHIBITIONS, title="the inhibitions", check=_check_inhibitions)
DEAD_MAN_KIND = Kind(name=DEAD_MAN, title="the dead man's switch", check=lambda _, document: DeadMan.parse(document))
BUDGETS_KIND = Kind(name=BUDGETS, title="the budgets", check=lambda call, document: parse_budgets(document, settings_of(call).dimensions))
