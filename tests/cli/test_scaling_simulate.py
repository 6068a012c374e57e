"""Simulations of scaling: the command against the real API."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.api.test_scaling_simulation import POLICY, minutes
from tests.api.world import World, agent

MADE_UP = ("--shape", "step", "--rate", "4.2", "--peak", "12", "--length", "3h", "--service-time", "3.1")
TINY = "groups:\n  fast: {tags: tier=fast, min: 3, max: 4}\n"


@pytest.fixture(autouse=True)
def fleet(world: World) -> None:
    world.fleet.put_settings("team", "scaling-policy", POLICY)
    world.seal(agent("a1", "tier=fast"))


def test_a_made_up_load_as_curves_and_figures(real) -> None:
    done = real("scaling", "simulate", "fast", *MADE_UP, "--initial", "60", "--boot", "2m", "--usd-per-agent-hour", "0.5")
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[0].startswith("fast: 2026-11-23 20:00:00 to 2026-11-23 23:00:00 UTC, ")
    curves = {line[:15]: line for line in lines[2:6]}
    assert [name.strip() for name in curves] == ["tasks a minute", "agents desired", "tasks that wait", "p95 latency, s"]
    assert "█" in curves["agents desired "]
    text = done.stdout
    assert "1 turn (from growing to shrinking or back)" in text
    assert "longest wait " in text
    assert "agents that never change would do as well" in text
    assert "in all, as far as prices were given" in text
    assert "tasks wait" in text


def test_the_past_is_replayed(real, world: World) -> None:
    minutes(world, 90, 300)
    assert "0 changes of the count, 0 turns" in real("scaling", "simulate", "fast", "--range", "89m").stdout


def test_a_policy_that_is_not_in_force_and_a_picture(real, tmp_path: Path) -> None:
    (tmp_path / "tiny.yaml").write_text(TINY)
    done = real("scaling", "simulate", "fast", *MADE_UP, "--policy", "tiny.yaml", "--picture", "fast.svg", "--json")
    answer = json.loads(done.stdout)
    assert (answer["least"], answer["most"]) == (4, 4)
    assert "picture" not in answer
    assert ElementTree.parse(tmp_path / "fast.svg").getroot().tag == "{http://www.w3.org/2000/svg}svg"


def test_faults_of_a_policy_have_their_places(real, tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text(TINY.replace("max: 4", "max: 2"))
    done = real("scaling", "simulate", "fast", *MADE_UP, "--policy", "bad.yaml")
    assert done.returncode == 1
    assert done.stdout == "bad.yaml:2:27: groups.fast.min: min 3 is more than max 2\n"


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (("--shape", "step", "--rate", "1"), "--shape needs --rate and --service-time"),
        (("--rate", "1"), "--rate can be given with --shape only"),
        ((*MADE_UP, "--range", "1d"), "give one of them"),
        (("--boot", "soon"), "is not a length of time"),
    ],
)
def test_wrong_usage_is_told(real, options: tuple[str, ...], reason: str) -> None:
    done = real("scaling", "simulate", "fast", *options)
    assert done.returncode == 2
    assert reason in done.stderr


def test_what_the_api_refuses_is_told(real) -> None:
    done = real("scaling", "simulate", "fast", "--range", "2h")
    assert done.returncode == 1
    assert "there is no load to replay" in done.stderr
    assert "no group slow in the stored policy" in real("scaling", "simulate", "slow", *MADE_UP).stderr
