from __future__ import annotations

from typing import Any

import jsonschema
import msgspec
import pytest

from functions.api import rollout_preview
from functions.domain.desired import MAX_BYTES, desired
from functions.domain.rollout import Approval, Entry, Finding, Hold, HoldCause, MemberState, Outcome, Phase, Policy, Reversibility
from functions.domain.times import DAY_MS
from tests.api.rolling import FAILED, USUAL, member, rollout, waiting, waves
from tests.api.world import NOW, ApiClient, World, agent

MODEL = {"tags": "env=prod", "model": "swift/two"}


@pytest.fixture
def client(world: World) -> ApiClient:
    retired = agent("old", "env=prod")
    retired.retired = True
    world.seal(agent("a1", "env=prod,tier=fast"), agent("a2", "env=prod,tier=smart"), agent("b1", "env=dev"), retired)
    world.fleet.update_agent("team", "old", {"retired": True})
    return world.client("operate")


def start(client: ApiClient, status: int = 201, **body: Any) -> Any:
    answer = client.call("POST", "/api/rollouts", json={**MODEL, **body})
    assert answer.status_code == status, answer.text
    return answer.json


def text_of(world: World, agent: str) -> str:
    """What a rollout brings an agent."""
    found = world.rollouts.heads("team", 1)[0]
    stored = world.rollouts.read("team", found.id)
    assert stored is not None
    hashes = {one.agent: one.after for wave in stored[1] for one in wave.members}
    return world.rollouts.documents("team", [hashes[agent]])[hashes[agent]]


def have(world: World, agent: str, document: dict[str, Any]) -> None:
    assert world.desired.put("team", agent, desired(document, time=1, by="t"), None)


def test_a_rollout_is_started_listed_and_shown(world: World, client: ApiClient) -> None:
    made = start(client)
    assert (made["dryRun"], made["unchanged"], made["irreversible"]) == (False, 0, [])
    shown = made["rollout"]
    assert shown["title"] == "model.primary: swift/two"
    assert [[one["agent"] for one in wave["members"]] for wave in shown["plan"]] == [["a1"], ["a2"]]
    assert (shown["phase"], shown["by"], shown["selector"]) == ("waiting", f"test ({client.token.split('_')[1]})", "env=prod")
    assert shown["policy"]["bake_s"] == 600
    assert world.executions.started == [("team", shown["id"], 1)]
    assert client.get(f"/api/rollouts/{shown['id']}") == shown
    (listed,) = client.get("/api/rollouts")["rollouts"]
    assert listed == {key: shown[key] for key in listed}
    (created,) = client.get(f"/api/rollouts/{shown['id']}/audit")["entries"]
    assert (created["action"], created["by"]) == ("created", shown["by"])


def test_the_patch_goes_over_what_each_agent_has(world: World, client: ApiClient) -> None:
    have(world, "a1", {"model": {"primary": "swift/one", "fallbacks": ["x/y"]}, "tools": {"deny": ["browser"]}, "paused": True})
    start(client, patch={"tools": {"deny+": ["exec"]}, "paused": None}, files={"SOUL.md": "Be kind."})
    assert text_of(world, "a1") == (
        '{"files":{"SOUL.md":"Be kind."},"model":{"fallbacks":["x/y"],"primary":"swift/two"},"tools":{"deny":["browser","exec"]}}'
    )
    assert text_of(world, "a2") == '{"files":{"SOUL.md":"Be kind."},"model":{"primary":"swift/two"},"tools":{"deny":["exec"]}}'


def test_what_all_have_already_starts_nothing(world: World, client: ApiClient) -> None:
    for name in ("a1", "a2"):
        have(world, name, {"model": {"primary": "swift/two"}})
    made = start(client, 200)
    assert (made["rollout"], made["unchanged"], world.executions.started) == (None, 2, [])


def test_a_dry_run_shows_the_waves_and_stores_nothing(world: World, client: ApiClient) -> None:
    have(world, "a1", {"version": "1"})
    made = start(client, 200, tags="", version="2026.9.6", dryRun=True, policy={"waves": ["2"], "order": []})
    assert [len(wave["members"]) for wave in made["rollout"]["plan"]] == [2, 1]
    assert made["obstacles"] == []
    assert made["irreversible"] == ["version: 2026.9.6 on 2 agents", "version: 1 → 2026.9.6 on 1 agent"]
    assert made["rollout"]["reversibility"] == "irreversible"
    assert client.get("/api/rollouts")["rollouts"] == []
    assert world.fleet.settings("team", "api-address") is None


def test_a_dry_run_shows_what_becomes_of_documents_and_what_stands_in_the_way(world: World, client: ApiClient) -> None:
    have(world, "b1", {"model": {"primary": "swift/one"}, "paused": True})
    freeze = {"freezes": [{"reason": "Release week", "tags": "env=dev", "ends": "2026-12-01T00:00:00Z"}]}
    assert client.call("PUT", "/api/freezes", json=freeze).status_code == 200
    planned = start(client, 200, tags="", dryRun=True)
    assert [(one["agents"], one["named"], one["before"], one["after"]) for one in planned["changes"]] == [
        (2, ["a1", "a2"], {}, {"model": {"primary": "swift/two"}}),
        (1, ["b1"], {"model": {"primary": "swift/one"}, "paused": True}, {"model": {"primary": "swift/two"}, "paused": True}),
    ]
    (hold,) = planned["obstacles"]
    # Agents that no freeze concerns do not wait.
    assert start(client, 200, tags="env=prod", dryRun=True)["obstacles"] == []
    assert (planned["moreChanges"], hold["kind"]) == (0, "freeze")
    assert "Release week" in hold["text"]
    other = start(client)
    assert (other["changes"], other["obstacles"]) == ([], [])
    (rival, _) = start(client, 200, tags="", dryRun=True, model="swift/three")["obstacles"]
    world.fleet.put_settings("team", "freezes", {"freezes": [{"odd": 1}]})
    assert "is not valid, so nothing new begins" in start(client, 200, tags="env=dev", dryRun=True)["obstacles"][0]["text"]
    assert rival["kind"] == "rollout"
    assert other["rollout"]["id"] in rival["text"]
    assert client.problem(409, "POST", "/api/rollouts", json={**MODEL, "model": "swift/three"})["detail"] == rival["text"]


def test_documents_that_are_too_many_to_be_shown_are_counted(world: World, client: ApiClient) -> None:
    many = [agent(f"m{n}", "env=many") for n in range(rollout_preview.MOST_SHOWN + 3)]
    world.seal(*many)
    for n, one in enumerate(many):
        have(world, one.id, {"paused": True, "model": {"primary": f"swift/{n}"}})
    planned = start(client, 200, tags="env=many", dryRun=True)
    assert (len(planned["changes"]), planned["moreChanges"]) == (rollout_preview.MOST_SHOWN, 3)


@pytest.mark.parametrize(
    "body",
    [
        {"version": "2026.9.6"},
        {"command": {"name": "migrate-db", "arguments": ["--to", "7"], "irreversible": True}},
        {"irreversible": True},
    ],
)
def test_what_cannot_be_undone_needs_a_backup(client: ApiClient, body: dict[str, Any]) -> None:
    problem = client.problem(422, "POST", "/api/rollouts", json={**MODEL, **body})
    assert problem["field"] == "backup"
    shown = start(client, **body, backup=True)["rollout"]
    assert (shown["reversibility"], shown["backupBy"]) == ("irreversible", shown["by"])


def test_a_command_becomes_a_hook(world: World, client: ApiClient) -> None:
    start(client, command={"name": "warm-up", "arguments": ["now"]})
    assert text_of(world, "a1") == '{"hooks":{"warm-up":{"arguments":["now"],"command":"warm-up"}},"model":{"primary":"swift/two"}}'


@pytest.mark.parametrize(
    ("body", "field", "words"),
    [
        ({"tags": "env=test"}, "tags", "no agent matches"),
        ({"tags": None}, "tags", "say which agents"),
        ({"agents": ["a1"]}, "tags", "either tags"),
        ({"tags": None, "agents": ["a1", "x9", "old"]}, "agents", "unknown or retired: x9, old"),
        ({"tags": "agent=old"}, "tags", "are retired"),
        ({"model": None}, "patch", "says nothing"),
        ({"model": "swift"}, "patch.model.primary", "provider/model"),
        ({"patch": {"modle": {}}}, "patch.modle", "did you mean model?"),
        ({"patch": {"channels": {"slack": {"botToken": "hunter2hunter2"}}}}, "patch.channels.slack.botToken", "written out"),
        ({"files": {"AGENTS.md": "use sk-abcdefghijklmnop0123456789"}}, "patch.files.AGENTS.md", "looks like a secret"),
        ({"patch": {"files": {"AGENTS.md": {"file": "a.md"}}}}, "patch.files.AGENTS.md", "must be text"),
        ({"policy": {"waves": ["x"]}}, "policy.waves[0]", "25%"),
        ({"policy": {"gates": 1}}, "policy.gates", "true or false"),
    ],
)
def test_what_is_wrong_is_named(client: ApiClient, body: dict[str, Any], field: str, words: str) -> None:
    problem = client.problem(
        422, "POST", "/api/rollouts", json={key: value for key, value in {**MODEL, **body}.items() if value is not None}
    )
    assert problem["field"] == field
    assert words in str(problem)
    assert "hunter2" not in str(problem)
    assert client.get("/api/rollouts")["rollouts"] == []


def test_a_document_that_would_be_too_large_names_its_agent(world: World, client: ApiClient) -> None:
    have(world, "a2", {"files": {"SOUL.md": "x" * (MAX_BYTES - 100)}})
    problem = client.problem(413, "POST", "/api/rollouts", json={**MODEL, "files": {"AGENTS.md": "y" * 1000}})
    assert "the agent a2 would have too much" in problem["detail"]


def test_agents_can_be_named(client: ApiClient) -> None:
    shown = start(client, tags="", policy={"order": []}, dryRun=True, status=200)["rollout"]
    assert shown["members"] == 3
    answer = client.call("POST", "/api/rollouts", json={"agents": ["b1", "a1"], "model": "swift/two"})
    assert (answer.json["rollout"]["members"], answer.json["rollout"]["selector"]) == (2, "agent=~b1|a1")
    problem = client.problem(409, "POST", "/api/rollouts", json={"agents": ["a1"], "model": "swift/three"})
    assert answer.json["rollout"]["id"] in problem["detail"]
    assert "a1" in problem["detail"]


def test_the_workspaces_policy_lies_below_the_requests(client: ApiClient) -> None:
    document = {"bake_s": "15m", "waves": ["2"], "approve": ["start"]}
    assert client.call("PUT", "/api/rollout-policy", json=document).json == document
    policy = start(client, policy={"waves": ["1"]})["rollout"]["policy"]
    assert (policy["bake_s"], policy["waves"], policy["approve"]) == (900, ["1"], ["start"])


def test_the_address_is_remembered_for_links(world: World, client: ApiClient) -> None:
    start(client)
    assert world.fleet.settings("team", "api-address") == {"url": "https://localhost/live"}


DOCUMENTS: list[tuple[str, dict[str, Any], dict[str, Any], str]] = [
    ("rollout-policy", {"bake_s": 60}, {"bake": 60}, "bake"),
    ("freezes", {"freezes": [{"reason": "x", "ends": "2027-01-01T00:00:00Z"}]}, {"freezes": [{"reason": "x"}]}, "freezes[0]"),
    ("rollout-notices", {"events": ["held"], "url": "https://pulse.example.org/live"}, {"channels": ["nobody"]}, "channels[0]"),
    ("rollout-notices", {"channels": []}, {"events": ["helt"]}, "events[0]"),
    ("rollout-notices", {}, {"url": "pulse"}, "url"),
]


@pytest.mark.parametrize(("name", "good", "bad", "path"), DOCUMENTS)
def test_documents_are_replaced_and_checked(client: ApiClient, name: str, good: dict[str, Any], bad: dict[str, Any], path: str) -> None:
    assert client.call("PUT", f"/api/{name}", json=good).json == good
    assert [fault["path"] for fault in client.problem(422, "PUT", f"/api/{name}", json=bad)["faults"]] == [path]
    assert client.get(f"/api/{name}") == good


def test_where_there_are_no_channels_none_is_proposed(client: ApiClient) -> None:
    (fault,) = client.problem(422, "PUT", "/api/rollout-notices", json={"channels": ["nobody"]})["faults"]
    assert fault["reason"] == "is not known; there are none"


def test_a_channel_that_notices_name_cannot_be_left_out(client: ApiClient) -> None:
    chat = {"chat": {"kind": "webhook", "url": "https://example.org/hook", "secret": {"vault": "clawpulse/team/hook", "key": "key"}}}
    client.call("PUT", "/api/channels", json=chat)
    assert client.call("PUT", "/api/rollout-notices", json={"channels": ["chat"]}).status_code == 200
    assert "rollout" in client.problem(422, "PUT", "/api/channels", json={})["faults"][0]["reason"]


def test_a_rollout_shows_waves_verdicts_and_what_is_possible(world: World, client: ApiClient) -> None:
    held = Hold(cause=HoldCause.IRREVERSIBLE, reason="the gate failed")
    made = rollout(world, phase=Phase.HELD, hold=held, verdicts=[FAILED], reason="the gate failed")
    shown = client.get(f"/api/rollouts/{made.id}")
    assert [wave["state"] for wave in shown["plan"]] == ["held", "waiting"]
    assert [wave["counts"] for wave in shown["plan"]] == [{"applied": 1}, {"waiting": 2}]
    assert (shown["plan"][0]["verdict"]["outcome"], shown["plan"][0]["verdict"]["tasks"]) == ("fail", 50)
    assert shown["plan"][1]["verdict"] is None
    assert shown["hold"] == {"cause": "irreversible", "reason": "the gate failed", "until": None}
    assert (shown["eta"], shown["by"]) == (None, "budget")
    assert {"abort", "resume"} <= set(shown["actions"])


def test_answers_are_as_the_document_says(world: World, client: ApiClient) -> None:
    held = Hold(cause=HoldCause.INCONCLUSIVE, reason="too few", until=NOW)
    finding = Finding(metric="task.errors", outcome=Outcome.INCONCLUSIVE, wave=0.1, reason="few")
    verdict = msgspec.structs.replace(FAILED, outcome=Outcome.INCONCLUSIVE, findings=[finding])
    entry = Entry(at=NOW, rollout="r000000001aa", by="t", action="held", text="x")
    given = {"approvals": [Approval(by="t", at=NOW, wave=0)], "backup_by": "t", "reversibility": Reversibility.IRREVERSIBLE}
    made = rollout(world, phase=Phase.HELD, hold=held, verdicts=[verdict], entries=[entry], **given)
    for path, model in (("", "Rollouts"), (f"/{made.id}", "RolloutDetails"), (f"/{made.id}/audit", "AuditLog")):
        schema = {"$ref": f"#/components/schemas/{model}", "components": world.openapi["components"]}
        jsonschema.validate(client.get(f"/api/rollouts{path}"), schema)
    schema = {"$ref": "#/components/schemas/Started", "components": world.openapi["components"]}
    jsonschema.validate(start(client), schema)


def test_the_estimate_counts_what_is_left(world: World, client: ApiClient) -> None:
    made = rollout(world, policy=Policy(bake_s=60))
    # 300 s of this bake, 30 s to apply the next wave, 60 s of its bake.
    assert client.get(f"/api/rollouts/{made.id}")["eta"] == "2026-11-23T20:07:00.000Z"


def test_lists_are_paged_and_filtered(world: World, client: ApiClient) -> None:
    for number in range(5):
        phase = Phase.SUCCEEDED if number % 2 else Phase.BAKING
        rollout(world, f"r00000000{number}aa", phase=phase)
    first = client.get("/api/rollouts", limit=2)
    second = client.get("/api/rollouts", limit=2, cursor=first["next"])
    third = client.get("/api/rollouts", limit=2, cursor=second["next"])
    ids = [one["id"] for page in (first, second, third) for one in page["rollouts"]]
    assert ids == [f"r00000000{number}aa" for number in (4, 3, 2, 1, 0)]
    assert third["next"] is None
    assert [one["id"][9] for one in client.get("/api/rollouts", state="over")["rollouts"]] == ["3", "1"]
    assert [one["id"][9] for one in client.get("/api/rollouts", state="open,reverted")["rollouts"]] == ["4", "2", "0"]
    client.problem(400, "GET", "/api/rollouts?state=running")
    client.problem(422, "GET", f"/api/rollouts?state=open&cursor={first['next']}")


def test_rollouts_of_keys_are_listed_by_their_channel_only(world: World, client: ApiClient) -> None:
    rollout(world, "r000000001aa")
    rollout(world, "r000000002aa", channel="keys:anthropic")
    rollout(world, "r000000003aa", channel="keys:openai")
    assert [(one["id"], one["channel"]) for one in client.get("/api/rollouts")["rollouts"]] == [("r000000001aa", "")]
    assert [one["id"] for one in client.get("/api/rollouts", channel="keys:anthropic")["rollouts"]] == ["r000000002aa"]
    assert client.get("/api/rollouts/r000000003aa")["channel"] == "keys:openai"
    client.problem(400, "GET", "/api/rollouts?channel=keys")


def test_of_a_rollout_that_is_over_the_log_is_read_to_its_end(world: World, client: ApiClient) -> None:
    ended = NOW - 40 * DAY_MS
    lines = [Entry(at=ended + later, rollout="r000000001aa", by="ada", action="note", text="x") for later in (0, 5_000, DAY_MS)]
    made = rollout(world, phase=Phase.SUCCEEDED, created=ended - DAY_MS, since=ended, bake_until=None, entries=lines)
    assert len(client.get(f"/api/rollouts/{made.id}/audit")["entries"]) == 2


def test_actions_are_carried_out_and_written_down(world: World, client: ApiClient) -> None:
    made = waiting(world)
    shown = client.call("POST", f"/api/rollouts/{made.id}/approve", json={"comment": "looks good"})
    assert shown.status_code == 200, shown.text
    assert [one["wave"] for one in shown.json["approvals"]] == [1]
    assert shown.json["approvals"][0]["by"].startswith("test (")
    (entry,) = client.get(f"/api/rollouts/{made.id}/audit")["entries"]
    assert (entry["action"], entry["by"]) == ("approve", shown.json["approvals"][0]["by"])
    assert "looks good" in entry["text"]
    assert world.executions.started == [("team", made.id, 1)]


def test_what_is_not_possible_now_is_refused(world: World, client: ApiClient) -> None:
    made = rollout(world, phase=Phase.SUCCEEDED)
    client.problem(409, "POST", f"/api/rollouts/{made.id}/pause", json={})
    client.problem(404, "POST", "/api/rollouts/r000000009zz/pause", json={})
    client.problem(400, "POST", f"/api/rollouts/{made.id}/explode", json={})


def test_tenants_see_rollouts_of_their_agents_alone_and_change_none(world: World, client: ApiClient) -> None:
    mine = rollout(world)
    both = [*waves(*USUAL)]
    both[1].members.append(member("z1", tags={"shard": "other"}))
    others = rollout(world, "r000000002aa", plan=both)
    tenant = world.client("operate", tags="shard=acme")
    assert [one["id"] for one in tenant.get("/api/rollouts")["rollouts"]] == [mine.id]
    assert tenant.get(f"/api/rollouts/{mine.id}")["members"] == 3
    assert tenant.get(f"/api/rollouts/{mine.id}/audit") == {"entries": []}
    for path in (f"/api/rollouts/{others.id}", f"/api/rollouts/{others.id}/audit"):
        tenant.problem(404, "GET", path)
    assert "whole workspace" in tenant.problem(403, "POST", "/api/rollouts", json=MODEL)["detail"]
    assert "whole workspace" in tenant.problem(403, "POST", f"/api/rollouts/{mine.id}/abort", json={})["detail"]
    for name in ("rollout-policy", "freezes", "rollout-notices"):
        tenant.problem(403, "PUT", f"/api/{name}", json={})
    reader = world.client("read")
    assert "scope operate" in reader.problem(403, "POST", "/api/rollouts", json=MODEL)["detail"]
    assert world.client("read", workspace="other").get("/api/rollouts")["rollouts"] == []


def test_names_are_those_of_tokens_of_the_workspace(world: World, client: ApiClient) -> None:
    foreign = world.token("operate", workspace="other").split("_")[1]
    entries = [Entry(at=NOW - 1, rollout="r000000001aa", by=by, action="pause", text="x") for by in (foreign, "link:0a1b", "clawpulse")]
    made = rollout(world, entries=entries)
    assert [one["by"] for one in client.get(f"/api/rollouts/{made.id}/audit")["entries"]] == [foreign, "link:0a1b", "clawpulse"]


def test_states_of_waves_follow_the_phase(world: World, client: ApiClient) -> None:
    back = waves([MemberState.REVERTING], [MemberState.WAITING])
    made = rollout(world, plan=back, phase=Phase.REVERTING, bake_until=None)
    assert [wave["state"] for wave in client.get(f"/api/rollouts/{made.id}")["plan"]] == ["reverting", "waiting"]
