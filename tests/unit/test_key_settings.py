"""The settings document `key-settings`: what is read, and every fault at once, with no value quoted."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.domain.alert_faults import InvalidDocument
from functions.domain.channels import SecretReference
from functions.domain.errors import InvalidInput
from functions.domain.key_calls import at, filled
from functions.domain.key_settings import ProviderSettings, Schedule, parse_key_settings, path_fault, provider_settings
from tests.rotations.providers import generic

ADMIN = {"vault": "clawpulse/default/admin", "key": "key"}
SECRET = "sk-ant-admin01-abcdefghijklmnop1234"


def one(**entry: Any) -> ProviderSettings:
    return parse_key_settings({"p": entry}, "default")["p"]


def faults(document: object) -> dict[str, str]:
    with pytest.raises(InvalidDocument) as failed:
        parse_key_settings(document, "default")
    return {fault.path: fault.reason for fault in failed.value.faults}


def http(**calls: Any) -> dict[str, Any]:
    return {"p": {**generic.settings("https://api.acme.example", ADMIN), **calls}}


def test_what_is_left_out_has_its_default() -> None:
    assert parse_key_settings(None, "default") == {}
    found = one(kind="anthropic")
    assert (found.base_url, found.max_age_days, found.admin, found.revoked_as) == ("https://api.anthropic.com", 90, None, "inactive")
    assert one(kind="openai").base_url == "https://api.openai.com"


def test_everything_that_there_is() -> None:
    anthropic = one(
        kind="anthropic",
        admin=ADMIN,
        workspace_id="wrkspc_01JwQvzr7rXLA5AGx3HKfFUJ",
        revoked_as="archived",
        model="claude-haiku-4-5",
        max_age_days=30,
        schedule={"every_days": 90, "source": "vault", "path": "default/incoming/anthropic"},
    )
    openai = one(
        kind="openai",
        base_url="https://eu.api.openai.com/",
        admin={"secretsmanager": "clawpulse/default/openai"},
        project_id="proj_abc",
        service_account_id="svc_acct_abc",
        schedule={"every_days": 7, "source": "provider"},
    )
    assert anthropic.admin == SecretReference("vault", "clawpulse/default/admin", "key")
    assert (anthropic.revoked_as, anthropic.model, anthropic.max_age_days) == ("archived", "claude-haiku-4-5", 30)
    assert anthropic.schedule == Schedule(90, "vault", "default/incoming/anthropic", "key")
    assert (openai.base_url, openai.project_id, openai.service_account_id) == ("https://eu.api.openai.com", "proj_abc", "svc_acct_abc")
    assert openai.schedule == Schedule(7, "provider")
    assert (anthropic.creates, openai.creates) == (False, True)


def test_calls_of_kind_http() -> None:
    found = parse_key_settings(http(), "default")["p"]
    assert found.creates
    assert {name: call.method for name, call in found.calls.items()} == {
        "test": "GET",
        "create": "POST",
        "revoke": "DELETE",
        "usage": "GET",
    }
    assert found.calls["create"].pointers == {"key": "/token/secret", "id": "/token/id"}
    assert found.calls["test"].refused == {401, 403}


FAULTS: dict[str, tuple[dict[str, Any], dict[str, str]]] = {
    "kind": ({"p": {}}, {"p.kind": "must be one of"}),
    "name": ({"P P": {"kind": "anthropic"}}, {"P P": "a provider's name"}),
    "no mapping": ({"p": 3}, {"p": "must be a mapping"}),
    "unknown": ({"p": {"kind": "anthropic", "max_age_day": 3}}, {"p.max_age_day": "did you mean max_age_days"}),
    "of another kind": ({"p": {"kind": "anthropic", "project_id": "x"}}, {"p.project_id": "is not known"}),
    "admin as text": ({"p": {"kind": "anthropic", "admin": SECRET}}, {"p.admin": "never the secret itself"}),
    "admin of others": (
        {"p": {"kind": "anthropic", "admin": {"secretsmanager": "clawpulse/other/x"}}},
        {"p.admin.secretsmanager": "its own secrets"},
    ),
    "base_url": ({"p": {"kind": "openai", "base_url": "ftp://x"}}, {"p.base_url": "must be a URL"}),
    "base_url with v1": ({"p": {"kind": "openai", "base_url": "https://api.openai.com/v1"}}, {"p.base_url": "comes before /v1"}),
    "secret in base_url": ({"p": {"kind": "openai", "base_url": f"https://x.example/{SECRET}"}}, {"p.base_url": "looks like a secret"}),
    "secret as id": ({"p": {"kind": "openai", "project_id": SECRET}}, {"p.project_id": "looks like a secret"}),
    "days": ({"p": {"kind": "openai", "max_age_days": 0}}, {"p.max_age_days": "whole number"}),
    "revoked_as": ({"p": {"kind": "anthropic", "revoked_as": "deleted"}}, {"p.revoked_as": "inactive or archived"}),
    "account alone": ({"p": {"kind": "openai", "service_account_id": "svc_a"}}, {"p.service_account_id": "needs the project_id"}),
    "schedule": ({"p": {"kind": "openai", "schedule": {}}}, {"p.schedule.every_days": "is missing", "p.schedule.source": "is missing"}),
    "schedule from stdin": (
        {"p": {"kind": "openai", "schedule": {"every_days": 9, "source": "stdin"}}},
        {"p.schedule.source": "vault or provider"},
    ),
    "anthropic makes none": (
        {"p": {"kind": "anthropic", "schedule": {"every_days": 9, "source": "provider"}}},
        {"p.schedule.source": "Console only"},
    ),
    "openai without project": (
        {"p": {"kind": "openai", "schedule": {"every_days": 9, "source": "provider"}}},
        {"p.schedule.source": "project_id"},
    ),
    "vault without path": (
        {"p": {"kind": "openai", "schedule": {"every_days": 9, "source": "vault"}}},
        {"p.schedule.path": "must be a path"},
    ),
    "path of others": (
        {"p": {"kind": "openai", "schedule": {"every_days": 9, "source": "vault", "path": "other/keys/openai/current"}}},
        {"p.schedule.path": "its own secrets only"},
    ),
    "http without test": ({"p": {"kind": "http"}}, {"p.test": "is missing"}),
    "test without key": (http(test={"url": "https://x.example"}), {"p.test": "it would take any key"}),
    "key in a URL": (http(test={"url": "https://x.example?k={key}"}), {"p.test.url": "others' logs"}),
    "placeholder as host": (http(revoke={"url": "https://{id}.example/"}), {"p.revoke.url": "host"}),
    "unknown placeholder": (
        http(revoke={"url": "https://x.example/{ident}"}),
        {"p.revoke.url": "{ident} is no placeholder of this call; it has {admin}"},
    ),
    "no pointer": (http(create={"url": "https://x.example"}), {"p.create.key": "is missing"}),
    "bad pointer": (http(usage={"url": "https://x.example", "last_used": "a.b"}), {"p.usage.last_used": "JSON pointer"}),
    "method": (http(revoke={"url": "https://x.example", "method": "BREW"}), {"p.revoke.method": "must be one of"}),
    "status": (http(revoke={"url": "https://x.example", "accepted": [500]}), {"p.revoke.accepted": "HTTP statuses"}),
    "both": (
        http(test={"url": "https://x.example", "headers": {"K": "{key}"}, "accepted": [200, 403], "refused": [403]}),
        {"p.test.refused": "403 is accepted, too"},
    ),
    "body of a GET": (http(usage={"url": "https://x.example", "last_used": "/a", "body": {"a": 1}}), {"p.usage.body": "a GET has none"}),
    "literal bearer": (
        http(test={"url": "https://x.example", "headers": {"Authorization": f"Bearer {SECRET}", "X": "{key}"}}),
        {"p.test.headers.Authorization": "looks like a secret"},
    ),
    "literal in body": (
        http(create={"url": "https://x.example", "key": "/k", "body": {"t": SECRET}}),
        {"p.create.body": "looks like a secret"},
    ),
    "header over two lines": (
        http(test={"url": "https://x.example", "headers": {"X": "{key}\r\nY: 1"}}),
        {"p.test.headers.X": "printable"},
    ),
    "admin is missing": (
        {"p": {k: v for k, v in http()["p"].items() if k != "admin"}},
        {"p.admin": "create and revoke and usage use {admin}"},
    ),
}


@pytest.mark.parametrize(("document", "expected"), FAULTS.values(), ids=FAULTS.keys())
def test_faults_have_path_and_reason_and_no_value(document: dict[str, Any], expected: dict[str, str]) -> None:
    found = faults(document)
    assert found.keys() == expected.keys()
    for path, reason in expected.items():
        assert reason in found[path]
    assert SECRET not in str(found)


def test_all_faults_at_once() -> None:
    found = faults({"a": {"kind": "what"}, "b": {"kind": "openai", "max_age_days": -1, "base_url": 7}, "c": {"kind": "anthropic"}})
    assert found.keys() == {"a.kind", "b.max_age_days", "b.base_url"}


@pytest.mark.parametrize("document", [[], "text", 3, {f"p{n}": {"kind": "openai"} for n in range(33)}])
def test_no_document(document: object) -> None:
    assert faults(document).keys() == {""}


def test_one_provider_whatever_is_wrong_with_others() -> None:
    document = {"openai": {"kind": "openai", "max_age_days": 5}, "acme": {"kind": "what"}}
    assert provider_settings(document, "default", "openai") == ProviderSettings(
        name="openai", kind="openai", base_url="https://api.openai.com", max_age_days=5
    )
    known = provider_settings(document, "default", "anthropic")
    assert known is not None
    assert (known.kind, known.admin) == ("anthropic", None)
    assert provider_settings(document, "default", "mistral") is None
    with pytest.raises(InvalidDocument):
        provider_settings(document, "default", "acme")


@pytest.mark.parametrize("path", ["default/a", "clawpulse/default/a/b"])
def test_paths_of_ones_own(path: str) -> None:
    assert path_fault(path, "default") is None


@pytest.mark.parametrize("path", ["default", "defaults/a", "default/../other/a", "/default/a", "default//a", "", 3, None, "default/a\n"])
def test_other_paths(path: object) -> None:
    assert path_fault(path, "default")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
KEYS = st.sampled_from(
    ["kind", "admin", "base_url", "schedule", "test", "url", "headers", "body", "accepted", "key", "source", "path", "model"]
)
ENTRY = st.dictionaries(
    KEYS | st.text(max_size=5), st.sampled_from(["http", "openai", "anthropic", "vault"]) | JSON | st.dictionaries(KEYS, JSON)
)


@given(st.dictionaries(st.sampled_from(["p", "q"]) | st.text(max_size=5), JSON | ENTRY, max_size=3) | JSON)
def test_any_document_is_read_or_refused(document: Any) -> None:
    try:
        found = parse_key_settings(document, "default")
    except InvalidInput:
        return
    assert document is None or found.keys() == document.keys()


@given(st.text(max_size=30))
def test_a_value_in_a_url_stays_one_step_of_its_path(value: str) -> None:
    url = filled("https://x.example/a/{id}/b", {"id": value}, url=True)
    assert url.count("/") == 5
    assert url.isascii()
    assert not set("?#& \r\n") & set(url)


def test_values_are_not_templates() -> None:
    assert filled({"a": ["{id}", 3], "b": "{key}-{id}"}, {"id": "{key}", "key": "k"}) == {"a": ["{key}", 3], "b": "k-{key}"}


POINTED = {"a": [1, {"b": 7}], "x/y": 3, "m~n": 4, "none": None}


@pytest.mark.parametrize(("pointer", "found"), [("/a/1/b", 7), ("/a/0", 1), ("/x~1y", 3), ("/m~0n", 4), ("/none", None)])
def test_pointers(pointer: str, found: object) -> None:
    assert at(POINTED, pointer) == found


@pytest.mark.parametrize("pointer", ["/a/2", "/a/-", "/a/-1", "/none/deeper", "/a/b", "/a/\u0663", "/b"])
def test_pointers_to_nothing(pointer: str) -> None:
    with pytest.raises(LookupError):
        at(POINTED, pointer)
