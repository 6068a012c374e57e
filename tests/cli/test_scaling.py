"""Scaling: the commands against the real API."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.api.test_scaling import decision, put
from tests.api.world import NOW, World

POLICY = """
groups:
  fast: {tags: tier=fast, min: 2, max: 20}
  new: {tags: tier=new}
"""


@pytest.fixture
def decided(real, world: World, tmp_path: Path) -> None:
    (tmp_path / "scaling.yaml").write_text(POLICY)
    assert real("scaling", "policy", "scaling.yaml").stdout == "policy replaced\n"
    put(world, decision(limits=["step: 12 are wanted, one decision goes 50% at most"]))


def test_all_groups_are_shown_with_why(real, decided) -> None:
    lines = real("scaling", "show").stdout.splitlines()
    assert lines[0].split()[:6] == ["group", "current", "desired", "wanted", "min", "max"]
    assert " ".join(lines[1].split()) == "fast 5 7 12 2 20 31 – 85.0 % – – ▲ grow"
    assert " ".join(lines[2].split()) == "new – – – – – – – – – – ? stale"
    assert "fast: from 5 to 7: 31 tasks wait" in lines
    assert "fast: step: 12 are wanted, one decision goes 50% at most" in lines
    assert "new: nothing has been decided of it yet" in lines


def test_one_group_with_its_signals(real, decided) -> None:
    lines = real("scaling", "show", "fast").stdout.splitlines()
    assert lines[0] == "fast (tier=fast): 7 desired, 5 alive, from 2 to 20"
    assert [line.split()[:2] for line in lines if line.startswith(("queue", "latency"))] == [["queue", "middle"], ["latency", "silent"]]
    assert json.loads(real("scaling", "show", "fast", "--json").stdout)["desired"] == 7


def test_what_is_stale_fails_and_says_why(real, decided, world: World) -> None:
    world.now += 10 * 60_000
    done = real("scaling", "show", "fast")
    assert done.returncode == 1
    assert "says nothing of now" in done.stderr


def test_the_past(real, decided, world: World) -> None:
    put(world, decision(time=NOW - 5_000, before=7), version=2)
    lines = real("scaling", "history", "fast").stdout.splitlines()
    assert len(lines) == 2
    assert " ".join(lines[1].split()[2:]) == "5 7 5 12 from 5 to 7: 31 tasks wait"
    assert len(real("scaling", "history", "fast", "--every").stdout.splitlines()) == 3


def test_faults_of_a_policy_are_told_with_their_place(real, tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text("groups:\n  fast: {tags: tier=fast, min: 9, max: 3}\n")
    done = real("scaling", "policy", "bad.yaml")
    assert done.returncode == 1
    assert done.stdout.startswith("bad.yaml:2:27: groups.fast.min: min 9 is more than max 3")


def test_without_a_policy(real) -> None:
    assert real("scaling", "show").stdout == "No group scales: clawpulse scaling policy FILE sets a policy.\n"
