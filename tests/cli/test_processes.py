"""How the command ends: interrupted, unread, without its libraries."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from clawpulse.cli._api import Api, Unreachable
from tests.cli import shapes
from tests.cli.server import Answers

MAIN = "from clawpulse.cli.main import main; main()"


def environment(api: Answers) -> dict[str, str]:
    return os.environ | {"CLAWPULSE_URL": api.url, "CLAWPULSE_TOKEN": "cp_secret_word", "COLUMNS": "160"}


def test_watch_goes_on_until_interrupted_and_ends_quietly(api: Answers) -> None:
    api.table["GET /api/dashboard/summary"] = shapes.summary()
    process = subprocess.Popen(
        [sys.executable, "-c", MAIN, "summary", "--watch", "--every", "1", "--json"],
        env=environment(api),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert [json.loads(process.stdout.readline())["agents"] for _ in range(2)] == [3, 3]
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=20)
    assert (process.returncode, errors.strip()) == (130, "")


@pytest.mark.parametrize("arguments", [["agents"], ["agents", "--json"], ["--help"]], ids=" ".join)
def test_a_reader_that_goes_away_is_no_error(api: Answers, arguments: list[str]) -> None:
    api.table["GET /api/dashboard/instances"] = shapes.instances([shapes.instance("a")])
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = subprocess.run(
            [sys.executable, "-c", MAIN, *arguments], env=environment(api), stdout=writer, stderr=subprocess.PIPE, timeout=30, check=False
        )
    finally:
        os.close(writer)
    assert (done.returncode, done.stderr) == (141, b"")


def test_without_click_it_says_what_to_install(tmp_path: Path) -> None:
    source = Path(__file__).parents[2] / "sdk" / "src"
    done = subprocess.run(
        [sys.executable, "-S", "-c", MAIN], env={"PYTHONPATH": str(source)}, capture_output=True, text=True, timeout=30, check=False
    )
    assert done.returncode == 1
    assert done.stderr == "clawpulse: the command line needs click, rich, yaml. Install it with: pip install 'clawpulse[cli]'\n"


def test_a_slow_answer_ends_with_the_clients_patience(api: Answers) -> None:
    def slow(_: object) -> dict:
        time.sleep(1)
        return {}

    api.table["GET /slow"] = slow
    with pytest.raises(Unreachable, match="no answer in time"):
        Api(api.url, None, timeout_s=0.2).get("slow")
