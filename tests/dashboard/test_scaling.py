"""The view of scaling in a real browser."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.cli import shapes
from tests.dashboard.answer_parts import asked_for, cells, shown, visit
from tests.dashboard.scaling_answers import Groups, group, routes
from tests.dashboard.site import Site

pytestmark = pytest.mark.browser
HOSTILE = "<img src=x onerror=alert(1)>"


@pytest.fixture
def scaling(site: Site, open_page: Any) -> Any:
    """Opens a part of the view."""
    site.routes = routes()
    return lambda place="scaling", **options: visit(open_page(**options), place)


def test_groups_with_what_was_decided_and_a_stale_one_without_numbers(scaling: Any) -> None:
    page: Page = scaling()
    rows = {row[0]: row[1:] for row in cells(page, "Groups")}
    assert rows["fast"][:5] == ["◆ ↑ grow", "18", "12", "21", "2 to 40"]
    assert rows["fast"][5].split("\n") == ["■ queue high", "■ saturation high"]
    assert rows["smart"][:5] == ["▲ nothing known now", "–", "–", "–", "–"]
    assert rows["batch"][7] == "■ rate limited"
    page.get_by_role("link", name="fast").press("Enter")
    expect(page.get_by_role("table", name="Decisions")).to_be_visible()


def test_a_group_has_its_signals_and_decisions_over_time(site: Site, scaling: Any) -> None:
    page: Page = scaling("scaling/fast")
    assert cells(page, "Signals")[0][:6] == ["queue", "■ high", "↑ more", "3.2 an agent", "38.4 waiting", "–"]
    assert len(cells(page, "Decisions")) == 22
    expect(page.get_by_role("group", name="Agents: desired")).to_be_visible()
    expect(page.get_by_role("group", name="Saturation: level")).to_be_visible()
    asked_for(page, site, "/api/scaling/fast/history", range="6h", every="true")
    page.get_by_role("button", name="7d").click()
    asked_for(page, site, "/api/scaling/fast/history", range="7d", every="false")
    expect(page.get_by_role("group", name="Saturation: level")).to_have_count(0)


def test_a_made_up_load_is_simulated(site: Site, scaling: Any) -> None:
    page: Page = scaling("scaling/fast?part=simulate")
    page.get_by_label("Load").select_option("spike")
    page.get_by_label("Tasks a second").fill("2.5")
    page.locator("form").get_by_role("button", name="Simulate").click()
    expect(page.get_by_label("What became of it")).to_contain_text("48.2 agent hours")
    assert cells(page, "Simulated changes")[0][1:3] == ["4 → 6", "◆ ↑ grow"]
    load = {"shape": "spike", "rate": 2.5, "peak": 6, "minutes": 360, "period": 120, "serviceTime": 3}
    assert site.sent[-1].body == {"group": "fast", "load": load, "concurrency": 1, "bootSeconds": 60}


def test_another_policy_is_told_its_faults(site: Site, scaling: Any) -> None:
    page: Page = scaling("scaling/fast?part=simulate")
    page.get_by_text("Another policy than the stored one").click()
    page.get_by_role("button", name="Begin with the stored one").click()
    text = page.get_by_label("Policy as JSON")
    expect(text).to_have_value(
        '{\n  "groups": {\n    "fast": {\n      "max": 40,\n      "min": 2,\n      "tags": "tier=fast"\n    }\n  }\n}'
    )
    text.fill("{no")
    page.locator("form").get_by_role("button", name="Simulate").click()
    expect(page.get_by_role("alert")).to_contain_text("not JSON")
    assert not site.sent
    fault = {"path": "policy.groups.fast.min", "message": "is more than max"}
    site.routes["POST /api/scaling-simulation"] = shapes.problem(400, "the policy has a fault", faults=[fault])
    text.fill('{"groups": {"fast": {"min": 50, "max": 2}}}')
    page.locator("form").get_by_role("button", name="Simulate").click()
    expect(page.get_by_role("alert")).to_have_text("policy.groups.fast.min is more than max")
    assert site.sent[-1].body["policy"] == {"groups": {"fast": {"min": 50, "max": 2}}}
    assert site.sent[-1].body["range"] == "1d"


def test_no_group_and_an_unknown_one_say_what_to_do(site: Site, scaling: Any) -> None:
    page: Page = scaling("scaling/gone")
    expect(page.locator(".notice")).to_contain_text("no group gone")
    site.routes["/api/scaling"] = shown(Groups(groups=[]))
    page.reload()
    expect(page.get_by_role("heading", name="No group scales yet")).to_be_visible()
    expect(page.locator(".state pre")).to_contain_text("clawpulse scaling policy policy.yaml")


def test_hostile_texts_are_shown_and_not_run(site: Site, scaling: Any) -> None:
    hostile = group(
        "x", tags=HOSTILE, reason=HOSTILE, limits=[HOSTILE], target={"asg": HOSTILE, "capacity": 1, "done": None, "error": HOSTILE}
    )
    site.routes |= {"/api/scaling": shown(Groups(groups=[hostile])), "/api/scaling/x/history": {"decisions": []}}
    page: Page = scaling("scaling/x")
    expect(page.locator("main .why")).to_have_text(HOSTILE)
    assert page.locator("main img").count() == 0
