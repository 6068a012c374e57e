"""The page as the local cloud serves it, with the demo's fleet at work: every view shows what the API says."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from clawpulse.cli._api import Api
from demo.profiles import TIERS, Role
from tests.cloud import DeployedCloud
from tests.dashboard.answer_parts import cells, visit
from tests.dashboard.demo_story import AGENTS, BUDGET_USD, DRAIN_S, Story, told, until
from tests.dashboard.test_all_views import views

pytestmark = [pytest.mark.cloud, pytest.mark.browser, pytest.mark.timeout(900)]

MOST_MS = 60_000
"""The stores of the local cloud are slow when they are first asked, on a busy machine above all."""
BUSY = (503, 504)
"""Too slow once: the page asks again, and what it shows then counts."""
HEALTH = ("red", "yellow", "green", "grey")


class Watched:
    """A page, and all that it complained of."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.errors: list[str] = []
        self.refused: list[str] = []
        page.set_default_timeout(MOST_MS)
        page.on("pageerror", lambda error: self.errors.append(f"{page.url.split('#')[-1]}: {error}"))
        page.on("console", lambda line: self._heard(line.type, line.text))
        page.on("response", lambda answer: self._answered(answer.status, answer.url))

    def _heard(self, kind: str, text: str) -> None:
        if kind in ("error", "warning") and "Failed to load resource" not in text:
            self.errors.append(f"{self.page.url.split('#')[-1]}: {text}")

    def _answered(self, status: int, url: str) -> None:
        if status >= 400 and status not in BUSY:
            self.refused.append(f"{status} {url}")


@pytest.fixture
def watched(browser: Browser) -> Iterator[Watched]:
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    expect.set_options(timeout=MOST_MS)
    yield Watched(context.new_page())
    context.close()


def test_every_view_shows_the_demo_fleet_as_the_api_has_it(cloud: DeployedCloud, watched: Watched) -> None:
    api, page = Api(cloud.api_url, cloud.token), watched.page
    with told(api, seed="page") as (story, working):
        # Without its slash at the end, which the API adds.
        page.goto(f"{cloud.api_url}?tags={quote(story.tags)}#token={cloud.token}")
        until(story.alert)
        _while_it_works(page, story)
        assert working.finish_tasks(DRAIN_S) == []
        assert working.flush(DRAIN_S) == []
        failed = working.ledger.totals().errors + sum(work.error is not None for works in story.past.values() for work in works)
        until(lambda: story.failed() == failed)
        for view in views():
            SHOWN[view.name](page, story)
            expect(page.locator("#main h2", has_text="answered with an error")).to_have_count(0)
    assert cloud.token not in page.url
    assert watched.errors == []
    assert watched.refused == []


def _while_it_works(page: Page, story: Story) -> None:
    """Asked again and again, with answers that change."""
    with page.expect_response(lambda answer: answer.status == 304):
        expect(page.locator("#link")).to_have_text("Live")
    until(lambda: story.api.get("api/dashboard/summary", tags=story.tags)["tasksPerMinute"])
    rate = page.locator("#totals > div", has_text="tasks/min").locator("dd")
    expect(rate).not_to_have_text("–")
    until(lambda: rate.text_content() == _number(story.api.get("api/dashboard/summary", tags=story.tags)["tasksPerMinute"]))


def _fleet(page: Page, story: Story) -> None:
    """Tiles have the colours of the instances, the counts those of the summary; the zombie says what is wrong with it."""
    visit(page, "fleet")
    expect(page.locator(".tile")).to_have_count(AGENTS)
    until(lambda: _colours(page) == {one["id"]: one["health"]["status"] for one in story.agents()})
    until(lambda: _counts(page) == story.api.get("api/dashboard/summary", tags=story.tags)["health"])
    expect(page.locator("#totals dd").first).to_have_text(str(AGENTS))
    zombie = page.locator(f'[data-agent="{story.of(Role.ZOMBIE)}"]')
    expect(zombie).to_have_attribute("data-health", "red")
    expect(zombie).to_contain_text("no progress")
    expect(page.locator("#changes")).to_contain_text(story.run)


def _agent(page: Page, story: Story) -> None:
    """Why the zombie is red, the errors of the failing one, the configuration that the rollout wants."""
    visit(page, f"agents/{story.of(Role.ZOMBIE)}")
    expect(page.locator(".why")).to_contain_text(re.compile(r"red for .+: no progress"))
    expect(page.locator(".stat", has_text="open tasks").locator("dd").first).to_have_text("1")
    expect(page.locator(".chart canvas").first).to_be_visible()
    failing = story.of(Role.FAILING)
    visit(page, f"agents/{failing}?part=errors")
    kinds = story.api.get("api/errors", tags=story.tags, agent=failing, range="24h")["errors"]
    assert kinds
    _same_rows(page, "Errors", 1, [_number(kind["count"]) for kind in kinds])
    agent = _plan(story)[0]["members"][0]["agent"]
    visit(page, f"agents/{agent}?part=configuration")
    expect(page.locator(".json")).to_contain_text("claude-page-1")


def _tasks(page: Page, story: Story) -> None:
    """The failed tasks of the failing agent, one by one; and the story of one."""
    failing = story.of(Role.FAILING)
    visit(page, f"tasks?agent={failing}&status=failed")
    wanted = story.api.get("api/tasks", tags=story.tags, agent=failing, status="failed", range="24h", limit=200)["tasks"]
    assert wanted
    _same_rows(page, "Tasks", 0, [task["id"] for task in wanted])
    visit(page, f"tasks/{wanted[0]['id']}?agent={failing}")
    expect(page.locator(".story")).to_contain_text("task.failed")


def _errors(page: Page, story: Story) -> None:
    kinds = story.api.get("api/errors", tags=story.tags, range="24h")["errors"]
    visit(page, "errors")
    expect(page.get_by_role("heading", name="failed task")).to_contain_text(f"{len(kinds)} kinds of errors, {story.failed()} failed tasks")
    expect(page.locator(".chart canvas")).to_be_visible()
    visit(page, f"errors/{kinds[0]['fingerprint']}")
    expect(page.locator(".stat", has_text="failed tasks").locator("dd").first).to_have_text(_number(kinds[0]["count"]))


def _alerts(page: Page, story: Story) -> None:
    alert = _row(page, until(story.alert)["id"])
    visit(page, "alerts")
    expect(alert).to_contain_text("firing")
    expect(alert).to_contain_text(story.of(Role.ZOMBIE))
    visit(page, "alerts?part=silences")
    expect(page.locator("tr", has_text=story.run)).to_contain_text(f"agent={story.of(Role.FAILING)}")


def _incidents(page: Page, story: Story) -> None:
    alert = until(story.alert)
    visit(page, "incidents")
    expect(_row(page, alert["incident"])).to_contain_text(story.run)
    visit(page, f"incidents/{alert['incident']}")
    expect(page.get_by_role("table", name="Alerts of the incident")).to_contain_text(story.of(Role.ZOMBIE))
    expect(page.locator(".happened")).to_contain_text("no progress")


def _rules(page: Page, story: Story) -> None:
    visit(page, "rules")
    expect(_row(page, story.run)).to_contain_text("critical")
    visit(page, f"rules/{story.run}")
    expect(page.locator("textarea").first).to_have_value(re.compile(re.escape(story.of(Role.ZOMBIE))))


def _cost(page: Page, story: Story) -> None:
    """What the past hours cost: the sum of what was drawn, whole and by tier; and the budget, of which that is little."""
    visit(page, f"cost?group=tier&{_zoomed(story)}")
    drawn = {tier.name: [work.cost_usd for member, works in story.past.items() if member.tier is tier for work in works] for tier in TIERS}
    expect(page.locator(".stat", has_text="spent").locator("dd").first).to_have_text(f"${sum(map(sum, drawn.values())):.2f}")
    for tier, usd in drawn.items():
        expect(_row(page, tier)).to_contain_text(f"${sum(usd):.2f}")
    visit(page, "cost?part=budgets")
    expect(page.get_by_role("table", name="Budgets").locator("tr", has_text=story.tags)).to_contain_text(f"{BUDGET_USD:,}")


def _capacity(page: Page, story: Story) -> None:
    visit(page, f"capacity?{_zoomed(story)}")
    expect(page.locator(".stat", has_text="agents now").locator("dd").first).to_have_text(str(AGENTS))
    visit(page, f"capacity?part=tracker&{_zoomed(story)}")
    groups = story.api.get("api/tracker", tags=story.tags, by="tier", **story.period)["groups"]
    assert {group["tags"]["tier"] for group in groups} == {tier.name for tier in TIERS}
    for group in groups:
        assert group["arrivalRate"] > 0
        expect(_row(page, group["tags"]["tier"])).to_contain_text(f"{group['arrivalRate']:.3g}/s")


def _scaling(page: Page, story: Story) -> None:
    def decided() -> Any:
        return next((one for one in story.api.get("api/scaling")["groups"] if one["group"] == story.run and one["desired"]), None)

    desired = until(decided)["desired"]
    visit(page, "scaling")
    expect(_row(page, story.run)).to_contain_text(str(desired))
    visit(page, f"scaling/{story.run}")
    expect(page.get_by_role("table", name="Signals")).to_contain_text("tasks wait")


def _reports(page: Page, story: Story) -> None:
    """The report that was made opens, and is about this fleet."""
    made = until(lambda: _over(story.api.get(f"api/reports/{story.report}")))
    assert made["state"] == "done", made
    visit(page, "reports")
    expect(_row(page, story.report)).to_contain_text(made["title"])
    visit(page, f"reports/{story.report}")
    with page.context.expect_page() as opened:
        page.get_by_role("link", name="Open the report").click()
    expect(opened.value.locator("body")).to_contain_text(story.of(Role.FAILING))
    opened.value.close()


def _rollouts(page: Page, story: Story) -> None:
    plan = _plan(story)
    visit(page, "rollouts")
    expect(_row(page, story.rollout)).to_contain_text(story.run)
    expect(_row(page, story.rollout)).to_contain_text("applying")
    visit(page, f"rollouts/{story.rollout}")
    expect(page.locator(".waves > li")).to_have_count(len(plan))
    expect(page.get_by_role("table", name="Agents of wave 1")).to_contain_text(plan[0]["members"][0]["agent"])


def _rotations(page: Page, story: Story) -> None:
    visit(page, "rotations")
    providers = [one["provider"] for one in story.api.get("api/keys")["providers"]]
    for name in providers or ["No provider of keys"]:
        expect(page.locator("#main")).to_contain_text(name)


def _topology(page: Page, story: Story) -> None:
    visit(page, "topology?as=sharded")
    shards = [one["tags"]["shard"] for one in story.agents()]
    for shard in set(shards):
        expect(page.get_by_label(f"shard {shard}", exact=True)).to_contain_text(f"{shards.count(shard)} agents")


def _settings(page: Page, story: Story) -> None:
    visit(page, "settings")
    expect(page.locator("tr", has_text=story.run)).to_contain_text(f"env={story.run}")
    visit(page, "settings/scaling-policy")
    expect(page.locator("textarea")).to_have_value(re.compile(re.escape(story.run)))


SHOWN: dict[str, Callable[[Page, Story], None]] = {
    "fleet": _fleet,
    "agents": _agent,
    "tasks": _tasks,
    "errors": _errors,
    "alerts": _alerts,
    "incidents": _incidents,
    "rules": _rules,
    "cost": _cost,
    "capacity": _capacity,
    "scaling": _scaling,
    "reports": _reports,
    "rollouts": _rollouts,
    "rotations": _rotations,
    "topology": _topology,
    "settings": _settings,
}
"""What each view has to show; a view without is a KeyError."""


def _row(page: Page, row: str) -> Locator:
    return page.locator(f'tr[data-id="{row}"]')


def _same_rows(page: Page, table: str, column: int, wanted: list[str]) -> None:
    """Waits until a column has these texts, in any order."""
    until(lambda: sorted(row[column] for row in cells(page, table)) == sorted(wanted))


def _colours(page: Page) -> dict[str, str]:
    found: dict[str, str] = page.locator(".tile").evaluate_all(
        "tiles => Object.fromEntries(tiles.map(tile => [tile.dataset.agent, tile.dataset.health]))"
    )
    return found


def _counts(page: Page) -> dict[str, int]:
    return {status: int(page.locator(f'.count[data-health="{status}"] b').inner_text()) for status in HEALTH}


def _plan(story: Story) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = story.api.get(f"api/rollouts/{story.rollout}")["plan"]
    return found


def _over(report: dict[str, Any]) -> dict[str, Any] | None:
    return report if report["state"] in ("done", "failed") else None


def _zoomed(story: Story) -> str:
    """The past hours, as an address of the page has them."""
    return f"start={story.start}&end={story.end}"


def _number(value: float | None) -> str:
    """As the page writes one that is neither less than 1 nor great."""
    return "–" if value is None else f"{value:,.1f}".removesuffix(".0")
