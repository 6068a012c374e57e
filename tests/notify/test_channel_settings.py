"""The settings documents `channels` and `routes`: what is right is understood, every fault is named with its path."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.domain.alert import Edge, EdgeKind, Severity
from functions.domain.alert_faults import InvalidDocument
from functions.domain.alert_routes import Routing, labels_of, parse_routing
from functions.domain.channel_fields import HINT, KINDS
from functions.domain.channels import SecretReference, parse_channel, parse_channels
from functions.domain.errors import InvalidInput
from tests.docs.blocks import ROOT, blocks

README = ROOT / "functions/notify/README.md"
VAULT = {"vault": "clawpulse/acme/x", "key": "token"}
MANAGER = {"secretsmanager": "clawpulse/acme/x"}


def faults(document: Any, workspace: str = "acme") -> list[tuple[str, str]]:
    with pytest.raises(InvalidDocument) as failed:
        parse_channels(document, workspace)
    return [tuple(fault) for fault in failed.value.faults]


def one(**settings: Any) -> list[tuple[str, str]]:
    return faults({"it": settings})


def test_the_examples_of_the_document_are_right() -> None:
    channels, routes = (json.loads(block) for block in blocks(README, "json"))
    found = parse_channels(channels, "default")
    assert {channel.kind for channel in found.values()} == set(KINDS)
    assert found["lounge"].secret == SecretReference("vault", "clawpulse/default/discord", "url")
    assert found["team-chat"].text("api") == "https://slack.com/api"
    assert [route.name for route in parse_routing(routes, found).routes] == ["pages", "search", "rest"]


def test_every_setting_is_documented() -> None:
    text = README.read_text()
    assert not [name for kind, found in KINDS.items() for name in (kind, *found.fields) if f"`{name}`" not in text]


def test_no_document_is_no_channel() -> None:
    assert parse_channels(None, "acme") == {}


@pytest.mark.parametrize(
    ("settings", "path", "reason"),
    [
        ({}, "it.kind", "must be one of slack"),
        ({"kind": "teams"}, "it.kind", "must be one of slack"),
        ({"kind": "sns"}, "it.topic", "is missing"),
        ({"kind": "sns", "topic": "arn:aws:sns:eu-west-1:123456789012:clawpulse_other_x"}, "it.topic", "begin with clawpulse_acme_"),
        ({"kind": "sns", "topic": "arn:aws:sns:eu-west-1:123456789012:clawpulse_acme_x.fifo"}, "it.topic", "not FIFO"),
        ({"kind": "email", "from": "a@example.com", "to": []}, "it.to", "1 to 50"),
        ({"kind": "email", "from": "a@example.com", "to": ["a@example.com\nBcc: b@example.com"]}, "it.to", "is no e-mail address"),
        ({"kind": "email", "from": "a@example.com", "to": ["b@example.com"], "secret": MANAGER}, "it.secret", "has no secret"),
        ({"kind": "slack", "chanel": "C1", "secret": VAULT}, "it.chanel", "did you mean channel?"),
        ({"kind": "slack", "channel": "C1"}, "it.secret", "never the secret itself"),
        ({"kind": "slack", "channel": "C1", "secret": {**VAULT, **MANAGER}}, "it.secret", "must have the form"),
        ({"kind": "slack", "channel": "C1", "secret": {"vault": "clawpulse/acme/x"}}, "it.secret.key", "is missing"),
        (
            {"kind": "slack", "channel": "C1", "secret": {"secretsmanager": "clawpulse/other/x"}},
            "it.secret.secretsmanager",
            "its own secrets only",
        ),
        ({"kind": "slack", "channel": "C1", "secret": {"vault": "clawpulse/acme/../other/x", "key": "k"}}, "it.secret.vault", "its own"),
        ({"kind": "webhook", "url": "file:///etc/passwd", "secret": MANAGER}, "it.url", "must be a URL"),
        ({"kind": "webhook", "url": "https://x/\r\nA: b", "secret": MANAGER}, "it.url", "must be a URL"),
        ({"kind": "webhook", "url": 5, "secret": MANAGER}, "it.url", "must be a URL"),
        ({"kind": "whatsapp", "phone_number_id": "x", "to": "+49", "template": "T", "secret": VAULT}, "it.to", "phone number"),
        ({"kind": "discord", "username": "discord", "secret": VAULT}, "it.username", "must be a name"),
    ],
)
def test_each_fault_has_its_path_and_reason(settings: dict[str, Any], path: str, reason: str) -> None:
    found = dict(one(**settings))
    assert reason in found[path]


def test_all_faults_come_at_once_and_quote_no_value() -> None:
    found = faults({"a": {"kind": "slack", "api": "xoxb-123-abc", "secret": "xoxb-456-def"}, "B c": 5, "d": {"kind": "email"}})
    assert [path for path, _ in found] == ["a.api", "a.secret", "B c", "B c", "d.from", "d.to"]
    assert "xoxb" not in str(found)


@pytest.mark.parametrize(
    "value",
    [
        "https://hooks.slack.com/services/T0/B0/abc",
        "https://discord.com/api/webhooks/1/abc",
        "https://user:word@example.com/x",
        "https://example.com/x?token=abc",
        "https://example.com/x?a=b&api_key=abc",
        "https://example.com/0123456789abcdef0123456789abcdef",
        "https://example.com/EAAabcdefghijklmnopqrstuv",
        "https://example.com/xoxp-1-2",
        "https://example.com/AKIAABCDEFGHIJKLMNOP",
        "https://example.com/ghp_abcdefghijklmnop",
    ],
)
def test_what_looks_like_a_secret_is_refused_with_a_hint(value: str) -> None:
    assert one(kind="webhook", url=value, secret=MANAGER) == [("it.url", HINT)]


@pytest.mark.parametrize("value", ["https://example.com/hooks/clawpulse?team=search", "https://alerts.internal.example.com:8443/a/b-c_d"])
def test_what_looks_like_none_is_taken(value: str) -> None:
    assert parse_channels({"it": {"kind": "webhook", "url": value, "secret": MANAGER}}, "acme")["it"].text("url") == value


def test_an_arn_is_checked_by_the_name_within() -> None:
    arn = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:clawpulse/{}/x-AbCdEf"
    assert parse_channels({"it": {"kind": "slack", "secret": {"secretsmanager": arn.format("acme")}}}, "acme")
    assert one(kind="slack", secret={"secretsmanager": arn.format("other")})


def test_one_channel_is_read_whatever_is_wrong_with_others() -> None:
    document = {"good": {"kind": "slack", "secret": VAULT}, "bad": 5}
    assert parse_channel(document, "acme", "good").secret == SecretReference("vault", "clawpulse/acme/x", "token")
    with pytest.raises(InvalidInput, match="must be a mapping"):
        parse_channel(document, "acme", "bad")
    with pytest.raises(InvalidInput, match=r"there is no such channel; did you mean good\?"):
        parse_channel(document, "acme", "goods")


def understood(read: Callable[[], bool]) -> bool:
    """Whether a document was read as it should, or refused with a reason for each fault."""
    try:
        return read()
    except InvalidDocument as error:
        return bool(error.faults) and all(fault.reason for fault in error.faults)


_json = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(max_size=20)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=10), inner, max_size=3)),
    max_leaves=8,
)
_settings = st.dictionaries(
    st.sampled_from(["kind", "secret", *{name for kind in KINDS.values() for name in kind.fields}]),
    st.one_of(_json, st.sampled_from([*KINDS, "https://example.com", VAULT, MANAGER])),
)


@given(document=st.dictionaries(st.text(max_size=8), st.one_of(_json, _settings), max_size=3))
def test_any_document_is_understood_or_refused_with_reasons(document: dict[str, Any]) -> None:
    assert understood(lambda: parse_channels(document, "acme").keys() == document.keys())


ROUTES = {
    "defaults": {"group_wait": "10s", "group_by": ["rule", "tier"]},
    "routes": [
        {"name": "pages", "match": "severity=critical", "channels": ["oncall"], "continue": True, "group_wait": "0s"},
        {"name": "search", "match": "team=search", "channels": ["chat"], "repeat_interval": "1d"},
        {"name": "muted", "match": "team=~x|y", "channels": []},
        {"name": "rest", "channels": ["mail", "chat"], "group_by": []},
    ],
}
CHANNELS = ["oncall", "chat", "mail"]


def names(routing: Routing, **labels: str) -> list[str]:
    return [route.name for route in routing.match(labels)]


def test_the_first_that_matches_takes_it_and_further_ones_only_after_continue() -> None:
    routing = parse_routing(ROUTES, CHANNELS)
    assert names(routing, severity="critical", team="search") == ["pages", "search"]
    assert names(routing, severity="critical") == ["pages", "rest"]
    assert names(routing, severity="info", team="x") == ["muted"]
    assert names(routing) == ["rest"]


def test_grouping_comes_from_the_route_then_the_defaults_then_ours() -> None:
    pages, search, _, rest = parse_routing(ROUTES, CHANNELS).routes
    assert (pages.group_wait_s, search.group_wait_s) == (0, 10)
    assert (pages.group_by, rest.group_by) == (("rule", "tier"), ())
    assert (pages.repeat_interval_s, search.repeat_interval_s, search.group_interval_s) == (14_400, 86_400, 300)


def test_without_a_document_everything_goes_everywhere() -> None:
    (route,) = parse_routing(None, CHANNELS).match({"severity": "info"})
    assert route.channels == ("chat", "mail", "oncall")


def test_a_route_that_was_removed_leaves_its_incidents_to_the_one_that_takes_everything() -> None:
    routing = parse_routing(ROUTES, CHANNELS)
    assert routing.named("search").channels == ("chat",)
    assert routing.named("gone").name == "rest"
    assert parse_routing({"routes": ROUTES["routes"][:1]}, CHANNELS).named("gone").channels == ()


def test_an_edge_is_matched_by_its_labels_its_rule_and_its_severity() -> None:
    edge = Edge(
        id="e",
        kind=EdgeKind.FIRING,
        rule="p95",
        episode="x",
        at=1,
        since=0,
        severity=Severity.WARNING,
        labels={"team": "a", "rule": "fake"},
    )
    assert labels_of(edge) == {"team": "a", "rule": "p95", "severity": "warning"}


@pytest.mark.parametrize(
    ("document", "path", "reason"),
    [
        ({"defaults": {}}, "routes", "is missing"),
        ({"routes": [{"name": "a", "channels": ["oncal"]}]}, "routes[0].channels", "did you mean oncall?"),
        ({"routes": [{"name": "a", "channels": ["chat", "chat"]}]}, "routes[0].channels", "twice"),
        ({"routes": [{"name": "a", "channels": []}, {"name": "a", "channels": []}]}, "routes", "two routes"),
        ({"routes": [{"name": "A b", "channels": []}]}, "routes[0].name", "small letters"),
        ({"routes": [{"name": "a", "channels": [], "match": "team"}]}, "routes[0].match", "not of the form"),
        ({"routes": [{"name": "a", "channels": [], "match": "team=~(a+)+"}]}, "routes[0].match", "repeated groups"),
        ({"routes": [{"name": "a", "channels": [], "group_wait": "5 minutes"}]}, "routes[0].group_wait", "duration"),
        ({"routes": [{"name": "a", "channels": [], "repeat_interval": "1s"}]}, "routes[0].repeat_interval", "from 1m to 30d"),
        ({"routes": [{"name": "a", "channels": [], "continue": 1}]}, "routes[0].continue", "true or false"),
        ({"routes": [{"name": "a", "channels": [], "chanels": []}]}, "routes[0].chanels", "did you mean channels?"),
        ({"routes": [], "defaults": {"group_by": "rule"}}, "defaults.group_by", "must be a list"),
    ],
)
def test_faults_of_routes(document: Any, path: str, reason: str) -> None:
    with pytest.raises(InvalidDocument) as failed:
        parse_routing(document, CHANNELS)
    assert reason in dict(tuple(fault) for fault in failed.value.faults)[path]


@given(document=st.dictionaries(st.sampled_from(["routes", "defaults", "x"]), st.one_of(_json, st.lists(_json, max_size=3)), max_size=3))
def test_any_document_of_routes_is_understood_or_refused(document: dict[str, Any]) -> None:
    assert understood(lambda: bool(parse_routing(document, CHANNELS)))
