"""Reports: the command against the real API."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

from functions.domain.report_files import RENDERINGS
from functions.domain.report_record import ReportPhase, ReportRecord, new_id
from functions.domain.times import DAY_MS
from tests.api.world import NOW, World
from tests.cli.server import Answers
from tests.reports.sample import sample

HTML = RENDERINGS["html"].render(sample())


def kept(world: World, at: int = NOW, **more: object) -> ReportRecord:
    record = ReportRecord(id=new_id(at, b"12345"), created=at, by="schedule", start=at - 7 * DAY_MS, end=at, **more)
    world.report_store.create("team", record)
    return record


def done(world: World, at: int = NOW) -> ReportRecord:
    return kept(world, at, schedule="weekly", phase=ReportPhase.DONE, title="Weekly report", summary="All is well.", sizes={"html": 9})


def test_reports_are_listed_newest_first(real, world: World) -> None:
    assert real("report", "list").stdout == "No report was made yet: clawpulse report run makes one.\n"
    first, second = done(world), kept(world, NOW - DAY_MS, phase=ReportPhase.FAILED, reason="given up", tags="shard=acme")
    lines = real("report", "list").stdout.splitlines()
    assert lines[0].split() == ["report", "state", "period", "(UTC)", "agents", "wanted", "by", "title"]
    assert " ".join(lines[1].split()) == f"{first.id} ● done 2026-11-16 20:00 to 2026-11-23 20:00 (all) weekly Weekly report"
    assert " ".join(lines[2].split()) == f"{second.id} ■ failed 2026-11-15 20:00 to 2026-11-22 20:00 shard=acme schedule given up"
    assert [one["id"] for one in json.loads(real("report", "list", "--json").stdout)["reports"]] == [first.id, second.id]


def test_one_is_run_and_waited_for(real, world: World) -> None:
    ran = real("report", "run", "--tags", "env=prod", "--range", "24h", "--format", "html", "--wait", "0")
    assert ran.returncode == 0, ran.stderr
    ((message, _),) = world.report_queue.sent
    assert ran.stdout == f"{message['report']}: queued\n"
    found = world.report_store.read("team", message["report"])
    assert found
    assert (found.record.tags, found.record.formats, found.record.end - found.record.start) == ("env=prod", ("html",), DAY_MS)


def test_one_that_fails_is_a_failure_with_its_reason(api: Answers, cli) -> None:
    answer = {"id": "w1", "state": "queued", "reason": None, "title": None, "summary": None, "files": []}
    api.table["POST /api/reports"] = answer
    api.table["GET /api/reports/w1"] = {**answer, "state": "failed", "reason": "no hour is over"}
    ran = cli("report", "run")
    assert (ran.returncode, ran.stderr) == (1, "clawpulse: the report w1 was not made: no hour is over\n")


@pytest.mark.parametrize("target", ["-", "week.html"])
def test_a_file_is_written_without_the_token_being_sent(api: Answers, cli, tmp_path: Path, target: str) -> None:
    file = {"format": "html", "url": f"{api.url}/bucket/report.html?X-Amz-Signature=1"}
    api.table["GET /api/reports"] = {"reports": [{"id": "w1"}], "next": None}
    api.table["GET /api/reports/w1"] = {"id": "w1", "state": "done", "reason": None, "title": "Week", "files": [file]}
    api.table["GET /bucket/report.html"] = HTML.encode()
    ran = cli("report", "open", "--out", target)
    assert ran.returncode == 0, ran.stderr
    assert (ran.stdout if target == "-" else (tmp_path / target).read_text(encoding="utf-8")) == HTML
    (download,) = [asked for asked in api.asked if asked.path == "/bucket/report.html"]
    assert download.query == {"X-Amz-Signature": "1"}
    assert "Authorization" not in download.headers


def test_the_link_alone_is_shown(real, world: World) -> None:
    record = done(world)
    assert real("report", "open", "--url").stdout.strip() == world.report_store.link("team", record.id, "report.html", 900)
    assert real("report", "open", record.id, "--url").returncode == 0


def test_what_is_not_there_is_said(real, world: World) -> None:
    assert "no report was made yet" in real("report", "open").stderr
    record = kept(world)
    assert f"the report {record.id} is queued and has no html" in real("report", "open", record.id).stderr
    assert "no report w0000000000000aa" in real("report", "open", "w0000000000000aa").stderr


def test_the_schedule_is_shown_and_replaced_with_faults_by_line(real, world: World, tmp_path: Path) -> None:
    assert real("report", "schedule").stdout == "reports:\n- name: weekly\n"
    (tmp_path / "schedule.yaml").write_text("reports:\n  - name: weekly\n    hour: 25\n")
    ran = real("report", "schedule", "schedule.yaml")
    assert ran.returncode == 1
    assert "schedule.yaml:3:" in ran.stdout
    (tmp_path / "schedule.yaml").write_text("reports:\n  - name: weekly\n    hour: 6\n    channels: []\n")
    assert real("report", "schedule", "schedule.yaml").stdout == "schedule replaced\n"
    assert msgspec.json.decode(real("report", "schedule", "--json").stdout) == {"reports": [{"name": "weekly", "hour": 6, "channels": []}]}
