"""Approval by link: what the pages say and do, with the requests that a browser sends."""

from __future__ import annotations

import re
import threading
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.domain.approval_link import LASTS_MS, RANDOM_BYTES, create, opens, parse, used
from functions.domain.rollout import Action, Outcome, Phase, Reversibility, Verdict
from tests.api.rolling import link, plain, waiting
from tests.api.world import NOW, ApiClient, World


@pytest.fixture
def visitor(world: World) -> ApiClient:
    return world.client().without_token()


def press(visitor: ApiClient, path: str, action: str = "approve") -> Any:
    """The form's button, as browsers send it."""
    return visitor.call("POST", f"{path}?action={action}", headers={"Content-Type": "application/x-www-form-urlencoded"})


def test_the_page_shows_what_is_approved_and_changes_nothing(world: World, visitor: ApiClient) -> None:
    verdict = Verdict(outcome=Outcome.PASS, reason="task.errors 0.01 of 80 tasks", tasks=80)
    made = waiting(world, verdicts=[verdict], title="<b>model</b>")
    before = world.rollouts.read("team", made.id)
    page = visitor.call("GET", link(world, made))
    assert (page.status_code, page.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    for text in (
        "Approve wave 2 of 2?",
        "&lt;b&gt;model&lt;/b&gt;",
        made.id,
        "2 of 3 agents (prod): a10, a11",
        "task.errors 0.01 of 80 tasks",
        "swift/two",
    ):
        assert text in page.text
    assert "Irreversible" not in page.text
    assert re.findall(r'formaction="([^"]+)"', page.text) == ["?action=approve", "?action=abort"]
    visitor.call("GET", link(world, made))
    assert world.rollouts.read("team", made.id) == before
    assert world.executions.started == []


def test_nothing_foreign_may_run_in_the_page(world: World, visitor: ApiClient) -> None:
    page = visitor.call("GET", link(world, waiting(world)))
    assert "script" not in page.text
    policy = page.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy
    assert "form-action 'self'" in policy
    assert (page.headers["Cache-Control"], page.headers["Referrer-Policy"]) == ("no-store", "no-referrer")


def test_an_approval_lets_the_wave_go_once(world: World, visitor: ApiClient) -> None:
    made = waiting(world)
    path = link(world, made)
    done = press(visitor, path)
    assert (done.status_code, done.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert "Approved" in done.text
    found = world.rollouts.head("team", made.id)
    id = path.split(".")[1]
    assert [(one.by, one.wave) for one in found.approvals] == [(f"link:{id}", 1)]
    (entry,) = world.rollouts.audit("team", 0, NOW + 1, made.id)
    assert (entry.by, entry.action) == (f"link:{id}", "approve")
    assert "chat" in entry.text
    for again in (press(visitor, path), press(visitor, path, "abort"), visitor.call("GET", path)):
        assert (again.status_code, "was used" in again.text) == (410, True)
    assert world.rollouts.head("team", made.id) == found


def test_an_abort_turns_it_around(world: World, visitor: ApiClient) -> None:
    made = waiting(world)
    assert "Aborted" in press(visitor, link(world, made), "abort").text
    assert world.rollouts.head("team", made.id).phase in (Phase.REVERTING, Phase.REVERTED)


def test_a_link_expires(world: World, visitor: ApiClient) -> None:
    made = waiting(world)
    path = link(world, made)
    world.now = NOW + LASTS_MS - 1
    assert visitor.call("GET", path).status_code == 200
    world.now += 1
    for answer in (visitor.call("GET", path), press(visitor, path)):
        assert (answer.status_code, "expired" in answer.text) == (410, True)
    assert world.rollouts.head("team", made.id).approvals == []


@pytest.mark.parametrize(
    "changes", [{"wave": 0}, {"phase": Phase.BAKING, "hold": None}, {"phase": Phase.REVERTED, "hold": None}, {"phase": Phase.PAUSED}]
)
def test_a_link_opens_only_the_wave_that_it_was_made_for(world: World, visitor: ApiClient, changes: dict[str, Any]) -> None:
    made = waiting(world)
    path = link(world, made)
    assert world.rollouts.save("team", msgspec.structs.replace(made, version=2, **changes), [], [])
    for answer in (visitor.call("GET", path), press(visitor, path)):
        assert (answer.status_code, "does not wait" in answer.text) == (409, True)
    assert world.rollouts.head("team", made.id).approvals == []


def test_links_that_are_none(world: World, visitor: ApiClient) -> None:
    good = link(world, waiting(world))
    workspace, id, secret = good.removeprefix("/approve/").split(".")
    wrong = [
        f"{workspace}.{id}.{'0' * 48}",
        f"other.{id}.{secret}",
        f"{workspace}.{'0' * 12}.{secret}",
        "x",
        "a.b.c",
        f"{workspace}.{id}.{secret}0",
        "%00",
    ]
    for text in wrong:
        for answer in (visitor.call("GET", f"/approve/{text}"), press(visitor, f"/approve/{text}")):
            assert (answer.status_code, answer.headers["Content-Type"]) == (404, "text/html; charset=utf-8")
            assert "No such link" in answer.text
    assert visitor.call("POST", good).status_code == 400
    assert press(visitor, good, "promote").status_code == 400


def test_the_store_has_no_secret(world: World) -> None:
    path = link(world, waiting(world))
    assert path.rsplit(".", 1)[1] not in repr(world.links.links)


def test_a_use_that_a_crash_cut_off_is_carried_out_by_the_next_try(world: World, visitor: ApiClient) -> None:
    made = waiting(world)
    path = link(world, made)
    (stored,) = world.links.links.values()
    world.links.put("team", used(stored, Action.APPROVE, NOW))
    assert press(visitor, path, "abort").status_code == 410
    assert press(visitor, path).status_code == 200
    assert len(world.rollouts.head("team", made.id).approvals) == 1


def test_of_two_at_once_one_is_carried_out(world: World, visitor: ApiClient) -> None:
    made = waiting(world)
    path = link(world, made)
    codes: list[int] = []
    threads = [threading.Thread(target=lambda: codes.append(press(visitor, path).status_code)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert codes.count(200) >= 1
    assert set(codes) <= {200, 409, 410}
    assert len(world.rollouts.head("team", made.id).approvals) == 1


def test_an_irreversible_one_says_so(world: World, visitor: ApiClient) -> None:
    made = waiting(world, reversibility=Reversibility.IRREVERSIBLE, backup_by="ada")
    page = visitor.call("GET", link(world, made)).text
    assert "Irreversible" in page
    assert "acknowledged by ada" in page


@given(random=st.binary(min_size=RANDOM_BYTES, max_size=RANDOM_BYTES), workspace=st.from_regex(r"[a-z0-9][a-z0-9-]{0,62}", fullmatch=True))
def test_a_link_is_read_as_it_was_written(random: bytes, workspace: str) -> None:
    stored, text = create(workspace, plain(), "chat", now=NOW, random=random)
    found = parse(text)
    assert found is not None
    assert (found.workspace, found.id, opens(stored, found.secret)) == (workspace, stored.id, True)
    assert found.secret not in repr(stored)
    flipped = "0" if text[-1] != "0" else "1"
    assert not opens(stored, found.secret[:-1] + flipped)
