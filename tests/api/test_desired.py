from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest

from functions.domain.desired import MAX_BYTES, desired
from functions.domain.rollout import UNMANAGED
from tests.api.world import NOW, ApiClient, World, agent
from tests.fakes.desired import MemoryDesired

PATH = "/api/agents/a1/desired"
DOCUMENT = {"model": "m-2", "größe": [1, 2.5], "a": {"z": None, "b": True}}
TEXT = '{"a":{"b":true,"z":null},"größe":[1,2.5],"model":"m-2"}'
HASH = hashlib.sha256(TEXT.encode()).hexdigest()[:32]


@pytest.fixture
def client(world: World) -> ApiClient:
    world.seal(
        agent("a1", "env=prod,shard=acme", config_written="w1", config_applied="w0", config_error="no such model"),
        agent("a2", "env=dev,shard=beta"),
    )
    return world.client("operate")


def put(client: ApiClient, document: Any = DOCUMENT, path: str = PATH, **headers: str) -> dict[str, Any]:
    answer = client.call("PUT", path, json=document, headers={name.replace("_", "-"): value for name, value in headers.items()})
    assert answer.status_code == 200, answer.text
    assert answer.headers["ETag"] == f'"{answer.json["hash"]}"'
    found: dict[str, Any] = answer.json
    return found


def fetch(client: ApiClient, which: str = "a1", **headers: str) -> Any:
    return client.call("GET", "/v1/config", query_string={"agent": which}, headers={k.replace("_", "-"): v for k, v in headers.items()})


def test_what_is_set_is_shown_and_fetched_as_it_was_hashed(world: World, client: ApiClient) -> None:
    made = put(client)
    assert made == {"agent": "a1", "hash": HASH, "time": "2026-11-23T20:00:30.000Z", "by": made["by"], "document": DOCUMENT}
    assert world.desired.get("team", "a1") == desired(DOCUMENT, time=NOW, by=made["by"])
    shown = client.call("GET", PATH)
    assert (shown.json, shown.headers["ETag"]) == (made, f'"{HASH}"')
    fetched = fetch(world.client("ingest"))
    assert fetched.status_code == 200
    assert fetched.data == TEXT.encode()
    assert fetched.headers["Content-Type"] == "application/json"
    assert (fetched.headers["ETag"], fetched.headers["X-ClawPulse-Config"]) == (f'"{HASH}"', HASH)


def test_what_an_agent_has_in_force_is_found_again_by_its_hash(world: World, client: ApiClient) -> None:
    first, second, third = ({"model": {"primary": f"swift/{n}"}} for n in ("one", "two", "three"))
    path = "/api/agents/a1/configuration"
    put(client, first)
    put(client, second)
    hashes = [desired(one, time=1, by="t").hash for one in (first, second, third)]
    # A replaced one is kept; one that another agent shall have is known; that of nobody is not.
    for applied, expected in (
        (hashes[0], {"document": first, "kept": "past"}),
        (hashes[1], {"document": second, "kept": "desired"}),
        (hashes[2], {"document": None, "kept": None}),
        (UNMANAGED, {"document": {}, "kept": "past"}),
    ):
        world.seal(agent("a1", "env=prod,shard=acme", config_written=hashes[1], config_applied=applied), agent("a2", "env=dev,shard=beta"))
        shown = world.client("read").get(path)
        assert shown["applied"] == {"hash": applied, **expected}
        assert shown["written"] == shown["desired"] == {"hash": hashes[1], "document": second, "kept": "desired"}
    put(client, third, "/api/agents/a2/desired")
    world.seal(agent("a1", config_applied=hashes[2], config_error="no such model"), agent("a2", "env=dev,shard=beta"))
    shown = client.get(path)
    assert shown["applied"] == {"hash": hashes[2], "document": third, "kept": "other"}
    assert (shown["written"], shown["error"]) == (None, "no such model")
    # Nothing desired any more: what it had is still known.
    world.seal(agent("a1", "shard=acme", config_applied=hashes[1]))
    assert client.call("DELETE", PATH).status_code == 204
    assert client.get(path)["applied"]["document"] == second
    assert client.get(path)["desired"] is None
    world.client("read", tags="shard=beta").problem(404, "GET", path)
    client.problem(404, "GET", "/api/agents/nobody/configuration")


def test_an_agent_that_has_the_document_is_told_so(world: World, client: ApiClient) -> None:
    put(client)
    agent_ = world.client("ingest")
    again = fetch(agent_, If_None_Match=f'"{HASH}"')
    assert (again.status_code, again.data, again.headers["X-ClawPulse-Config"]) == (304, b"", HASH)
    put(client, {"model": "m-3"})
    assert fetch(agent_, If_None_Match=f'"{HASH}"').json == {"model": "m-3"}


def test_none_is_set_at_first_and_after_it_was_cleared(world: World, client: ApiClient) -> None:
    def is_missing() -> None:
        for caller, method, path in (
            (client, "GET", PATH),
            (client, "DELETE", PATH),
            (world.client("ingest"), "GET", "/v1/config?agent=a1"),
        ):
            assert "no configuration is set for the agent a1" in caller.problem(404, method, path)["detail"]

    is_missing()
    put(client)
    assert client.call("DELETE", PATH).status_code == 204
    is_missing()


def test_setting_the_same_again_keeps_who_set_it_and_when(world: World, client: ApiClient) -> None:
    first = put(client)
    world.now += 60_000
    assert put(world.client("operate"), dict(reversed(DOCUMENT.items()))) == first
    second = put(client, {"model": "m-3"})
    assert (second["time"], second["hash"] == HASH) == ("2026-11-23T20:01:30.000Z", False)


def test_a_writer_replaces_only_what_he_has_seen(client: ApiClient) -> None:
    assert client.problem(412, "PUT", PATH, json=DOCUMENT, headers={"If-Match": "*"})["detail"] == "no configuration is set"
    assert put(client, If_None_Match="*")["hash"] == HASH
    problem = client.problem(412, "PUT", PATH, json={}, headers={"If-Match": '"0123"'})
    assert problem["type"] == "urn:clawpulse:precondition-failed"
    assert HASH in problem["detail"]
    client.problem(412, "PUT", PATH, json={}, headers={"If-None-Match": "*"})
    client.problem(412, "DELETE", PATH, headers={"If-Match": '"0123"'})
    second = put(client, {"b": 1}, If_Match=f'"0123", W/"{HASH}"')
    assert client.call("DELETE", PATH, headers={"If-Match": f'"{second["hash"]}"'}).status_code == 204


@pytest.mark.parametrize(("name", "value", "status"), [("If-Match", "abc", 422), ("If-Match", "", 422), ("If-None-Match", '"x"', 400)])
def test_a_condition_that_is_none_is_refused(client: ApiClient, name: str, value: str, status: int) -> None:
    assert client.problem(status, "PUT", PATH, json=DOCUMENT, headers={name: value})["field"] == name


class Overtaken(MemoryDesired):
    """Another writer comes between a look and a change."""

    def put(self, *arguments: Any) -> bool:
        return False

    def drop(self, *arguments: Any) -> bool:
        return False


@pytest.mark.parametrize(("headers", "status"), [({}, 409), ({"If-Match": f'"{HASH}"'}, 412)])
def test_a_writer_who_is_overtaken_is_told(headers: dict[str, str], status: int) -> None:
    world = World(desired=Overtaken())
    MemoryDesired.put(world.desired, "team", "a1", desired(DOCUMENT, time=NOW, by="t"), None)
    client = world.client("operate")
    for method, options in (("PUT", {"json": {}}), ("DELETE", {})):
        assert "try again" in client.problem(status, method, PATH, headers=headers, **options)["detail"]


@pytest.mark.parametrize(
    ("body", "status", "reason"),
    [
        (b"[1]", 400, "should be an object"),
        (b"", 400, "a JSON body is needed"),
        (b"{", 400, "EOF"),
        (b'{"a": {"b": 1, "c": 2, "b": 3}}', 400, "stands there twice"),
        (b'{"a": NaN}', 422, "cannot be written as JSON"),
        (b'{"a": 1e999}', 422, "cannot be written as JSON"),
        (b'{"a": "' + b"x" * (MAX_BYTES - 7) + b'"}', 413, "at most 262144 bytes"),
        (b'{"a":[' + b"1E15," * 43_000 + b"1]}", 413, "a configuration has at most 262144 bytes"),
        (b'{"a": "\\ud800"}', 400, "end of hex escape"),
        (b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}", 400, "recursion"),
        ('{"a": "\x80"}'.encode("latin-1"), 400, "invalid"),
    ],
)
def test_what_is_no_document_is_refused(world: World, client: ApiClient, body: bytes, status: int, reason: str) -> None:
    problem = client.problem(status, "PUT", PATH, data=body, headers={"Content-Type": "application/json"})
    assert reason in problem["detail"]
    assert world.desired.hashes("team") == {}


def test_the_largest_is_taken(client: ApiClient) -> None:
    assert put(client, {"a": "x" * (MAX_BYTES - 9)})["document"]["a"][:3] == "xxx"


def test_an_agent_need_not_be_known(world: World, client: ApiClient) -> None:
    put(client, path="/api/agents/a9/desired")
    assert fetch(world.client("ingest"), "a9").data == TEXT.encode()
    client.problem(404, "GET", "/api/agents/a9")


def test_views_show_what_is_desired_beside_what_the_agent_says(client: ApiClient) -> None:
    def shown() -> list[dict[str, Any]]:
        return [client.get("/api/agents/a1")["config"], *(each["config"] for each in client.get("/api/dashboard/instances")["instances"])]

    said = {"written": "w1", "applied": "w0", "error": "no such model"}
    silent = {"desired": None, "written": None, "applied": None, "error": None}
    assert shown() == [{"desired": None, **said}, {"desired": None, **said}, silent]
    put(client)
    put(client, {}, path="/api/agents/a9/desired")
    assert shown() == [{"desired": HASH, **said}, {"desired": HASH, **said}, silent]


def test_it_is_forgotten_with_its_agent(world: World, client: ApiClient) -> None:
    put(client)
    assert world.client("admin").call("DELETE", "/api/agents/a1").status_code == 204
    assert world.desired.hashes("team") == {}


def test_scopes_part_operators_readers_and_agents(world: World, client: ApiClient) -> None:
    put(client)
    reader, sender = world.client("read"), world.client("ingest")
    assert reader.get(PATH)["hash"] == HASH
    for caller, method, path in (
        (reader, "PUT", PATH),
        (reader, "DELETE", PATH),
        (reader, "GET", "/v1/config?agent=a1"),
        (sender, "PUT", PATH),
        (sender, "GET", PATH),
    ):
        assert "this needs the scope" in caller.problem(403, method, path, json={})["detail"]
    assert world.client("admin").call("GET", "/v1/config?agent=a1").status_code == 200


def test_tokens_with_a_tag_scope_reach_their_agents_only(world: World, client: ApiClient) -> None:
    put(client)
    put(client, path="/api/agents/a2/desired")
    put(client, path="/api/agents/a9/desired")
    acme = world.client("operate", tags="shard=acme")
    assert put(acme, {"model": "m-3"})["document"] == {"model": "m-3"}
    for path in ("/api/agents/a2/desired", "/api/agents/a9/desired"):
        for method in ("GET", "PUT", "DELETE"):
            assert acme.problem(404, method, path, json={})["detail"].startswith("no agent a")
    assert world.desired.hash_of("team", "a2") == world.desired.hash_of("team", "a9") == HASH
    only_a9 = world.client("operate", tags="agent=a9")
    assert put(only_a9, {"model": "m-4"}, path="/api/agents/a9/desired")["document"] == {"model": "m-4"}


def test_an_agents_token_fetches_only_what_its_tag_scope_does_not_contradict(world: World, client: ApiClient) -> None:
    for name in ("a1", "a2", "a9"):
        put(client, path=f"/api/agents/{name}/desired")
    sender = world.client("ingest", tags="shard=acme")
    assert [fetch(sender, name).status_code for name in ("a1", "a2", "a9")] == [200, 403, 200]
    problem = sender.problem(403, "GET", "/v1/config?agent=a2")
    assert problem["detail"] == "the agent a2 has shard=beta; the token is limited to shard=acme"


def test_workspaces_are_apart(world: World, client: ApiClient) -> None:
    put(client)
    other = world.client("admin", workspace="other")
    other.problem(404, "GET", PATH)
    other.problem(404, "GET", "/v1/config?agent=a1")


def test_other_bodies_keep_their_limit(client: ApiClient) -> None:
    body = json.dumps({"owner": "x" * 70_000})
    assert "65536" in client.problem(413, "PATCH", "/api/agents/a1", data=body, content_type="application/json")["detail"]
