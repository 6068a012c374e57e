"""Answers about reports, made from the API's own models, so that they cannot differ in shape."""

from __future__ import annotations

from typing import Any

from functions.api.report_view import ReportAnswer, ReportDetails, ReportFile
from functions.api.reports import Reports
from tests.dashboard.answer_parts import HOUR, MINUTE, NOW, WEEK, shown

REPORT = "w0123456789abcde"


def report(state: Any = "done", **changes: Any) -> dict[str, Any]:
    done = state == "done"
    usual = {
        "id": REPORT,
        "state": state,
        "reason": "usage could not be read" if state == "failed" else None,
        "title": "Week of 16 November" if done else None,
        "summary": "214 agents did 1.2 M tasks for $2,310; errors doubled on Thursday." if done else None,
        "start": NOW - WEEK * HOUR,
        "end": NOW,
        "tags": "",
        "schedule": "weekly",
        "by": "schedule",
        "created": NOW - HOUR,
        "made": NOW if done else None,
        "channels": ["team-mail"] if done else [],
    }
    return usual | changes


def reports(*found: dict[str, Any]) -> Any:
    return shown(Reports(reports=[ReportAnswer(**one) for one in found], next=None))


def details(found: dict[str, Any], url: str = "https://files.example/report.html?signature=1") -> Any:
    files = [
        ReportFile(format=name, content_type="text/html", bytes=size, url=url, expires=NOW + 15 * MINUTE)
        for name, size in (("html", 48_200), ("markdown", 9_100), ("json", 30_500))
    ]
    return shown(ReportDetails(**found, files=files if found["state"] == "done" else [], deliveries=[]))


def routes() -> dict[str, Any]:
    """By path."""
    running = report("running", id="w0123456789abcdf", schedule=None, by="tok1")
    failed = report("failed", id="w0123456789abcdg")
    return {
        "/api/reports": reports(report(), running, failed),
        f"/api/reports/{REPORT}": details(report()),
        "POST /api/reports": (202, details(report("queued"))),
    }
