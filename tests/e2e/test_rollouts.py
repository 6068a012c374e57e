"""What came of four rollouts at once (`rollout_story`): each ended, each agent on exactly one of two configurations."""

from __future__ import annotations

from typing import Any

import pytest

from tests.cloud import DeployedCloud
from tests.e2e.rollout_story import ASLEEP, BAD, GOOD, LATE, QUIET, SIZE, Story

pytestmark = [pytest.mark.cloud, pytest.mark.timeout(1_800)]


@pytest.fixture(scope="module")
def story(cloud: DeployedCloud) -> Story:
    told = Story(cloud)
    told.start()
    told.wait()
    return told


def last(story: Story, group: str) -> dict[str, Any]:
    return story.seen[group][-1]


def of_group(story: Story, group: str) -> list[Any]:
    return [agent for agent in story.fleet.agents.values() if agent.tags["tier"] == group]


def phases(story: Story, group: str) -> list[str]:
    return [view["phase"] for view in story.seen[group]]


def test_a_good_rollout_reaches_everybody(story: Story) -> None:
    assert last(story, "good")["phase"] == "succeeded", last(story, "good")["reason"]
    agents = of_group(story, "good")
    assert len(agents) == SIZE + 1
    assert {agent.document["model"]["primary"] for agent in agents} == {GOOD}, "the sleeper and the one that joined, too"
    assert {ASLEEP, LATE} <= {agent.id for agent in agents}
    assert [wave["verdict"]["outcome"] for wave in last(story, "good")["plan"][:2]] == ["pass"] * 2


def test_a_bad_one_is_stopped_before_a_quarter_and_put_back(story: Story) -> None:
    assert last(story, "bad")["phase"] == "reverted", last(story, "bad")["reason"]
    assert "reverting" in phases(story, "bad")
    assert max(view["wave"] for view in story.seen["bad"]) <= 1, "before 25 %"
    told = [member for wave in last(story, "bad")["plan"] for member in wave["members"] if member["state"] != "waiting"]
    assert 1 < len(told) <= 5
    for member in told:
        agent = story.agent(member["agent"])
        assert member["state"] == "reverted"
        assert agent.applied == member["before"]
        assert agent.document.get("model", {}).get("primary") != BAD
    untouched = [agent for agent in of_group(story, "bad") if agent.id not in {member["agent"] for member in told}]
    assert all(agent.applied == story.before[agent.id] for agent in untouched)
    verdict = last(story, "bad")["plan"][1]["verdict"]
    assert verdict["outcome"] == "fail"
    assert "task.errors" in str(verdict)


def test_low_traffic_is_no_false_abort(story: Story) -> None:
    assert "held" in phases(story, "quiet"), phases(story, "quiet")
    held = next(view for view in story.seen["quiet"] if view["phase"] == "held")
    assert held["hold"]["cause"] == "inconclusive"
    # Then a human ended it, and it went back.
    assert last(story, "quiet")["phase"] == "reverted"
    assert len(of_group(story, "quiet")) == QUIET
    assert all(agent.document.get("model", {}).get("primary") != GOOD for agent in of_group(story, "quiet"))


def test_a_configuration_that_agents_refuse_goes_no_further(story: Story) -> None:
    assert last(story, "refused")["phase"] == "reverted"
    assert "unknown model" in str(story.audits["refused"]) + str(last(story, "refused"))
    assert max(view["wave"] for view in story.seen["refused"]) == 0
    assert all(agent.applied == story.before[agent.id] or agent.document == {} for agent in of_group(story, "refused"))


def test_every_step_is_in_the_audit_log(story: Story) -> None:
    assert {"created", "wave", "verdict", "finished"} <= {entry["action"] for entry in story.audits["good"]}
    assert {"created", "reverting", "finished"} <= {entry["action"] for entry in story.audits["bad"]}
    assert "abort" in {entry["action"] for entry in story.audits["quiet"]}
