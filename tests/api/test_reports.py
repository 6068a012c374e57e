"""Reports over the API: asked for, made, listed, opened, shared; and their schedule."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest

from functions.domain.report import Report
from functions.domain.report_record import ReportPhase, ReportRecord, new_id
from functions.domain.times import DAY_MS, HOUR_MS
from functions.reports.service import ReportService
from functions.reports.telling import Telling
from tests.api.world import NOW, World
from tests.reports.sample import sample

HOUR = NOW // HOUR_MS * HOUR_MS
CHANNELS = {
    "mail": {"kind": "email", "from": "pulse@example.org", "to": ["team@example.org"]},
    "page": {"kind": "pagerduty", "secret": {"secretsmanager": "clawpulse/team/pagerduty"}},
}


def make(world: World) -> None:
    """Make all that is queued, as the function does."""
    telling = Telling(
        store=world.report_store,
        settings=world.fleet,
        deliveries=world.deliveries,
        queue=world.notify,
        random=world.services.random,
    )
    service = ReportService(store=world.report_store, make=made_up, telling=telling, clock=lambda: world.now)
    for number, (message, _) in enumerate(world.report_queue.sent):
        service.run(message["workspace"], message["report"], f"run-{number}")


def made_up(_workspace: str, _record: ReportRecord, _now: int) -> Report:
    return sample()


def record(at: int, **more: object) -> ReportRecord:
    return ReportRecord(id=new_id(at, b"12345"), created=at, by="t", start=at - DAY_MS, end=at, **more)


def test_a_report_is_asked_for_made_and_opened(world: World) -> None:
    client = world.client("operate", "read")
    answer = client.call("POST", "/api/reports", json={"tags": "env=prod", "formats": ["json", "html"]})
    assert answer.status_code == 202
    wanted = answer.json
    assert (wanted["state"], wanted["files"], wanted["tags"]) == ("queued", [], "env=prod")
    assert (wanted["start"], wanted["end"]) == ("2026-11-16T20:00:00.000Z", "2026-11-23T20:00:00.000Z")
    make(world)
    found = client.get(f"/api/reports/{wanted['id']}")
    assert (found["state"], found["title"]) == ("done", "Weekly report")
    assert [file["format"] for file in found["files"]] == ["html", "json"]
    for file in found["files"]:
        text = world.report_store.files["team", wanted["id"], urlsplit(file["url"]).path.rpartition("/")[2]]
        assert len(text.encode()) == file["bytes"]
        assert file["expires"] == "2026-11-23T20:15:30.000Z"


def test_a_signed_link_is_kept_by_nobody(world: World) -> None:
    world.report_store.create("team", record(NOW))
    answer = world.client("read").call("GET", f"/api/reports/{record(NOW).id}")
    assert answer.headers["Cache-Control"] == "no-store"
    assert "ETag" not in answer.headers


@pytest.mark.parametrize(
    ("body", "field", "status"),
    [
        ({"end": "2026-11-23T21:00:00Z"}, "end", 422),
        ({"start": "2026-11-20T00:00:00Z", "range": "2d"}, "range", 422),
        ({"start": "2026-11-23T20:10:00Z"}, "start", 422),
        ({"start": "2026-11-23T12:00:00Z", "end": "2026-11-23T11:00:00Z"}, "end", 422),
        ({"range": "36d"}, "range", 422),
        ({"start": "2026-01-01T00:00:00Z"}, "start", 422),
        ({"range": "7w"}, "range", 400),
        ({"formats": []}, "formats", 400),
        ({"formats": ["pdf"]}, "formats", 400),
        ({"tags": "env"}, "tags", 400),
        ({"channels": ["nobody"]}, "channels[0]", 422),
        ({"channels": ["mail", "page"]}, "channels[1]", 422),
    ],
)
def test_what_cannot_be_made_is_refused_with_its_field(world: World, body: dict[str, object], field: str, status: int) -> None:
    world.fleet.put_settings("team", "channels", CHANNELS)
    problem = world.client("operate").problem(status, "POST", "/api/reports", json=body)
    assert problem["field"].startswith(field), problem
    assert world.report_queue.sent == []
    assert world.report_store.reports("team", 9) == []


def test_reports_are_listed_newest_first_by_state_and_schedule(world: World) -> None:
    ids = [record(NOW - number * HOUR_MS).id for number in range(5)]
    for number in range(5):
        world.report_store.create("team", record(NOW - number * HOUR_MS, schedule="weekly" if number % 2 else ""))
    client = world.client("read")
    first = client.get("/api/reports", limit=2)
    assert [one["id"] for one in first["reports"]] == ids[:2]
    assert [one["id"] for one in client.get("/api/reports", limit=9, cursor=first["next"])["reports"]] == ids[2:]
    assert [one["id"] for one in client.get("/api/reports", schedule="weekly")["reports"]] == ids[1::2]
    assert client.get("/api/reports", state="over")["reports"] == []


def test_a_token_of_some_agents_sees_reports_about_these_alone(world: World) -> None:
    scoped = world.client("read", "operate", tags="shard=acme")
    mine = scoped.call("POST", "/api/reports", json={"tags": "tier=fast"}).json
    assert mine["tags"] == "tier=fast,shard=acme"
    world.report_store.create("team", record(NOW - 1, tags="tier=fast"))
    assert [one["id"] for one in scoped.get("/api/reports")["reports"]] == [mine["id"]]
    scoped.problem(404, "GET", f"/api/reports/{record(NOW - 1).id}")
    told = record(NOW - 2, tags="shard=acme", channels=("finance",), deliveries=("d1",))
    world.report_store.create("team", told)
    shown = [client.get(f"/api/reports/{told.id}") for client in (scoped, world.client("read"))]
    assert [(one["channels"], one["deliveries"]) for one in shown] == [([], []), (["finance"], ["d1"])]
    scoped.problem(403, "POST", "/api/reports", json={"channels": ["mail"]})
    scoped.problem(403, "GET", "/api/report-schedule")


def test_the_link_of_a_message_opens_the_report_until_it_expires(world: World) -> None:
    world.fleet.put_settings("team", "channels", CHANNELS)
    client = world.client("operate", "read")
    id = client.call("POST", "/api/reports", json={"channels": ["mail"]}).json["id"]
    make(world)
    (delivery,) = world.deliveries.recent("team", 0)
    assert delivery.notification.report
    path = urlsplit(delivery.notification.report).path
    path = path[path.index("/shared/") :]
    opened = client.without_token().call("GET", path)
    assert opened.status_code == 302
    assert opened.headers["Location"] == world.report_store.link("team", id, "report.html", 900)
    assert opened.headers["Cache-Control"] == "no-store"
    assert opened.headers["Referrer-Policy"] == "no-referrer"
    assert client.get(f"/api/reports/{id}")["deliveries"] == [delivery.id]
    world.now += 30 * DAY_MS
    assert client.without_token().call("GET", path).status_code == 404


@pytest.mark.parametrize(
    "change", [lambda link: link[:-1] + ("0" if link[-1] != "0" else "1"), lambda link: link.replace("team.", "other."), lambda _: "x"]
)
def test_another_link_opens_nothing(world: World, change) -> None:
    world.fleet.put_settings("team", "channels", CHANNELS)
    client = world.client("operate")
    client.call("POST", "/api/reports", json={"channels": ["mail"]})
    make(world)
    (delivery,) = world.deliveries.recent("team", 0)
    link = str(delivery.notification.report).rpartition("/")[2]
    answer = client.without_token().call("GET", f"/shared/reports/{change(link)}")
    assert answer.status_code == 404
    assert "No such report" in answer.text


def test_the_schedule_is_shown_replaced_and_refused_with_every_fault(world: World) -> None:
    world.fleet.put_settings("team", "channels", CHANNELS)
    client = world.client("operate", "read")
    assert client.get("/api/report-schedule") == {"reports": [{"name": "weekly"}]}
    wanted = {
        "reports": [
            {"name": "acme", "every": "month", "day": 3, "hour": 6, "timezone": "Asia/Kolkata", "tags": "shard=acme", "channels": ["mail"]}
        ]
    }
    assert client.call("PUT", "/api/report-schedule", json=wanted).json == wanted
    assert client.get("/api/report-schedule") == wanted
    wrong = {
        "reports": [
            {"name": "a", "day": "someday", "hour": 24, "channels": ["page", "nobody"], "formats": []},
            {"name": "a", "timezone": "Mars/Base"},
        ]
    }
    problem = client.problem(422, "PUT", "/api/report-schedule", json=wrong)
    assert {fault["path"] for fault in problem["faults"]} == {
        "reports[0].day",
        "reports[0].hour",
        "reports[0].channels[0]",
        "reports[0].channels[1]",
        "reports[0].formats",
        "reports[1].name",
        "reports[1].timezone",
    }
    assert client.get("/api/report-schedule") == wanted


def test_a_report_that_failed_says_why(world: World) -> None:
    world.report_store.create("team", record(NOW, phase=ReportPhase.FAILED, reason="given up"))
    assert world.client("read").get(f"/api/reports/{record(NOW).id}")["reason"] == "given up"
