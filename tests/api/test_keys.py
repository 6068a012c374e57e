"""What the API tells of keys, and the one route that gives one out."""

from __future__ import annotations

from typing import Any

import pytest

from functions.domain.errors import VaultRefused, VaultUnavailable
from functions.domain.key_fingerprint import fingerprint
from functions.domain.rotation import Alias, Rotation, RotationPhase, StoredKey
from functions.domain.times import DAY_MS
from functions.domain.wire import KeyReport
from tests.api.world import NOW, ApiClient, World, agent

SETTINGS = {
    "anthropic": {"kind": "anthropic", "max_age_days": 30},
    "openai": {"kind": "openai", "project_id": "proj_1", "admin": {"secretsmanager": "clawpulse/team/openai"}},
}


def put(world: World, key: str, alias: Alias = Alias.CURRENT, provider: str = "anthropic", shard: str = "", days: int = 3) -> str:
    """A key in Vault; its fingerprint."""
    print_ = fingerprint(key, world.vault.salt("team"))
    seen = world.vault.state("team", provider, shard).versions[[Alias.CURRENT, Alias.NEXT, Alias.OLD].index(alias)]
    stored = StoredKey(key, print_, "id-1", 0, NOW - days * DAY_MS)
    assert world.vault.write("team", provider, alias, stored, seen, shard)
    return print_


def test_an_agent_gets_the_key_that_it_is_to_use(world: World, caplog: pytest.LogCaptureFixture) -> None:
    world.seal(agent("a1"), agent("a2"))
    old, new = put(world, "sk-current-0123456789"), put(world, "sk-next-0123456789", Alias.NEXT)
    world.keys.assign("team", "a1", "anthropic", new, None)
    world.keys.assign("team", "a2", "anthropic", old, None)
    client = world.client("keys")
    caplog.set_level("INFO", "api")
    answer = client.call("GET", "/v1/keys/anthropic?agent=a1")
    assert (answer.status_code, answer.text) == (200, "sk-next-0123456789")
    assert answer.headers["Content-Type"].startswith("text/plain")
    assert answer.headers["Cache-Control"] == "no-store"
    assert "ETag" not in answer.headers
    assert client.call("GET", "/v1/keys/anthropic?agent=a2").text == "sk-current-0123456789"
    logged = [vars(record) for record in caplog.records if record.message == "key fetched"]
    assert [(one["agent"], one["provider"], one["fingerprint"]) for one in logged] == [("a1", "anthropic", new), ("a2", "anthropic", old)]
    assert "sk-" not in str(logged)


def test_no_condition_saves_the_answer(world: World) -> None:
    world.seal(agent("a1"))
    world.keys.assign("team", "a1", "anthropic", put(world, "sk-current-0123456789"), None)
    answer = world.client("keys").call("GET", "/v1/keys/anthropic?agent=a1", headers={"If-None-Match": "*"})
    assert answer.status_code == 200


@pytest.mark.parametrize("scope", ["ingest", "read", "operate"])
def test_other_scopes_get_no_key(world: World, scope: str) -> None:
    world.seal(agent("a1"))
    world.keys.assign("team", "a1", "anthropic", put(world, "sk-current-0123456789"), None)
    problem = world.client(scope).problem(403, "GET", "/v1/keys/anthropic?agent=a1")
    assert "needs the scope keys" in problem["detail"]


def test_a_token_with_tags_gets_keys_of_its_agents_only(world: World) -> None:
    world.seal(agent("a1", "shard=acme"), agent("b1", "shard=other"), agent("c1"))
    print_ = put(world, "sk-current-0123456789")
    for name in ("a1", "b1", "c1", "unknown"):
        world.keys.assign("team", name, "anthropic", print_, None)
    client = world.client("keys", tags="shard=acme")
    assert client.call("GET", "/v1/keys/anthropic?agent=a1").status_code == 200
    for name in ("b1", "c1", "unknown"):
        problem = client.problem(403, "GET", f"/v1/keys/anthropic?agent={name}")
        assert "shard=acme, which the token is limited to" in problem["detail"]


def test_a_shard_has_keys_of_its_own(world: World) -> None:
    world.seal(agent("a1", "shard=acme"), agent("b1", "shard=other one"))
    mine, common = put(world, "sk-acme-0123456789", shard="acme"), put(world, "sk-common-0123456789")
    world.keys.assign("team", "a1", "anthropic", mine, None)
    world.keys.assign("team", "b1", "anthropic", common, None)
    client = world.client("keys")
    assert client.call("GET", "/v1/keys/anthropic?agent=a1").text == "sk-acme-0123456789"
    assert client.call("GET", "/v1/keys/anthropic?agent=b1").text == "sk-common-0123456789"
    # What another shard has is not to be had by an agent that is told its fingerprint.
    world.keys.assign("team", "b1", "anthropic", mine, common)
    assert "is not in Vault" in client.problem(404, "GET", "/v1/keys/anthropic?agent=b1")["detail"]


def test_a_key_of_another_workspace_is_not_to_be_had(world: World) -> None:
    world.seal(agent("a1"))
    world.keys.assign("team", "a1", "anthropic", put(world, "sk-current-0123456789"), None)
    assert world.client("keys", workspace="other").call("GET", "/v1/keys/anthropic?agent=a1").status_code == 404


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        ("/v1/keys/anthropic?agent=a1", 404, "no key of anthropic is assigned to the agent a1"),
        ("/v1/keys/Anthropic?agent=a1", 400, "provider"),
        ("/v1/keys/anthropic", 400, "is missing"),
    ],
)
def test_there_is_no_key(world: World, path: str, status: int, words: str) -> None:
    assert words in str(world.client("keys").problem(status, "GET", path))


@pytest.mark.parametrize("fault", [VaultUnavailable("Vault is sealed"), VaultRefused("Vault answers 403")])
def test_without_vault(world: World, fault: Exception) -> None:
    world.seal(agent("a1"))
    world.keys.assign("team", "a1", "anthropic", put(world, "sk-current-0123456789"), None)
    world.vault.fault = fault
    assert world.client("keys").problem(503, "GET", "/v1/keys/anthropic?agent=a1")["detail"] == str(fault)
    found = provider(world.client("read"), "anthropic")
    assert (found["vault"], found["keys"], found["agents"]) == (str(fault), [], 1)


def provider(client: ApiClient, name: str) -> Any:
    """What is told of a provider."""
    return next(one for one in client.get("/api/keys")["providers"] if one["provider"] == name)


def test_what_is_known_of_keys(world: World) -> None:
    retired = agent("gone", keys={"anthropic": KeyReport()})
    retired.retired = True
    current, old = put(world, "sk-current-0123456789", days=40), put(world, "sk-old-0123456789", Alias.OLD)
    stray = fingerprint("sk-stray-0123456789", "00000001")
    world.seal(
        agent("a1", keys={"anthropic": KeyReport(fingerprint=current, used=NOW - 5000)}),
        agent("a2", keys={"anthropic": KeyReport(fingerprint=old, error="401 invalid x-api-key")}),
        agent("a3", keys={"anthropic": KeyReport(fingerprint=stray)}),
        agent("a4"),
        retired,
    )
    world.fleet.update_agent("team", "gone", {"retired": True})
    for name in ("a1", "a2"):
        world.keys.assign("team", name, "anthropic", current, None)
    world.fleet.put_settings("team", "key-settings", SETTINGS)
    found = provider(world.client("read"), "anthropic")
    assert [(one["alias"], one["fingerprint"], one["assigned"], one["reported"], one["overdue"]) for one in found["keys"]] == [
        ("current", current, 2, 1, True),
        ("old", old, 0, 1, False),
    ]
    assert found["keys"][0]["ageDays"] == 40
    assert found["others"] == [{"fingerprint": stray, "assigned": 0, "reported": 1}]
    assert (found["agents"], found["behind"], found["errors"]) == (3, 1, {"a2": "401 invalid x-api-key"})
    assert (found["kind"], found["maxAgeDays"], found["vault"], found["last"]) == ("anthropic", 30, None, None)
    assert [one["provider"] for one in world.client("read").get("/api/keys")["providers"]] == ["anthropic", "openai"]
    assert "sk-" not in str(world.client("read").get("/api/keys"))
    shown = world.client("read").get("/api/agents/a2")["keys"]
    assert shown == {"anthropic": {"assigned": current, "reported": old, "error": "401 invalid x-api-key", "used": None}}


def test_the_schedule_and_the_last_rotation_are_told(world: World) -> None:
    world.seal(agent("a1"))
    put(world, "sk-current-0123456789", provider="openai", days=10)
    schedule = {"every_days": 90, "source": "provider"}
    world.fleet.put_settings("team", "key-settings", {"openai": {**SETTINGS["openai"], "schedule": schedule}})
    for number, changes in enumerate(({"phase": RotationPhase.SUCCEEDED}, {"dry_run": True})):
        made = Rotation(id=f"k00000000{number}", provider="openai", created=NOW, by="t", new="", since=NOW, **changes)
        assert world.rotations.create_rotation("team", made, [])
    found = provider(world.client("read"), "openai")
    assert found["schedule"] == {"everyDays": 90, "source": "provider", "due": "2027-02-11T20:00:30.000Z"}
    assert (found["last"]["id"], found["last"]["phase"]) == ("k000000000", "succeeded")


def test_a_provider_that_only_agents_name_is_told(world: World) -> None:
    world.seal(agent("a1", keys={"mistral": KeyReport()}))
    found = provider(world.client("read"), "mistral")
    assert (found["kind"], found["maxAgeDays"], found["agents"]) == (None, None, 1)


def test_settings_are_replaced_and_checked(world: World) -> None:
    client = world.client("operate")
    assert client.get("/api/key-settings") == {}
    assert client.call("PUT", "/api/key-settings", json=SETTINGS).json == SETTINGS
    problem = client.problem(
        422, "PUT", "/api/key-settings", json={"anthropic": {"kind": "anthropic", "admin": "sk-ant-admin01-abcdefghij"}}
    )
    assert problem["faults"][0]["path"].startswith("anthropic.admin")
    assert "sk-ant" not in str(problem)
    assert client.get("/api/key-settings") == SETTINGS
    world.client("read", tags="shard=acme").problem(403, "GET", "/api/key-settings")
    world.client("read", tags="shard=acme").problem(403, "GET", "/api/keys")


def test_a_forgotten_agent_is_to_use_no_key(world: World) -> None:
    world.seal(agent("a1"))
    world.keys.assign("team", "a1", "anthropic", put(world, "sk-current-0123456789"), None)
    assert world.client("admin").call("DELETE", "/api/agents/a1").status_code == 204
    assert world.keys.keys_of("team", "a1") == {}
    world.client("keys").problem(404, "GET", "/v1/keys/anthropic?agent=a1")
