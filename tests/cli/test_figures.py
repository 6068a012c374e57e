"""summary, series, tasks, events, settings, token, version."""

from __future__ import annotations

import json

import pytest

from clawpulse.cli import _output as out
from tests.cli import shapes
from tests.cli.server import Answers

SUMMARY = "GET /api/dashboard/summary"


def test_summary_has_health_tiers_and_all(cli, api: Answers) -> None:
    api.table[SUMMARY] = shapes.summary(warnings=["tier has more than 100 values"])
    done = cli("summary", "--tags", "env=prod")
    lines = done.stdout.splitlines()
    assert lines[0].startswith("3 agents   ■ red 0   ▲ yellow 0   ● green 3")
    fast, smart, every = (next(line for line in lines if line.startswith(name)).split() for name in ("fast", "smart", "all"))
    assert fast[1:] == ["2", "84", "2.5", "%", "640", "ms", "1,890", "ms", "4,100", "ms", "96,400", "$7.50", "4", "–"]
    assert "–" in smart[3:4]
    assert every[1] == "3"
    assert lines[-1] == "! tier has more than 100 values"
    assert api.asked[0].query == {"tags": "env=prod", "range": "1m"}


def test_summary_of_a_range_adds_its_totals(cli, api: Answers) -> None:
    api.table[SUMMARY] = shapes.summary(window=shapes.window())
    shown = cli("summary", "--range", "1h").stdout
    assert "Totals of 1h up to 2026-11-24 00:00:00 UTC" in shown
    assert "450,000" in shown
    assert "$1.2345" in shown


def test_series_show_a_sparkline_with_gaps(cli, api: Answers) -> None:
    points = [[0, 1.0], [60_000, None], [120_000, 8.0]]
    answer = {"metric": "m", "aggregation": "p95", "start": shapes.STAMP, "end": shapes.STAMP, "step": 60, "source": "group"}
    api.table["GET /api/series"] = answer | {"series": [{"tags": {"tier": "fast"}, "points": points}]}
    shown = cli("series", "m", "-a", "p95", "--by", "tier", "--range", "30m", "--step", "1m").stdout
    assert "tier=fast  ▂·█" in shown
    assert api.asked[0].query == {"metric": "m", "aggregation": "p95", "by": "tier", "range": "30m", "step": "60"}
    every = cli("series", "m", "--points").stdout.splitlines()
    assert [line.split()[-1] for line in every[1:]] == ["1", "–", "8"]
    assert json.loads(cli("series", "m", "--json").stdout)["series"][0]["points"] == points


def feed(key: str, rows: list[dict]) -> object:
    def answer(asked):
        start, limit = int(asked.query.get("cursor", 0)), int(asked.query["limit"])
        end = start + limit
        return {
            key: rows[start:end],
            "band": None,
            "start": shapes.STAMP,
            "end": shapes.STAMP,
            "next": str(end) if end < len(rows) else None,
        }

    return answer


@pytest.mark.parametrize(("wanted", "limits"), [(3, ["3"]), (500, ["500"]), (1_100, ["500", "500", "100"]), (5_000, ["500", "500", "200"])])
def test_feeds_are_read_page_by_page_up_to_the_limit(cli, api: Answers, wanted: int, limits: list[str]) -> None:
    api.table["GET /api/tasks"] = feed("tasks", [shapes.task(f"t{number}") for number in range(1_200)])
    answer = json.loads(cli("tasks", "--limit", str(wanted), "--json").stdout)
    assert [task["id"] for task in answer["tasks"]] == [f"t{number}" for number in range(min(wanted, 1_200))]
    assert [asked.query["limit"] for asked in api.asked][:-1] == limits[:-1]
    assert len(api.asked) == len(limits)


def test_tasks_show_what_is_known(cli, api: Answers) -> None:
    failed = shapes.task("t2", status="failed", latencyMs=None, costUsd=None, error="ToolError")
    api.table["GET /api/tasks"] = feed("tasks", [shapes.task("t1"), failed])
    lines = cli("tasks", "--errors", "--band", "p95-p100", "--status", "failed", "--agent", "a1").stdout.splitlines()
    assert "● completed" in lines[1]
    assert "812 ms" in lines[1] or "813 ms" in lines[1]
    assert "■ failed" in lines[2]
    assert "ToolError" in lines[2]
    asked = api.asked[0].query
    assert (asked["errors"], asked["band"], asked["status"], asked["agent"]) == ("true", "p95-p100", "failed", "a1")


def test_events_show_their_payload(cli, api: Answers) -> None:
    api.table["GET /api/events"] = feed("events", [shapes.event("task.failed"), shapes.event("note", payload=None, taskId=None)])
    lines = cli("events", "--name", "task.failed,note").stdout.splitlines()
    assert '{"err": "boom"}' in lines[1]
    assert "note" in lines[2]


DOCUMENT = {"dimensions": ["env"], "inventory": "open", "health": {"zombie_after_s": 300.0}}


def test_settings_are_read_changed_and_written_whole(cli, api: Answers) -> None:
    api.table["GET /api/settings"] = DOCUMENT
    api.table["PUT /api/settings"] = lambda asked: asked.body
    shown = cli("settings", "set", "health.zombie_after_s=120", "dimensions=env, tier", "inventory=strict")
    assert api.asked[-1].body == {"dimensions": ["env", "tier"], "inventory": "strict", "health": {"zombie_after_s": 120}}
    assert "env,tier" in shown.stdout


@pytest.mark.parametrize("change", ["nonsense=1", "health=1", "health.x=1", "inventory", "health.zombie_after_s=soon"])
def test_a_setting_that_is_none_is_refused_before_anything_is_written(cli, api: Answers, change: str) -> None:
    api.table["GET /api/settings"] = DOCUMENT
    done = cli("settings", "set", change)
    assert done.returncode == 2
    assert [asked.method for asked in api.asked] == ["GET"]


TOKEN = {
    "id": "ABC",
    "name": "ci",
    "scopes": ["ingest"],
    "tags": {"shard": "acme"},
    "created": shapes.STAMP,
    "expires": None,
    "revoked": None,
    "sharedBy": None,
    "state": "active",
}


def test_a_new_token_is_alone_on_standard_output(cli, api: Answers) -> None:
    api.table["POST /api/tokens"] = (201, TOKEN | {"token": "cp_ABC_xyz"})
    done = cli("token", "create", "--scope", "ingest", "--tag", "shard=acme", "--expires", "90d", "--name", "ci")
    assert (done.returncode, done.stdout) == (0, "cp_ABC_xyz\n")
    assert "cp_ABC_xyz" not in done.stderr
    assert api.asked[0].body == {"scopes": ["ingest"], "tags": {"shard": "acme"}, "name": "ci", "expiresIn": 90 * 86_400}


def test_tokens_are_listed_and_revoked_by_id(cli, api: Answers) -> None:
    api.table["GET /api/tokens"] = {"tokens": [TOKEN]}
    api.table["DELETE /api/tokens/ABC"] = {"id": "ABC", "shares": ["L1", "L2"]}
    assert "shard=acme" in cli("token", "list").stdout
    assert "ABC is revoked, with 2 links or badges that it made;" in cli("token", "revoke", "ABC").stdout
    assert cli("token", "revoke", "ABC", "--keep-shares").returncode == 0
    assert [one.query for one in api.asked if one.method == "DELETE"] == [{}, {"shares": "keep"}]
    # An API of before revokes the token alone, and says nothing.
    api.table["DELETE /api/tokens/ABC"] = (204, None)
    assert cli("token", "revoke", "ABC").stdout.startswith("ABC is revoked; ")
    assert cli("token", "revoke", "cp_ABC_xyz").returncode == 2


def test_version(cli) -> None:
    assert json.loads(cli("version", "--json").stdout)["clawpulse"]


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0 s"), (119, "119 s"), (120, "2 min"), (7_199, "119 min"), (7_200, "2 h"), (90_000, "1 d"), (200_000, "2 d")]
)
def test_durations_are_rough_and_short(seconds: float, text: str) -> None:
    assert out.duration(seconds) == text


def test_figures_keep_missing_apart_from_zero() -> None:
    assert (out.number(None), out.number(0.0), out.money(None), out.money(0), out.percent(None), out.percent(0)) == (
        "–",
        "0",
        "–",
        "$0.00",
        "–",
        "0.0 %",
    )
    assert out.number(1234567.0, 0) == "1,234,567"
    assert out.sparkline([]) == ""
    assert out.sparkline([0, 0]) == "▁▁"
