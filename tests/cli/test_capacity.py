"""`clawpulse capacity` and `clawpulse tracker`: offline in a process without an API, and against the real one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from functions.domain.times import MINUTE_MS
from tests.api.load import DAY, Task, sealed, store
from tests.api.world import World
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


def test_one_figure_alone_asks_the_server(offline: Cli) -> None:
    done = offline("capacity", "plan", "--arrival-rate", "4.2")
    assert done.returncode == 2
    assert "no address" in done.stderr


@pytest.fixture
def busy(world: World) -> None:
    """A day of two tiers: a task of 20 s each minute, and six of 2 s."""
    sealed(world, {"s1": "tier=smart", "f1": "tier=fast"})
    spread = [(minute, number, tier) for minute in range(DAY.start * 60, DAY.stop * 60) for number, tier in enumerate("sffffff")]
    names = {"s": ("s1", 20.0, {"tier": "smart"}), "f": ("f1", 2.0, {"tier": "fast"})}
    store(world, [Task(names[tier][0], minute * MINUTE_MS + number * 8000, *names[tier][1:]) for minute, number, tier in spread])


def test_the_plan_of_each_tier(real, busy) -> None:
    lines = real("capacity", "plan", "--agent-cost", "10").stdout.splitlines()
    rows = {line.split()[0]: line.split()[1:] for line in lines[1:4]}
    assert rows["fast"][:8] == ["1", "2", "2", "-", "2", "1", "+1", "$10.00"]
    assert rows["smart"][:8] == ["1", "2", "2", "-", "2", "1", "+1", "$10.00"]
    assert rows["together"] == ["2", "4", "$20.00"]
    assert any(line.startswith("smart: service time 20 s: the mean of 1,440 tasks, whose tail is not heavy") for line in lines)
    assert lines[-1] == "! no limits of providers are set: PUT /api/provider-limits"


def test_what_if_of_a_tier_is_asked_of_the_server(real, busy) -> None:
    done = real("capacity", "plan", "--tags", "tier=smart", "--arrival-rate", "4.2", "--service-time", "3.1", "--json")
    found = json.loads(done.stdout)
    assert (found["agents"], found["with_headroom"], found["tiers"][0]["current"]) == (21, 28, 1)
    more = json.loads(real("capacity", "plan", "--arrival-factor", "60", "--json").stdout)
    assert {tier["tags"]["tier"]: tier["agents"] for tier in more["tiers"]} == {"smart": 31, "fast": 19}


def test_flags_of_figures_are_refused_for_tiers(real, busy) -> None:
    done = real("capacity", "plan", "--batch")
    assert done.returncode == 2
    assert "--batch goes with --arrival-rate and --service-time" in done.stderr


def test_the_documents_are_shown_and_replaced(real, busy, tmp_path: Path) -> None:
    assert real("capacity", "limits").stdout == "# no limits are set: plans have no ceiling\n{}\n"
    (tmp_path / "limits.yaml").write_text("limits:\n  - {name: prod, provider: anthropic, requests_per_minute: 10}\n")
    assert real("capacity", "limits", "limits.yaml").stdout == "limits replaced\n"
    (tmp_path / "tiers.yaml").write_text("tiers:\n  smart: {kind: bulk}\n")
    done = real("capacity", "settings", "tiers.yaml")
    assert (done.returncode, done.stdout.startswith("tiers.yaml:2:")) == (1, True)
    assert "tiers.smart.kind: must be one of latency, batch" in done.stdout


def test_the_tracker(real, busy) -> None:
    lines = real("tracker", "--bands").stdout.splitlines()
    assert lines[1].split()[:6] == ["fast", "1", "8,640", "0", "6", "2"]
    assert lines[2].split()[:6] == ["smart", "1", "1,440", "0", "1", "20"]
    assert lines[1].endswith("█" * 24)
    assert "2026-11-22 20:00:00 to 2026-11-23 20:00:00 UTC" in lines
    assert real("tracker", "--tags", "tier=none").stdout == "No tasks in these hours.\n"
    assert len(json.loads(real("tracker", "--by", "agent", "--json").stdout)["groups"]) == 2
