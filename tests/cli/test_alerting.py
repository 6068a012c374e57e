"""What fires, what happened, what is silenced and who is told: the commands against the real API."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from functions.domain.alert import EdgeKind, Phase
from functions.domain.incident import Note
from tests.api.alerting import BEGAN, REFUSED, SENT, delivery, edge, incident, own_rules, state
from tests.api.test_channels import CHANNELS, ROUTES
from tests.api.world import World
from tests.cli.server import Answers
from tests.docs.blocks import ROOT, blocks


def test_alerts_are_listed_the_gravest_first(real, world: World) -> None:
    own_rules(world)
    assert real("alerts", "list").stdout == "No alert is in such a state.\n"
    state(world, "dead", agent="a1")
    state(world, tier="fast")
    state(world, "slow", Phase.PENDING, tier="smart")
    opened = incident(world)
    world.alerts.put_silence("team", "s1", {"matchers": "rule=dead", "starts": BEGAN, "ends": world.now + 60_000})
    lines = real("alerts", "list").stdout.splitlines()
    assert [line.split()[2:4] for line in lines[1:]] == [["slow", "tier=fast"], ["dead", "agent=a1"], ["slow", "tier=smart"]]
    assert lines[1].startswith("■ critical")
    for text in ("firing", "812", "500", "p95 is 812 ms, above 500 ms", opened.id):
        assert text in lines[1]
    assert "silenced by s1" in lines[2]
    answer = json.loads(real("alerts", "list", "--rule", "slow", "--state", "pending", "--tags", "tier=smart", "--json").stdout)
    assert [alert["series"] for alert in answer["alerts"]] == [{"tier": "smart"}]


def test_incidents_are_listed_shown_acknowledged_and_written_about(real, world: World) -> None:
    own_rules(world)
    assert real("incidents", "list").stdout == "No incident matches.\n"
    found = incident(world, edge(tier="fast"), edge(tier="smart"), edge(kind=EdgeKind.RESOLVED, at=BEGAN + 60_000, tier="smart"))
    delivery(world, found, **REFUSED)
    row = real("incidents", "list", "--search", "FAST p95", "--state", "open").stdout.splitlines()[1]
    assert row.split()[:4] == ["■", "critical", found.id, "open"]
    assert "1 of 2" in row
    assert "No incident" in real("incidents", "list", "--search", "nothing").stdout
    assert real("incidents", "note", found.id, "a", "bad", "prompt").stdout == f"{found.id} has 1 note\n"
    done = real("alerts", "ack", found.id)
    assert done.stdout.startswith(f"{found.id} is acknowledged by test (")
    shown = real("incidents", "show", found.id).stdout
    for text in ("■ critical", "acknowledged by: test (", "over after 60 s", "resolved: slow (tier=smart)", "a bad prompt", "undelivered"):
        assert text in shown
    assert json.loads(real("incidents", "ack", found.id, "--json").stdout)["id"] == found.id
    draft = real("incidents", "postmortem", found.id).stdout
    assert draft.startswith("# Postmortem (draft): ")
    assert "a bad prompt" in draft
    done = real("incidents", "show", "0192f4a1b2c-0123456789ab")
    assert (done.returncode, done.stderr) == (1, "clawpulse: no incident 0192f4a1b2c-0123456789ab\n")


def test_hostile_texts_cannot_steer_the_terminal(real, world: World) -> None:
    found = incident(world, edge(tier="\x1b[2J\u202e"), notes=[Note(at=BEGAN, by="\x1b]0;x\x07", text="[red]y\x9b")])
    for arguments in (["show", found.id], ["postmortem", found.id], ["list"]):
        assert not set("\x1b\x9b\u202e\x07") & set(real("incidents", *arguments).stdout)


def test_silences_are_made_listed_and_lifted(real, world: World) -> None:
    assert real("silences", "list").stdout == "There are no silences.\n"
    done = real(
        "silences",
        "add",
        "--match",
        "rule=slow",
        "--match",
        "tier=fast",
        "--for",
        "9d",
        "--weekly",
        "sat, sun 00:00-24:00",
        "--comment",
        "batch",
    )
    assert done.returncode == 0, done.stderr
    ((id, document),) = world.alerts.silences("team").items()
    assert done.stdout == f"{id} silences rule=slow,tier=fast until 2026-12-02 20:00:30 UTC, sat,sun 00:00-24:00\n"
    assert (document["weekly"], document["comment"]) == ({"days": ["sat", "sun"], "from": "00:00", "to": "24:00"}, "batch")
    row = real("silences", "list").stdout.splitlines()[1]
    for text in (id, "waits", "rule=slow,tier=fast", "sat,sun 00:00-24:00", "batch", "test ("):
        assert text in row
    assert real("silences", "remove", id).stdout == f"{id} is lifted\n"
    assert real("silences", "remove", id).stderr == f"clawpulse: no silence {id}\n"
    done = real("silences", "add", "--match", "rule=slow", "--until", "2026-11-24T00:00:00Z", "--from", "2026-11-23T22:00:00Z", "--json")
    assert json.loads(done.stdout)["ends"] == "2026-11-24T00:00:00.000Z"


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--match", "a=b"], "give either --for or --until"),
        (["--match", "a=b", "--for", "1h", "--until", "x"], "give either --for or --until"),
        (["--match", "a=b", "--for", "1h", "--weekly", "sat"], "--weekly wants days and hours"),
        (["--for", "1h"], "--match"),
    ],
)
def test_wrong_usage_of_silences(cli, api: Answers, arguments: list[str], reason: str) -> None:
    done = cli("silences", "add", *arguments)
    assert done.returncode == 2
    assert reason in done.stderr
    assert api.asked == []


FILE = """\
channels:
  chat:
    kind: webhook
    url: https://example.org/hook
    secret: {vault: clawpulse/team/hook, key: key}
routes:
  - {name: all, channels: [chat]}
budgets:
  tier=smart: {usd_per_day: 50}
"""


def test_channels_and_what_goes_with_them_are_applied_from_a_file(real, world: World, tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text(FILE)
    assert real("channels", "apply", "c.yaml").stdout == "replaced: channels, routes, budgets\n"
    assert world.fleet.settings("team", "routes") == {"routes": [{"name": "all", "channels": ["chat"]}]}
    assert real("channels", "apply", "c.yaml").stdout == "nothing to change\n"
    shown = real("channels", "show")
    (tmp_path / "shown.yaml").write_text(shown.stdout)
    assert real("channels", "apply", "shown.yaml").stdout == "nothing to change\n"
    assert json.loads(real("channels", "show", "--json").stdout)["dead_man"] == {}


def test_a_channel_gives_way_to_another_in_one_go(real, world: World, tmp_path: Path) -> None:
    world.fleet.put_settings("team", "channels", CHANNELS)
    world.fleet.put_settings("team", "routes", ROUTES)
    (tmp_path / "c.yaml").write_text(FILE.replace("chat", "talk"))
    done = real("channels", "apply", "c.yaml", "--json")
    assert json.loads(done.stdout) == {"replaced": ["routes", "budgets", "channels"], "unchanged": []}
    assert list(world.fleet.settings("team", "channels") or {}) == ["talk"]


def test_faults_of_channels_have_their_places(real, world: World, tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text(FILE.replace("https:", "ftp:"))
    done = real("channels", "apply", "c.yaml")
    assert done.returncode == 1
    assert done.stdout.startswith("c.yaml:4:5: channels.chat.url: ")
    assert done.stderr == "clawpulse: 1 fault; nothing was changed\n"
    (tmp_path / "c.yaml").write_text(FILE.replace("name: all,", "name: All,").replace("tier=smart", "colour=red"))
    done = real("channels", "apply", "c.yaml")
    assert done.stdout.startswith("c.yaml:7:6: routes[0].name: ")
    assert done.stderr == "clawpulse: 1 fault; replaced before that: channels\n"
    (tmp_path / "c.yaml").write_text("budgets: {colour=red: {usd_per_day: 1}}\n")
    assert real("channels", "apply", "c.yaml").stdout.startswith("c.yaml:1:11: budgets['colour=red']: colour is no dimension")
    (tmp_path / "c.yaml").write_text("chanels: {}\nroutes: all\n")
    lines = real("channels", "apply", "c.yaml").stdout.splitlines()
    assert lines[0].startswith("c.yaml:1:1: chanels: is not known")
    assert lines[1] == "c.yaml:2:1: routes: must be a mapping or a list"


@pytest.mark.parametrize(("state", "code"), [("sent", 0), ("undelivered", 1), ("pending", 1)])
def test_a_test_tells_what_became_of_it(cli, api: Answers, state: str, code: int) -> None:
    api.table["POST /api/channels/chat/test"] = {"channel": "chat", "delivery": "d1", "state": state, "text": "400: no", "reference": ""}
    done = cli("channels", "test", "chat")
    assert (done.returncode, done.stdout) == (code, f"chat: {state}: 400: no\n")


def test_messages_that_reached_nobody_are_listed(real, world: World) -> None:
    found = incident(world)
    delivery(world, found, **SENT)
    delivery(world, found, **REFUSED)
    rows = real("channels", "undelivered").stdout.splitlines()[1:]
    assert len(rows) == 1
    for text in ("chat", "undelivered", "400: no such channel", found.id):
        assert text in rows[0]


def test_times_back_from_now_are_moments_for_the_api(cli, api: Answers) -> None:
    api.table["GET /api/deliveries"] = {"deliveries": [], "total": 0}
    api.table["GET /api/incidents"] = {"incidents": [], "total": 0}
    before = datetime.now(UTC) - timedelta(days=30, seconds=1)
    assert cli("channels", "undelivered", "--since", "30d").stdout == "Everything was delivered, or is still being tried.\n"
    cli("incidents", "list", "--since", "30d")
    for asked in api.asked:
        assert before <= datetime.fromisoformat(asked.query["since"].replace("Z", "+00:00")) <= datetime.now(UTC) - timedelta(days=30)
    assert cli("incidents", "list", "--since", "soon").returncode == 2


def test_the_file_that_the_documents_show_can_be_applied(real, world: World, tmp_path: Path) -> None:
    (shown,) = blocks(ROOT / "sdk" / "CLI.md", "yaml")
    (tmp_path / "c.yaml").write_text(shown.replace("clawpulse/default/", "clawpulse/team/"))
    done = real("channels", "apply", "c.yaml")
    assert (done.stdout, done.stderr) == ("replaced: channels, routes, inhibitions, dead_man, budgets\n", "")
    assert world.fleet.settings("team", "dead_man") == {"url": "https://hc.example.org/ping", "every": "60s"}
