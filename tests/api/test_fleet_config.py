from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import msgspec
import pytest

from clawpulse.fleet import digest, parse
from functions.domain.desired import MAX_BYTES, desired
from functions.domain.fleet_cost import list_prices
from functions.domain.revision import Revision
from functions.domain.rollout import UNMANAGED, Phase
from functions.domain.times import HOUR_MS
from functions.ports import Resolution
from tests.api.fleet_repo import BASE, CHEAP, DEAR, FILES, RULES, end, give, people, report, used
from tests.api.world import MINUTE, NOW, ApiClient, World, agent
from tests.fakes.desired import MemoryDesired
from tests.fakes.revisions import MemoryRevisions
from tests.fakes.rollups import MemoryRollups

PLAN, APPLY, ROLLBACK = "/api/fleet/plan", "/api/fleet/apply", "/api/fleet/rollback"


@pytest.fixture
def client(world: World) -> ApiClient:
    people(world, "smart", "fast", "fast")
    return world.client("operate")


def post(client: ApiClient, path: str, body: Mapping[str, Any], status: int) -> dict[str, Any]:
    answer = client.call("POST", path, json=body)
    assert answer.status_code == status, answer.text
    found: dict[str, Any] = answer.json
    return found


def plan(client: ApiClient, files: Mapping[str, str] = FILES, **more: Any) -> dict[str, Any]:
    return post(client, PLAN, {"files": files, **more}, 200)


def apply(client: ApiClient, files: Mapping[str, str] = FILES, status: int = 201, **more: Any) -> dict[str, Any]:
    return post(client, APPLY, {"files": files, "approveCost": True, **more}, status)


def applied(world: World, client: ApiClient, files: Mapping[str, str] = FILES, **more: Any) -> dict[str, Any]:
    """Apply, and bring it to all agents."""
    revision: dict[str, Any] = apply(client, files, **more)["revision"]
    if revision["rollout"]:
        end(world, revision["rollout"])
    return revision


def text(**changes: Any) -> str:
    return json.dumps(changes)


def test_a_plan_tells_each_change_once_with_its_agents_and_place(world: World, client: ApiClient) -> None:
    give(world, "a0", {"model": {"primary": CHEAP}})
    give(world, "a1", {"model": {"primary": CHEAP}, "limits": {"concurrency": 2}})
    found = plan(client, {**FILES, "agents/a9.yaml": "paused: true\n"})
    assert (found["changed"], found["unchanged"], found["unknown"], found["inForce"]) == (3, 0, ["a9"], False)
    groups = {group["path"] + str(group["old"]): group for group in found["groups"]}
    prompt = groups["files['AGENTS.md']None"]
    assert (prompt["count"], prompt["agents"], prompt["origins"]) == (3, ["a0", "a1", "a2"], ["agents/_base.yaml:2"])
    model = groups[f'model.primary"{CHEAP}"']
    assert (model["new"], model["agents"], model["origins"]) == (f'"{DEAR}"', ["a0"], ["agents/tier-smart.yaml:2"])
    gone = groups["limits.concurrency2"]
    assert (gone["new"], gone["agents"], gone["origins"], gone["reversibility"]) == (None, ["a1"], [], "reversible")
    assert [(wave["agents"], wave["stage"]) for wave in found["waves"]] == [(1, "prod"), (2, "prod")]
    assert (world.revisions.latest("team"), world.desired.hash_of("team", "a2")) == (None, None)


def test_long_texts_are_shown_by_their_differences(world: World, client: ApiClient) -> None:
    applied(world, client)
    prompt = FILES["prompts/agents.md"] + "Be kind.\n"
    (group,) = plan(client, {**FILES, "prompts/agents.md": prompt})["groups"]
    assert (group["path"], group["count"], group["difference"]) == (
        "files['AGENTS.md']",
        3,
        ["@@ -3 +3,2 @@", " You help people.", "+Be kind."],
    )


def test_every_fault_has_its_place_in_the_files(client: ApiClient) -> None:
    bad = {
        "agents/_base.yaml": "model: {primary: m-2}\ncolour: red\nbudgets: {usd_per_dey: 5}\n",
        "shards/acme.yaml": "limits: {concurrency: 0}\n",
    }
    faults = {fault["path"]: fault["reason"] for fault in client.problem(422, "POST", PLAN, json={"files": bad})["faults"]}
    assert faults.keys() == {
        "agents/_base.yaml:1:9: model.primary",
        "agents/_base.yaml:2:1: colour",
        "agents/_base.yaml:3:11: budgets.usd_per_dey",
        "shards/acme.yaml:1:10: limits.concurrency",
    }
    # What only the server knows: rules, dimensions, policies.
    bad = {
        "alerts/own.yaml": RULES.replace("above: 500", "abov: 500"),
        "agents/_base.yaml": "{}",
        "fleet.yaml": "rollout:\n  bake_s: soon\n",
    }
    faults = {fault["path"]: fault["reason"] for fault in client.problem(422, "POST", APPLY, json={"files": bad})["faults"]}
    assert faults.keys() == {
        "alerts/own.yaml:3:65: rules[0].when.abov",
        "alerts/own.yaml:3:5: rules[0].when.above",
        "fleet.yaml:2:3: rollout.bake_s",
    }
    assert client.problem(422, "POST", PLAN, json={"files": FILES, "policy": {"bake_s": "soon"}})["faults"][0]["path"] == "policy.bake_s"


def test_only_tokens_of_the_whole_workspace_see_and_change_it(world: World, client: ApiClient) -> None:
    scoped = world.client("operate", tags="shard=acme")
    for method, path, body in (
        ("POST", PLAN, {"files": FILES}),
        ("POST", APPLY, {"files": FILES}),
        ("POST", ROLLBACK, {"to": 1}),
        ("GET", "/api/fleet/drift", None),
        ("GET", "/api/fleet/revisions", None),
        ("GET", "/api/fleet/revisions/1", None),
        ("GET", "/api/fleet/export", None),
    ):
        options = {"json": body} if body else {}
        assert "whole workspace" in scoped.problem(403, method, path, **options)["detail"]
    reader = world.client("read")
    assert plan(reader)["changed"] == 3
    reader.problem(403, "POST", APPLY, json={"files": FILES})
    reader.problem(403, "POST", ROLLBACK, json={"to": 1})


def test_applying_puts_a_revision_and_starts_its_rollout(world: World, client: ApiClient) -> None:
    found = apply(client, commit="abc123", message="Smart agents think\n\nmore")
    assert found["done"] == "applied"
    revision = found["revision"]
    assert (revision["number"], revision["digest"], revision["commit"], revision["of"]) == (1, digest(FILES), "abc123", None)
    assert (revision["phase"], revision["by"].split(" ")[0]) == ("waiting", "test")
    rollout = client.get(f"/api/rollouts/{revision['rollout']}")
    assert (rollout["title"], rollout["revision"], rollout["members"]) == ("revision 1: Smart agents think", 1, 3)
    assert len(world.executions.started) == 1
    details = client.get("/api/fleet/revisions/1")
    assert (details["files"], details["message"]) == (FILES, "Smart agents think\n\nmore")
    assert client.get("/api/fleet/revisions")["revisions"] == [{key: value for key, value in details.items() if key != "files"}]
    assert "no revision 2" in client.problem(404, "GET", "/api/fleet/revisions/2")["detail"]


def test_the_same_files_again_change_nothing(world: World, client: ApiClient) -> None:
    first = apply(client)
    again = apply(client, status=200, message="another")
    assert (again["done"], again["revision"]) == ("unchanged", first["revision"])
    end(world, first["revision"]["rollout"])
    assert apply(client, status=200)["revision"]["phase"] == "succeeded"
    assert len(world.revisions.recent("team", 10)) == 1
    assert plan(client)["inForce"]


def test_other_files_that_mean_the_same_are_a_revision_without_a_rollout(world: World, client: ApiClient) -> None:
    applied(world, client)
    found = apply(client, {**FILES, "agents/_base.yaml": f"# the base\n{BASE}"})
    assert (found["done"], found["revision"]["number"], found["revision"]["rollout"], found["revision"]["phase"]) == (
        "applied",
        2,
        None,
        None,
    )
    assert apply(client, {**FILES, "agents/_base.yaml": f"# the base\n{BASE}"}, status=200)["done"] == "unchanged"


def test_what_was_put_back_can_be_applied_again(world: World, client: ApiClient) -> None:
    first = apply(client)["revision"]
    end(world, first["rollout"], Phase.REVERTED)
    second = apply(client)["revision"]
    assert (second["number"], second["digest"], second["rollout"] == first["rollout"]) == (2, first["digest"], False)


def test_again_gives_back_what_was_set_otherwise(world: World, client: ApiClient) -> None:
    applied(world, client)
    give(world, "a1", {"paused": True})
    assert apply(client, status=200)["plan"]["changed"] == 1
    found = apply(client, again=True)
    assert (found["revision"]["number"], found["plan"]["changed"]) == (2, 1)
    end(world, found["revision"]["rollout"])
    assert plan(client)["changed"] == 0
    once_more = apply(client, status=200, again=True)
    assert (once_more["done"], once_more["revision"]["number"]) == ("unchanged", 2)


def test_a_dry_run_only_tells(world: World, client: ApiClient) -> None:
    found = apply(client, status=200, dryRun=True)
    assert (found["done"], found["revision"], found["plan"]["changed"]) == ("dry-run", None, 3)
    assert (world.revisions.latest("team"), world.executions.started) == (None, [])


def test_what_costs_more_needs_an_approval_that_is_recorded(world: World, client: ApiClient) -> None:
    for name in ("a0", "a1", "a2"):
        give(world, name, {"model": {"primary": CHEAP}})
    used(world, "a0")
    prices = list_prices(NOW)
    cheap, dear = prices(CHEAP), prices(DEAR)
    assert cheap
    assert dear
    each_hour = 1e6 * (dear.input - cheap.input) + 1e5 * (dear.output - cheap.output)
    found = plan(client)
    assert found["cost"]["usdPerMonth"] == pytest.approx(30 * 24 * each_hour)
    assert found["cost"]["models"] == [{"before": CHEAP, "after": DEAR, "agents": 1, "usdPerMonth": found["cost"]["usdPerMonth"]}]
    assert (found["cost"]["known"], found["cost"]["unknown"], found["cost"]["prices"]) == (1, [], [dear.source])
    amount = f"+${found['cost']['usdPerMonth']:,.2f}"
    assert amount in found["costApproval"]["reason"]
    problem = client.problem(409, "POST", APPLY, json={"files": FILES})
    assert amount in problem["detail"]
    assert "approveCost" in problem["detail"]
    assert (world.revisions.latest("team"), world.executions.started) == (None, [])
    revision = apply(client)["revision"]
    assert (revision["costBy"], revision["costUsdPerMonth"]) == (revision["by"], found["cost"]["usdPerMonth"])


def test_what_is_not_known_is_no_zero_and_says_whom_it_concerns(world: World, client: ApiClient) -> None:
    give(world, "a0", {"model": {"primary": CHEAP}})
    give(world, "a1", {"model": {"primary": "local/llama"}})
    used(world, "a1", "a2")
    found = plan(client)
    assert found["cost"]["usdPerMonth"] is None
    assert {one["reason"]: one["agents"] for one in found["cost"]["unknown"]} == {
        "it reported no task.tokens_in and no task.tokens_out in the last 7 days": 1,
        "no price is known for local/llama": 1,
        "nobody knows which model it has when none is desired": 1,
    }
    assert found["costApproval"]["needed"]
    assert "no price is known for local/llama" in client.problem(409, "POST", APPLY, json={"files": FILES})["detail"]


class WatchedRollups(MemoryRollups):
    """Remembers of whom they were asked."""

    def __init__(self) -> None:
        super().__init__(lambda: -1.0)
        self.asked: set[str] = set()

    def read_agent(self, workspace: str, agent: str, resolution: Resolution, start: int, end: int) -> dict[int, bytes]:
        self.asked.add(agent)
        return super().read_agent(workspace, agent, resolution, start, end)


def test_histories_are_read_only_where_both_models_have_a_price(world: World, client: ApiClient) -> None:
    give(world, "a0", {"model": {"primary": CHEAP}})
    give(world, "a1", {"model": {"primary": "local/llama"}})
    rollups = WatchedRollups()
    world.services = replace(world.services, rollups=rollups)
    assert plan(client)["changed"] == 3
    assert rollups.asked == {"a0"}


def test_what_saves_or_was_accepted_before_needs_no_approval(world: World, client: ApiClient) -> None:
    used(world, "a0", "a1", "a2")
    first = applied(world, client)
    cheap = {**FILES, "agents/tier-smart.yaml": "{}\n"}
    found = plan(client, cheap)
    assert found["cost"]["usdPerMonth"] < 0
    assert not found["costApproval"]["needed"]
    second = apply(client, cheap, approveCost=False)["revision"]
    assert (second["costBy"], second["costUsdPerMonth"]) == (None, found["cost"]["usdPerMonth"])
    end(world, second["rollout"])
    # As `git revert` brings it.
    back = plan(client)
    assert back["cost"]["usdPerMonth"] > 0
    assert not back["costApproval"]["needed"]
    assert apply(client, approveCost=False)["revision"]["number"] == first["number"] + 2


def test_what_is_irreversible_needs_a_backup_that_somebody_answers_for(world: World, client: ApiClient) -> None:
    applied(world, client)
    files = {**FILES, "agents/tier-fast.yaml": "version: 2026.9.6\n"}
    found = plan(client, files)
    assert (found["reversibility"], found["backup"]["needed"], found["groups"][0]["reversibility"]) == (
        "irreversible",
        True,
        "irreversible",
    )
    problem = client.problem(409, "POST", APPLY, json={"files": files})
    assert "going back does not undo version" in problem["detail"]
    revision = apply(client, files, backup=True)["revision"]
    assert revision["backupBy"] == revision["by"]
    assert client.get(f"/api/rollouts/{revision['rollout']}")["reversibility"] == "irreversible"


def test_agents_in_another_rollout_are_named_before_anything_is_done(world: World, client: ApiClient) -> None:
    first = apply(client)["revision"]
    files = {**FILES, "agents/_base.yaml": BASE + "paused: true\n"}
    assert first["rollout"] in plan(client, files)["conflict"]
    problem = client.problem(409, "POST", APPLY, json={"files": files, "approveCost": True})
    assert f"the rollout {first['rollout']} is not over and has a0, a1, a2" in problem["detail"]
    assert [found.number for found in world.revisions.recent("team", 10)] == [1]


def test_rules_and_budgets_become_the_repositorys(world: World, client: ApiClient) -> None:
    files = {**FILES, "alerts/own.yaml": RULES, "agents/_base.yaml": BASE + "budgets: {usd_per_day: 400}\n"}
    assert plan(client, files)["settings"] == ["budgets", "rules"]
    revision = applied(world, client, files)
    assert revision["settings"] == ["rules", "budgets"]
    assert [rule["name"] for rule in (world.fleet.settings("team", "rules") or {})["rules"]] == ["slow"]
    assert world.fleet.settings("team", "budgets") == {"": {"usd_per_day": 400}}
    assert plan(client, files)["settings"] == []
    # Who takes a file out takes back what it said, and nothing else.
    world.fleet.put_settings("team", "budgets", {"": {"usd_per_day": 500}})
    assert applied(world, client)["settings"] == ["rules"]
    assert world.fleet.settings("team", "rules") == {}
    assert world.fleet.settings("team", "budgets") == {"": {"usd_per_day": 500}}


def test_agents_of_which_the_repository_says_nothing_are_left_alone(world: World, client: ApiClient) -> None:
    give(world, "a0", {"paused": True})
    only = {"agents/a1.yaml": "paused: true\n", "agents/a2.yaml": "paused: true\n"}
    found = plan(client, only)
    assert (found["changed"], found["alone"]) == (2, ["a0"])
    applied(world, client, only)
    # One that it configured is let go.
    fewer = {"agents/a1.yaml": "paused: true\n"}
    found = plan(client, fewer)
    assert (found["changed"], found["alone"], found["groups"][0]["agents"]) == (1, ["a0"], ["a2"])
    applied(world, client, fewer)
    assert world.desired.hash_of("team", "a2") == UNMANAGED
    assert world.desired.get("team", "a0") == desired({"paused": True}, time=NOW, by="hand")


def test_retired_agents_are_not_configured(world: World, client: ApiClient) -> None:
    world.client("operate").call("PATCH", "/api/agents/a2", json={"retired": True})
    assert plan(client)["changed"] == 2


class Dead(Exception):
    """The process is gone."""


class Mortal:
    """A store in one of whose writes the process dies, the first time."""

    def __init__(self, store: Any, method: str, *arguments: Any) -> None:
        self._store, self._doomed = store, (method, arguments)

    def __getattr__(self, name: str) -> Any:
        return partial(self._write, name) if self._doomed and name == self._doomed[0] else getattr(self._store, name)

    def _write(self, name: str, *given: Any) -> Any:
        if self._doomed and given[: len(self._doomed[1])] == self._doomed[1]:
            self._doomed = ()
            raise Dead
        return getattr(self._store, name)(*given)


@pytest.mark.parametrize(
    ("store", "method", "arguments"),
    [("fleet", "put_settings", ("team", "rules")), ("rollouts", "create", ()), ("executions", "start", ()), ("revisions", "update", ())],
)
def test_a_crash_between_the_writes_is_made_good_by_the_next_apply(
    world: World, client: ApiClient, store: str, method: str, arguments: tuple[str, ...]
) -> None:
    files = {**FILES, "alerts/own.yaml": RULES}
    world.services = replace(world.services, **{store: Mortal(getattr(world, store), method, *arguments)})
    assert client.call("POST", APPLY, json={"files": files, "approveCost": True}).status_code == 500
    begun = client.get("/api/fleet/revisions")["revisions"][0]
    assert begun["phase"] == ("waiting" if store in ("executions", "revisions") else "not-started")
    done = apply(client, files, approveCost=False)
    assert (done["done"], done["revision"]["number"], done["revision"]["rollout"]) == ("applied", 1, begun["rollout"])
    assert len(world.rollouts.heads("team", 10)) == 1
    assert (world.fleet.settings("team", "rules") or {})["rules"][0]["name"] == "slow"
    assert apply(client, files, status=200)["done"] == "unchanged"


class Slower(MemoryRevisions):
    """Somebody else puts the same number a moment before."""

    def put(self, workspace: str, revision: Revision, files: Mapping[str, str]) -> bool:
        super().put(workspace, msgspec.structs.replace(revision, digest="other", version=1), {})
        return super().put(workspace, revision, files)


def test_who_is_slower_is_told(world: World, client: ApiClient) -> None:
    world.services = replace(world.services, revisions=Slower())
    assert "somebody else" in client.problem(409, "POST", APPLY, json={"files": FILES, "approveCost": True})["detail"]


def test_going_back_is_a_new_revision_with_the_old_files(world: World, client: ApiClient) -> None:
    applied(world, client, commit="c1", message="first")
    applied(world, client, {**FILES, "agents/_base.yaml": BASE + "paused: true\n"})
    assert post(client, ROLLBACK, {"to": 1, "dryRun": True}, 200)["plan"]["changed"] == 3
    found = post(client, ROLLBACK, {"to": 1}, 201)["revision"]
    assert (found["number"], found["of"], found["commit"], found["message"]) == (3, 1, "c1", "first")
    assert client.get(f"/api/rollouts/{found['rollout']}")["title"] == "revision 3 (back to 1): first"
    end(world, found["rollout"])
    assert json.loads(world.desired.get("team", "a0").text).keys() == {"model", "files"}  # type: ignore[union-attr]
    assert post(client, ROLLBACK, {"to": 1}, 200)["done"] == "unchanged"
    assert "no revision 9" in client.problem(404, "POST", ROLLBACK, json={"to": 9})["detail"]


def drift(client: ApiClient, **query: Any) -> dict[str, str]:
    return {one["agent"]: one["state"] for one in client.get("/api/fleet/drift", **query)["agents"]}


def test_drift_compares_what_is_said_desired_and_applied(world: World, client: ApiClient) -> None:
    assert drift(client) == dict.fromkeys(("a0", "a1", "a2"), "unmanaged")
    files = {**FILES, "alerts/own.yaml": RULES, "agents/a9.yaml": "paused: true\n"}
    revision = apply(client, files)["revision"]
    found = client.get("/api/fleet/drift")
    assert {one["state"] for one in found["agents"]} == {"pending"}
    assert f"of the rollout {revision['rollout']} is to come" in found["agents"][0]["reason"]
    assert (found["missing"], found["revision"]["number"], found["settings"][0]["state"]) == (["a9"], 1, "in-sync")
    end(world, revision["rollout"])
    report(world, "a0", "a2")
    give(world, "a2", {"paused": True})
    world.fleet.put_settings("team", "rules", {})
    found = client.get("/api/fleet/drift")
    assert {one["agent"]: one["state"] for one in found["agents"]} == {"a0": "in-sync", "a1": "pending", "a2": "overridden"}
    assert (found["counts"], found["settings"][0]["state"]) == ({"in-sync": 1, "pending": 1, "overridden": 1}, "overridden")
    assert found["agents"][0]["agent"] == "a2"
    assert drift(client, state="pending,failed") == {"a1": "pending"}
    assert drift(client, tags="tier=smart") == {"a0": "in-sync"}
    client.problem(400, "GET", "/api/fleet/drift", query_string={"state": "lost"})


def test_drift_tells_that_a_revision_was_put_back(world: World, client: ApiClient) -> None:
    revision = apply(client)["revision"]
    end(world, revision["rollout"], Phase.REVERTED)
    found = client.get("/api/fleet/drift")["agents"][0]
    assert (found["state"], found["reason"].split(": ")[1]) == (
        "overridden",
        f"the revision was reverted by the rollout {revision['rollout']}",
    )


def test_the_export_of_a_fleet_is_its_repository(world: World, client: ApiClient) -> None:
    assert client.get("/api/fleet/export") == {"files": {}, "leftOut": [], "notes": []}
    files = {**FILES, "alerts/own.yaml": RULES, "agents/_base.yaml": BASE + "budgets: {usd_per_day: 400}\n"}
    applied(world, client, files)
    give(world, "a2", {"model": "by hand"})
    give(world, "stranger", {"paused": True})
    found = client.get("/api/fleet/export")
    assert [one["agent"] for one in found["leftOut"]] == ["a2", "stranger"]
    repository = parse(found["files"])
    for name, tier in (("a0", "smart"), ("a1", "fast")):
        assert repository.document(name, {"tier": tier}) == json.loads(world.desired.get("team", name).text)  # type: ignore[union-attr]
    assert (repository.rules, repository.budgets) == (parse(files).rules, parse(files).budgets)
    again = plan(client, found["files"])
    assert (again["changed"], again["settings"], again["alone"]) == (0, [], ["a2"])


def test_a_body_that_is_no_repository_is_refused_by_name(client: ApiClient) -> None:
    assert client.problem(400, "POST", PLAN, json={"files": {"a": 1}})["field"] == "files.a"
    assert client.problem(400, "POST", PLAN, json={})["field"] == "files"
    assert client.problem(400, "POST", APPLY, json={"files": {}, "approve": True})["field"] == "approve"
    problem = client.problem(422, "POST", PLAN, json={"files": {"agents/_base.yaml": "files: {AGENTS.md: " + "x" * MAX_BYTES + "}"}})
    assert "bytes" in problem["detail"]
    assert client.problem(422, "POST", PLAN, json={"files": {"notes.txt": "hi"}})["faults"][0]["path"] == "notes.txt:1:1"
    assert plan(client, {})["changed"] == 0


class Slow(MemoryDesired):
    """Counts readings of documents."""

    reads = 0

    def get(self, *arguments: Any) -> Any:
        self.reads += 1
        return super().get(*arguments)


def test_five_hundred_agents_are_planned_with_few_readings() -> None:
    store = Slow()
    world = World(desired=store)
    names = people(world, *(["smart", "fast"] * 250))
    for name in names:
        give(world, name, {"model": {"primary": CHEAP}})
    used(world, *names, hours=24)
    started = time.perf_counter()
    found = plan(world.client("read"))
    print(f"500 agents planned in {time.perf_counter() - started:.2f} s")
    assert (found["changed"], [group["count"] for group in found["groups"]]) == (500, [500, 250])
    assert (found["cost"]["known"], store.reads) == (250, 1)
    assert len(found["groups"][0]["agents"]) == 50


def test_a_new_agents_minutes_tell_its_cost() -> None:
    world = World()
    new = agent("a0", "tier=smart")
    new.first_seen = NOW - HOUR_MS // 2
    world.seal(new)
    give(world, "a0", {"model": {"primary": CHEAP}})
    client = world.client("read")
    assert plan(client)["cost"]["unknown"][0]["reason"].startswith("it reported no")
    world.agent_minute("a0", {("task.tokens_in", ""): [1e6], ("task.tokens_out", ""): [1e5]}, minute=MINUTE - 1)
    assert plan(client)["cost"]["usdPerMonth"] > 0


def test_a_revision_that_this_release_does_not_understand_is_named(world: World, client: ApiClient) -> None:
    world.revisions.put("team", Revision(number=1, digest="d", by="t", at=1, version=1), {"agents/_base.yaml": "colour: red\n"})
    problem = client.problem(422, "GET", "/api/fleet/drift")
    assert problem["detail"].startswith(
        "this release does not understand revision 1 any more; apply a new one: agents/_base.yaml:1:1: colour"
    )
    # It keeps nobody from applying another.
    assert apply(client)["revision"]["number"] == 2
