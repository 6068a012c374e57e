"""`clawpulse capacity plan`: offline in a process without an API, and against the real one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Cli, run_cli

EXAMPLE = ("capacity", "plan", "--arrival-rate", "4.2", "--service-time", "3.1")


@pytest.fixture
def offline(tmp_path: Path) -> Cli:
    """Runs the command with nothing that says where an API is."""
    return lambda *arguments: run_cli(*arguments, cwd=tmp_path, COLUMNS="200")


def test_the_known_example_as_json(offline: Cli) -> None:
    done = offline(*EXAMPLE, "--utilization", "0.65", "--json")
    found = json.loads(done.stdout)
    assert (found["agents"], found["with_headroom"], round(found["exact"], 2)) == (21, 28, 20.03)
    assert found["wait"]["probability"] == pytest.approx(0.029, abs=0.001)
    assert (done.returncode, done.stderr) == (0, "")


def test_for_people(offline: Cli) -> None:
    head, row, _, wait = offline(*EXAMPLE).stdout.splitlines()
    assert head.split()[:3] == ["agents", "with", "headroom"]
    assert row.split()[:4] == ["21", "28", "20.03", "65.0"]
    assert wait == "The wait is that of 21 agents, if tasks come one by one and take 3.1 s on average."


@pytest.mark.parametrize(
    ("flags", "agents"),
    [(("--batch",), 16), (("--bursty",), 24), (("--batch", "--bursty"), 18), (("--concurrency", "4"), 6), (("--utilization", "1"), 14)],
)
def test_what_if(offline: Cli, flags: tuple[str, ...], agents: int) -> None:
    assert json.loads(offline(*EXAMPLE, *flags, "--json").stdout)["agents"] == agents


@pytest.mark.parametrize(
    ("flags", "named"),
    [
        (("--utilization", "0"), "--utilization must be a number from 0.01 to 1, not 0.0"),
        (("--utilization", "nan"), "--utilization must be"),
        (("--headroom", "0.5"), "--headroom must be"),
        (("--concurrency", "0"), "--concurrency must be"),
        (("--batch", "--utilization", "0.5"), "exclude each other"),
    ],
)
def test_figures_that_cannot_be(offline: Cli, flags: tuple[str, ...], named: str) -> None:
    done = offline(*EXAMPLE, *flags)
    assert (done.returncode, done.stdout) == (2, "")
    assert named in done.stderr
