"""Pictures of the page for the docs, with invented data: `python -m tests.dashboard.pictures [FOLDER]` writes them to docs/images."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, sync_playwright

from tests.cli import shapes
from tests.dashboard import alert_answers, capacity_answers, cost_answers, rolling, settings_answers, work_answers
from tests.dashboard.conftest import ARGS, NAMES
from tests.dashboard.site import TOKEN, Request, Site, fleet, running, stamp

IMAGES = Path(__file__).parents[2] / "docs" / "images"
SCHEMES = ("light", "dark")
SIZE = {"width": 1200, "height": 640}
MOST_BYTES = 120_000
"""Of one picture: they are in the repository for ever."""

Routes = dict[str, Any]


@dataclass(frozen=True)
class Picture:
    """One place of the page, and what the API answers there beside the fleet."""

    name: str
    place: str
    routes: Callable[[], Routes]
    query: str = ""

    def file(self, scheme: str) -> str:
        return f"{self.name}-{scheme}.png"


def _fleet() -> Routes:
    return {
        "/api/changes": work_answers.changes(
            work_answers.change("rollout", "Faster model for tier=fast", 12, id=rolling.ID, state="baking", agents=30, named=[]),
            work_answers.change("agents", "retired", 50),
        )
    }


def _series(request: Request) -> Any:
    """Percentiles that differ."""
    factor = {"p95": 2.1, "p99": 3.4}.get(request.query["aggregation"][0], 1)
    found = work_answers.series(request)
    for line in found["series"]:
        line["points"] = [[time, value and value * factor] for time, value in line["points"]]
    return found


def _agent() -> Routes:
    key = {"assigned": "ab12", "reported": "ab12", "error": None, "used": stamp(60)}
    return {
        "/api/agents/fast-003": work_answers.agent(cpu=41.0, keys={"anthropic": key}, config=shapes.config("h2", "h2", "h1")),
        "/api/agents/fast-003/desired": shapes.desired("fast-003"),
        "/api/series": _series,
        "/api/keys": {"providers": []},
        "/api/tasks": work_answers.tasks(*(work_answers.task(place) for place in range(8))),
        "/api/errors": work_answers.errors(work_answers.kind()),
        "/api/events": work_answers.events(("task.failed", 100, {"try": 3})),
    }


def _incident() -> Routes:
    return {
        f"/api/incidents/{alert_answers.INCIDENT}": alert_answers.story(),
        "/api/deliveries": alert_answers.deliveries(*alert_answers.messages()),
        "/api/silences": alert_answers.silences(),
    }


def _rollout() -> Routes:
    now = round(time.time() * 1000)
    waves = rolling.plan(now)
    path = f"/api/rollouts/{rolling.ID}"
    return {
        path: rolling.shown(rolling.rollout(now, waves), waves, now),
        f"{path}/audit": rolling.log(now, ("ada", "created", "70 agents in 3 waves"), ("clawpulse", "verdict", "wave 1 of 3: pass")),
        f"{path}/comparison": lambda request: rolling.comparison(now, int(request.query["wave"][0])),
    }


PICTURES = (
    Picture("fleet", "/fleet", _fleet, "?by=tier"),
    Picture("agent", "/agents/fast-003", _agent),
    Picture("incident", f"/incidents/{alert_answers.INCIDENT}", _incident),
    Picture("rollout", f"/rollouts/{rolling.ID}", _rollout),
    Picture("cost", "/cost", cost_answers.routes),
    Picture("capacity", "/capacity", capacity_answers.routes),
)


def take(picture: Picture, scheme: str, site: Site, browser: Browser, folder: Path) -> Path:
    """Take one picture; the file."""
    site.agents, site.routes = fleet(90), {"/api/me": settings_answers.me("admin"), **picture.routes()}
    page = browser.new_page(viewport={**SIZE}, color_scheme=scheme)  # type: ignore[arg-type]
    try:
        page.goto(f"{site.url}{picture.query}#share={TOKEN}&view={picture.place}")
        page.wait_for_load_state("networkidle")
        file = folder / picture.file(scheme)
        page.screenshot(path=file, animations="disabled")
        return file
    finally:
        page.close()


def main(folder: Path) -> int:
    """Take all; the exit code."""
    folder.mkdir(parents=True, exist_ok=True)
    with running() as site, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=next(filter(None, map(shutil.which, NAMES))), args=ARGS)
        for picture in PICTURES:
            for scheme in SCHEMES:
                file = take(picture, scheme, site, browser, folder)
                print(f"{file.name}: {file.stat().st_size / 1000:.0f} KB")
        browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]) if sys.argv[1:] else IMAGES))
