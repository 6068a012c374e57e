from __future__ import annotations

import json

from tests.cli import shapes
from tests.cli.server import Answers, Asked

LIST = "GET /api/dashboard/instances"


def fleet(api: Answers) -> None:
    zombie = shapes.instance("smart-02", "red", "no progress for 6 min while 1 task is open", **shapes.SILENT)
    quiet = shapes.instance("batch-01", "grey", "never seen", lastSeen=None, tags={}, **shapes.SILENT)
    api.table[LIST] = shapes.instances([quiet, shapes.instance("fast-01"), zombie])


def test_the_list_has_colour_symbol_reason_and_rates_worst_first(cli, api: Answers) -> None:
    fleet(api)
    done = cli("agents")
    assert done.returncode == 0
    lines = [line for line in done.stdout.splitlines() if line.strip()]
    assert [line.split()[2] for line in lines[1:4]] == ["smart-02", "fast-01", "batch-01"]
    assert "■ red" in lines[1]
    assert "no progress for 6 min while 1 task is open" in lines[1]
    assert "● green" in lines[2]
    for figure in ("12.4", "1.5 %", "1,200 ms", "env=prod tier=fast"):
        assert figure in lines[2]
    assert "○ grey" in lines[3]
    assert "never" in lines[3]
    assert lines[4].split() == ["3", "agents", "■", "red", "1", "▲", "yellow", "0", "●", "green", "1", "○", "grey", "1"]


def test_missing_is_a_dash_and_never_zero(cli, api: Answers) -> None:
    api.table[LIST] = shapes.instances([shapes.instance("a", **shapes.SILENT)])
    row = cli("agents").stdout.splitlines()[1]
    assert row.count("–") == 3


def test_a_terminal_shows_colours_too(cli, api: Answers) -> None:
    fleet(api)
    assert "\x1b[" not in cli("agents").stdout
    assert "\x1b[31m■ red" in cli("agents", FORCE_COLOR="1").stdout


def test_filters_go_to_the_api(cli, api: Answers) -> None:
    fleet(api)
    cli("agents", "--tags", "env=prod,tier!=batch", "--health", "red, yellow")
    assert api.asked[0].query == {"tags": "env=prod,tier!=batch", "health": "red,yellow"}


def test_all_pages_are_joined_in_stable_json(cli, api: Answers) -> None:
    pages = {None: shapes.instances([shapes.instance("a")], "second"), "second": shapes.instances([shapes.instance("b")])}
    api.table[LIST] = lambda asked: pages[asked.query.get("cursor")]
    answer = json.loads(cli("agents", "--json").stdout)
    assert [agent["id"] for agent in answer["instances"]] == ["a", "b"]
    assert answer["next"] is None
    assert answer["instances"][0]["health"] == {"status": "green", "reason": "heartbeat fresh", "since": shapes.STAMP}


def test_stale_figures_are_said_to_be_stale(cli, api: Answers) -> None:
    api.table[LIST] = shapes.instances([shapes.instance("a")], stale=True)
    assert "figures are old" in cli("agents").stdout


def test_an_empty_fleet_says_so(cli, api: Answers) -> None:
    api.table[LIST] = shapes.instances([])
    assert "none has reported yet" in cli("agents").stdout


def test_hostile_names_cannot_steer_the_terminal(cli, api: Answers) -> None:
    api.table[LIST] = shapes.instances([shapes.instance("a", name="\x1b[2J[red]x\u202e", reason="y\nz")])
    shown = cli("agents").stdout
    assert "\x1b" not in shown
    assert "\u202e" not in shown
    assert "[red]x" in shown


def test_show_prints_all_of_one_agent(cli, api: Answers) -> None:
    keys = {"anthropic": {"assigned": "p2", "reported": "p1", "error": "401 from the provider", "used": None}}
    api.table["GET /api/agents/team%40host"] = shapes.details(
        "team@host", owner="ada", expected=True, shadow="no task for 9 days", keys=keys
    )
    shown = cli("agents", "show", "team@host").stdout
    for text in (
        "● green",
        "heartbeat fresh",
        "ada",
        "openclaw=2026.9.6",
        "p99 2,400 ms",
        "$1.25",
        "no task for 9 days",
        "anthropic: failed: 401",
    ):
        assert text in shown


def changing(api: Answers, agent: str) -> list[Asked]:
    api.table[f"PATCH /api/agents/{agent}"] = lambda asked: shapes.details(agent, tags={"env": "dev"})
    return api.asked


def test_tag_sets_and_removes(cli, api: Answers) -> None:
    asked = changing(api, "a")
    done = cli("agents", "tag", "a", "env=dev", "team-", "note=a=b-")
    assert asked[0].body == {"tags": {"env": "dev", "team": None, "note": "a=b-"}}
    assert done.stdout == "a: env=dev\n"


def test_retire_expect_and_their_undoing(cli, api: Answers) -> None:
    asked = changing(api, "a")
    for arguments in (["retire", "a"], ["retire", "a", "--undo"], ["expect", "a", "--unwanted"], ["expect", "a", "--undo"]):
        assert cli("agents", *arguments).returncode == 0
    assert [one.body for one in asked] == [{"retired": True}, {"retired": False}, {"expected": False}, {"expected": None}]


def test_an_agent_is_expected_before_it_comes_and_when_it_is_there(cli, api: Answers) -> None:
    changing(api, "a")
    api.table["POST /api/agents"] = (201, shapes.details("a", expected=True))
    assert cli("agents", "expect", "a").stdout == "a is expected\n"
    api.table["POST /api/agents"] = shapes.problem(409, "the agent a is in the inventory already")
    assert cli("agents", "expect", "a").stdout == "a is expected\n"
    assert [(one.method, one.body) for one in api.asked] == [("POST", {"id": "a"}), ("POST", {"id": "a"}), ("PATCH", {"expected": True})]
    api.table["POST /api/agents"] = shapes.problem(403, "this needs the scope operate")
    assert "operate" in cli("agents", "expect", "a").stderr


def test_forget_asks_first(cli, api: Answers) -> None:
    api.table["DELETE /api/agents/a"] = (204, None)
    assert cli("agents", "forget", "a").returncode == 130
    assert api.asked == []
    done = cli("agents", "forget", "a", "--yes")
    assert (done.returncode, done.stdout) == (0, "a is forgotten\n")


def test_list_options_with_a_subcommand_are_refused(cli) -> None:
    done = cli("agents", "--tags", "a=b", "show", "x")
    assert done.returncode == 2
