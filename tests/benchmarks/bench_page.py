"""Page: bytes and requests of the first load, and the work of the main thread with a thousand agents.

Chromium loads the bundled page from a loopback server that answers as the API does, without compression; the bytes are what gzip makes of
the files, as CloudFront sends them.
"""

from __future__ import annotations

import gzip
import shutil
from collections.abc import Iterator

from playwright.sync_api import CDPSession, Page, Response, expect, sync_playwright

from functions.api.page import FOLDER
from tests.benchmarks.measure import show
from tests.dashboard.conftest import ARGS, NAMES
from tests.dashboard.site import TOKEN, Site, fleet, running

AGENTS = 1_000
LONG_TASKS = """() => {
  window.tasks = [];
  const seen = list => window.tasks.push(...list.getEntries().map(one => one.duration));
  new PerformanceObserver(seen).observe({ type: 'longtask', buffered: true }) }"""


def rows() -> Iterator[dict[str, str]]:
    """The table's rows; asserts nothing."""
    with running() as site, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=next(filter(None, map(shutil.which, NAMES))), args=ARGS)
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        site.agents = fleet(AGENTS)
        yield from _load(page, site)
        yield from _work(page)
        browser.close()


def _load(page: Page, site: Site) -> Iterator[dict[str, str]]:
    answers: list[Response] = []
    page.on("response", lambda answer: answers.append(answer))
    page.add_init_script(f"({LONG_TASKS})()")
    page.goto(f"{site.url}#token={TOKEN}")
    page.locator(".tile").last.wait_for()
    shown_ms = page.evaluate("performance.now()")
    files = [name for answer in answers if (name := answer.url.rsplit("/", 1)[-1].split("#")[0]) and (FOLDER / name).is_file()]
    size = sum(len(gzip.compress((FOLDER / name).read_bytes())) for name in {"index.html", *files})
    every = sum(len(gzip.compress(path.read_bytes())) for path in FOLDER.iterdir() if path.suffix in (".js", ".css"))
    yield {"what": "first load, gzip", "figure": f"{size / 1000:.1f} KB", "beside": f"all views {every / 1000:.0f} KB", "bound": "< 200 KB"}
    asked = len(answers) - len(files) - 1
    yield {"what": "first load, requests", "figure": f"{len(files) + 1} files", "beside": f"{asked} of the API", "bound": "<= 30 files"}
    yield {"what": f"{AGENTS} agents shown after", "figure": f"{shown_ms:.0f} ms", "beside": _long(page), "bound": "<= 1000 ms"}


def _work(page: Page) -> Iterator[dict[str, str]]:
    cdp = page.context.new_cdp_session(page)
    cdp.send("Performance.enable", {"timeDomain": "threadTicks"})
    bounds = {"scroll": "<= 200 ms", "filter": "<= 200 ms", "nothing new": "<= 50 ms"}
    for name, act in {"scroll": _scroll, "filter": _filter, "nothing new": _poll}.items():
        page.evaluate("window.tasks.length = 0")
        before = _cpu_ms(cdp)
        act(page)
        yield {
            "what": f"{AGENTS} agents, {name}",
            "figure": f"{_cpu_ms(cdp) - before:.0f} ms CPU",
            "beside": _long(page),
            "bound": bounds[name],
        }


def _scroll(page: Page) -> None:
    page.mouse.move(640, 500)
    for _ in range(10):
        page.mouse.wheel(0, 1_000)
        page.evaluate("() => new Promise(requestAnimationFrame)")


def _filter(page: Page) -> None:
    page.locator("#tags").fill("tier=fast,shard=acme")
    expect(page.locator(".tile")).to_have_count(167)


def _poll(page: Page) -> None:
    with page.expect_response(lambda answer: answer.status == 304 and "instances" in answer.url, timeout=20_000):
        pass


def _long(page: Page) -> str:
    found = page.evaluate("window.tasks")
    return f"{len(found)} tasks over 50 ms, the longest {max(found):.0f} ms" if found else "no task over 50 ms"


def _cpu_ms(cdp: CDPSession) -> float:
    """CPU time of the page's main thread."""
    return next(1000 * float(one["value"]) for one in cdp.send("Performance.getMetrics")["metrics"] if one["name"] == "TaskDuration")


if __name__ == "__main__":
    show(list(rows()))
