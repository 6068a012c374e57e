"""Rotations over the API. That no key is in an answer, a log or a store is looked for in all that a test leaves."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import pytest

from functions.domain.errors import StoreUnavailable, VaultRefused, VaultUnavailable
from functions.domain.key_fingerprint import fingerprint
from functions.domain.rollout import Entry
from functions.domain.rotation import Alias, Rotation, RotationPhase
from functions.domain.wire import KeyReport
from tests.api import rolling
from tests.api.test_keys import put
from tests.api.world import NOW, ApiClient, World, agent
from tests.fakes.rotations import MemoryRotations

KEY = "sk-ant-brand-new-0123456789-ABCDEFGHIJ"
WANTED = {"provider": "anthropic", "source": "key", "key": KEY}
OPENAI = {"openai": {"kind": "openai", "project_id": "proj_1", "admin": {"secretsmanager": "clawpulse/team/openai"}}}


@pytest.fixture
def client(world: World) -> ApiClient:
    old = put(world, "sk-ant-in-use-0123456789")
    states = [agent(name, tags, keys={"anthropic": KeyReport(fingerprint=old)}) for name, tags in FLEET.items()]
    world.seal(*states, agent("silent", "env=prod"))
    for name in FLEET:
        world.keys.assign("team", name, "anthropic", old, None)
    return world.client("operate")


FLEET = {"a1": "env=prod", "a2": "env=dev,shard=acme"}


class Everything(logging.Handler):
    """All that records have, whatever a formatter makes of it."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        trace = logging.Formatter().formatException(record.exc_info) if record.exc_info else ""
        self.lines.append(f"{vars(record)} {trace}")


@pytest.fixture(autouse=True)
def no_key_anywhere(world: World, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]) -> Iterator[None]:
    """Nothing but Vault has the key: no store, no log."""
    logged = Everything()
    logging.getLogger().addHandler(logged)
    with caplog.at_level(logging.DEBUG):
        yield
    logging.getLogger().removeHandler(logged)
    written = capfd.readouterr()
    stores = [vars(store) for store in (world.rotations, world.rollouts, world.fleet, world.keys, world.rotation_executions, world.tokens)]
    for text in (written.out, written.err, *logged.lines, *map(str, stores)):
        assert "brand-new" not in text
        assert "sk-made" not in text


def start(client: ApiClient, status: int = 201, **body: Any) -> Any:
    answer = client.call("POST", "/api/rotations", json={**WANTED, **body})
    assert answer.status_code == status, answer.text
    assert "brand-new" not in answer.text
    return answer.json


def test_one_is_started_listed_and_shown(world: World, client: ApiClient) -> None:
    made = start(client, tags="env=prod", policy={"wave_size": 5, "cooldown_s": "45s"})
    print_ = fingerprint(KEY, world.vault.salt("team"))
    assert (made["provider"], made["new"], made["source"], made["phase"], made["position"]) == ("anthropic", print_, "stdin", "queued", 0)
    assert (made["policy"]["wave_size"], made["policy"]["cooldown_s"], made["policy"]["abort_above"]) == (5, 45, 0.02)
    assert (made["selector"], made["by"]) == ("env=prod", f"test ({client.token.split('_')[1]})")
    assert (made["actions"], made["plan"], made["checks"], made["eta"]) == (["pause", "abort"], None, [], None)
    waiting = world.vault.take_incoming("team", made["id"])
    assert waiting is not None
    assert (waiting.key, waiting.fingerprint, waiting.created) == (KEY, print_, NOW)
    assert world.rotation_executions.started == [("team", made["id"], 1)]
    assert client.get(f"/api/rotations/{made['id']}") == made
    (listed,) = client.get("/api/rotations")["rotations"]
    assert listed == {key: made[key] for key in listed}
    (created,) = client.get(f"/api/rotations/{made['id']}/audit")["entries"]
    assert (created["action"], created["by"], print_ in created["text"]) == ("created", made["by"], True)


def test_a_second_one_queues(world: World, client: ApiClient) -> None:
    first = start(client)
    world.now += 1
    second = start(client, provider="openai")
    assert (first["position"], second["position"]) == (0, 1)
    assert [one["id"] for one in client.get("/api/rotations", state="open")["rotations"]] == [second["id"], first["id"]]
    assert [one["id"] for one in client.get("/api/rotations", provider="openai")["rotations"]] == [second["id"]]
    assert client.get("/api/rotations", state="over,held")["rotations"] == []


def test_pages(world: World, client: ApiClient) -> None:
    made = []
    for _ in range(3):
        world.now += 1
        made.append(start(client)["id"])
    page = client.get("/api/rotations", limit=2)
    rest = client.get("/api/rotations", limit=2, cursor=page["next"])
    assert [one["id"] for one in page["rotations"] + rest["rotations"]] == made[::-1]
    client.problem(422, "GET", "/api/rotations", query_string={"cursor": page["next"], "state": "open"})


@pytest.mark.parametrize(
    ("body", "status", "field", "words"),
    [
        ({"key": ""}, 422, "key", "is empty"),
        ({"key": None}, 422, "key", "is missing"),
        ({"key": "brand-new key-0123456789"}, 422, "key", "has spaces, line ends"),
        ({"key": "brand-new-0123456789\n"}, 422, "key", "has spaces, line ends"),
        ({"key": "brand-new-0123456789é"}, 422, "key", "other characters"),
        ({"key": "brand-new"}, 422, "key", "too short"),
        ({"key": "brand-new" * 300}, 400, "key", "at most 2048"),
        ({"key": ["brand-new-0123456789"]}, 400, "key", "string"),
        ({"key": {"brand": "brand-new-0123456789"}}, 400, "key", "string"),
        ({"keys": "brand-new-0123456789"}, 400, "keys", "is not known"),
        ({"source": "stdin"}, 400, "source", "'key', 'vault' or 'provider'"),
        ({"source": "vault"}, 422, "key", "is not for the source vault"),
        ({"source": "vault", "key": None}, 422, "path", "is missing"),
        ({"source": "vault", "key": None, "path": "other/key"}, 422, "path", "must begin with team/"),
        ({"source": "vault", "key": None, "path": "team/../other"}, 422, "path", "must be a path"),
        ({"source": "vault", "key": None, "path": "team/none"}, 404, None, "Vault has no field key at team/none"),
        ({"field": "key"}, 422, "field", "is not for the source key"),
        ({"source": "provider", "key": None}, 422, "source", "makes no keys by itself"),
        ({"provider": "mistral"}, 422, "provider", "is no provider that key-settings names"),
        ({"provider": "An thropic"}, 400, "provider", "pattern"),
        ({"policy": {"wave_sise": 5}}, 422, "policy.wave_sise", "did you mean wave_size?"),
        ({"policy": {"abort_above": 2}}, 422, "policy.abort_above", "share from 0 to 1"),
        ({"tags": "env=test"}, 422, "tags", "no agent matches"),
        ({"shard": "acmee"}, 422, "shard", "no agent has shard=acmee"),
        ({"shard": "acme", "tags": "env=prod"}, 422, "shard", "no agent that matches has shard=acme"),
        ({"shard": "../acme"}, 400, "shard", "pattern"),
    ],
)
def test_what_is_wrong_is_named_and_no_key_quoted(
    world: World, client: ApiClient, body: dict[str, Any], status: int, field: str | None, words: str
) -> None:
    sent = {name: value for name, value in {**WANTED, **body}.items() if value is not None}
    problem = client.problem(status, "POST", "/api/rotations", json=sent)
    assert problem.get("field") == field
    assert words in str(problem)
    assert "brand-new" not in str(problem)
    assert (client.get("/api/rotations")["rotations"], world.vault._incoming) == ([], {})


@pytest.mark.parametrize("text", [KEY, f'"{KEY}"', f'{{"key":"{KEY}"', f'{{"key":"{KEY}","key":"{KEY}"}}', f'[{{"key":"{KEY}"}}]'])
def test_what_is_no_request_is_not_quoted(client: ApiClient, text: str) -> None:
    answer = client.call("POST", "/api/rotations", data=text, content_type="application/json")
    assert answer.status_code == 400
    assert "brand-new" not in answer.text


def test_faults_that_nobody_planned_for_do_not_log_the_request(world: World, client: ApiClient, caplog: pytest.LogCaptureFixture) -> None:
    world.vault.fault = RuntimeError("hvac is broken")
    problem = client.problem(500, "POST", "/api/rotations", json=WANTED)
    assert "brand-new" not in str(problem)
    assert "hvac is broken" in caplog.text


def test_a_key_is_taken_from_vault(world: World, client: ApiClient) -> None:
    world.vault.elsewhere["team/new", "anthropic"] = KEY + "\n"
    wanted = {"provider": "anthropic", "source": "vault", "path": "team/new", "field": "anthropic"}
    made = client.call("POST", "/api/rotations", json=wanted).json
    assert (made["source"], made["new"]) == ("vault", fingerprint(KEY, world.vault.salt("team")))
    world.vault.elsewhere["team/new", "anthropic"] = "brand new"
    assert client.problem(422, "POST", "/api/rotations", json=wanted)["field"] == "path"


def test_a_key_is_made_by_the_provider(world: World, client: ApiClient) -> None:
    world.fleet.put_settings("team", "key-settings", OPENAI)
    answer = client.call("POST", "/api/rotations", json={"provider": "openai", "source": "provider"})
    assert (answer.status_code, answer.json["source"]) == (201, "provider")
    (key,) = world.providers["openai"].live
    assert key.endswith(f"-clawpulse-team-{answer.json['id']}")
    waiting, stored = world.vault.take_incoming("team", answer.json["id"]), world.rotations.rotation("team", answer.json["id"])
    assert waiting is not None
    assert stored is not None
    assert (waiting.key, waiting.id, stored.new_id) == (key, "id-0", "id-0")
    problem = client.problem(422, "POST", "/api/rotations", json={"provider": "openai", "source": "provider", "dryRun": True})
    assert problem["field"] == "dryRun"
    world.providers["openai"].away = True
    client.problem(503, "POST", "/api/rotations", json={"provider": "openai", "source": "provider"})
    world.providers["openai"].away, world.providers["openai"].creates = False, False
    assert "console only" in client.problem(409, "POST", "/api/rotations", json={"provider": "openai", "source": "provider"})["detail"]


class FullStore(MemoryRotations):
    """Cannot be written."""

    def create_rotation(self, workspace: str, rotation: Rotation, entries: Any) -> bool:
        raise StoreUnavailable("the table is busy")


def test_a_rotation_that_cannot_be_stored_leaves_no_key(world: World) -> None:
    full = World(rotations=FullStore())
    full.seal(agent("a1"))
    full.fleet.put_settings("team", "key-settings", OPENAI)
    client = full.client("operate")
    client.problem(503, "POST", "/api/rotations", json=WANTED)
    client.problem(503, "POST", "/api/rotations", json={"provider": "openai", "source": "provider"})
    assert (full.vault._incoming, full.providers["openai"].live) == ({}, set())


@pytest.mark.parametrize("fault", [VaultUnavailable("Vault is sealed"), VaultRefused("Vault is not set up")])
def test_without_vault_nothing_begins(world: World, client: ApiClient, fault: Exception) -> None:
    world.fleet.put_settings("team", "key-settings", OPENAI)
    world.vault.fault = fault
    for body in (WANTED, {"provider": "openai", "source": "provider"}):
        assert client.problem(503, "POST", "/api/rotations", json=body)["detail"] == str(fault)
    assert (client.get("/api/rotations")["rotations"], world.providers["openai"].live) == ([], set())


def test_a_dry_run_is_one_that_ends_after_preflight(client: ApiClient) -> None:
    assert start(client, dryRun=True)["dryRun"] is True


def test_an_emergency_tells_its_consequences_first(world: World, client: ApiClient) -> None:
    running = start(client)["id"]
    problem = client.problem(409, "POST", "/api/rotations", json={**WANTED, "emergency": True})
    told = [fault["reason"] for fault in problem["faults"]]
    assert f"waits for the rotation {running}" in told[0]
    assert "is revoked as soon as the new one is in Vault" in told[1]
    assert "2 agents (a1, a2)" in told[2]
    assert "silent" in str(told)
    assert len(client.get("/api/rotations")["rotations"]) == 1
    made = start(client, emergency=True, confirm=True)
    assert (made["emergency"], made["position"]) == (True, 1)


def test_it_is_steered(world: World, client: ApiClient) -> None:
    id = start(client)["id"]
    paused = client.call("POST", f"/api/rotations/{id}/pause", json={"comment": "lunch"})
    assert (paused.status_code, paused.json["phase"], paused.json["actions"]) == (200, "paused", ["resume", "abort"])
    assert "lunch" in paused.json["reason"]
    problem = client.problem(409, "POST", f"/api/rotations/{id}/pause", json={})
    assert "possible are resume, abort" in problem["detail"]
    assert client.call("POST", f"/api/rotations/{id}/resume", json={}).json["phase"] == "queued"
    assert client.call("POST", f"/api/rotations/{id}/abort", json={}).json["phase"] == "aborting"
    assert world.rotation_executions.started == [("team", id, drive) for drive in (1, 2, 3, 4)]
    assert [one["action"] for one in client.get(f"/api/rotations/{id}/audit")["entries"]] == [
        "created",
        "pause",
        "resume",
        "abort",
        "aborting",
    ]
    client.problem(400, "POST", f"/api/rotations/{id}/promote", json={})
    client.problem(404, "POST", "/api/rotations/k000000000zz/abort", json={})
    client.problem(404, "GET", "/api/rotations/k000000000zz")


def test_how_far_the_agents_are(world: World, client: ApiClient) -> None:
    rollout = rolling.rollout(world)
    made = Rotation(
        id="k000000001aa", provider="anthropic", created=NOW, by="t", new="n", phase=RotationPhase.ROLLING, since=NOW, rollout=rollout.id
    )
    assert world.rotations.create_rotation("team", made, [Entry(at=NOW, rollout=made.id, by="t", action="created", text="")])
    shown = client.get(f"/api/rotations/{made.id}")
    assert shown["progress"] == {
        "agents": 3,
        "done": 1,
        "failed": 0,
        "asleep": 0,
        "wave": 1,
        "waves": 2,
        "errorRate": None,
        "othersRate": None,
        "back": False,
    }
    assert (shown["plan"]["id"], shown["rollout"], len(shown["plan"]["plan"])) == (rollout.id, rollout.id, 2)
    assert shown["eta"] is not None


def test_it_is_for_the_whole_workspace(world: World, client: ApiClient) -> None:
    id = start(client)["id"]
    limited = world.client("operate", tags="shard=acme")
    for method, path, body in (
        ("GET", "/api/rotations", None),
        ("GET", f"/api/rotations/{id}", None),
        ("POST", "/api/rotations", WANTED),
        ("POST", f"/api/rotations/{id}/abort", {}),
    ):
        limited.problem(403, method, path, **({"json": body} if body is not None else {}))
    world.client("operate", workspace="other").problem(404, "GET", f"/api/rotations/{id}")
    world.client("read").problem(403, "POST", "/api/rotations", json=WANTED)


def test_keys_of_shards_apart_are_meant(world: World, client: ApiClient) -> None:
    put(world, "sk-acme-0123456789", Alias.CURRENT, shard="acme")
    made = start(client, shard="acme")
    assert made["shard"] == "acme"
    problem = client.problem(409, "POST", "/api/rotations", json={**WANTED, "emergency": True})
    assert "1 agent (a1)" in str(problem["faults"])
