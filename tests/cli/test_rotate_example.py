"""`examples/rotate-fleet-secret.sh` with the real command line, against an API that answers as it is told."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cli.server import Answers, Asked, running
from tests.cli.terminal import on_a_terminal
from tests.cli.test_rotate import KEY, rotation

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "examples/rotate-fleet-secret.sh"
ID = rotation()["id"]


@pytest.fixture
def answers() -> Iterator[Answers]:
    with running() as found:
        found.table["POST /api/rotations"] = (201, rotation("queued"))
        found.table[f"GET /api/rotations/{ID}"] = rotation("succeeded")
        yield found


@pytest.fixture
def env(answers: Answers, tmp_path: Path) -> dict[str, str]:
    """With `clawpulse` on the path."""
    command = tmp_path / "clawpulse"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -c "from clawpulse.cli.main import main; main()" "$@"\n')
    command.chmod(0o755)
    kept = {key: value for key, value in os.environ.items() if not key.startswith("CLAWPULSE_")}
    return {**kept, "PATH": f"{tmp_path}:{kept['PATH']}", "CLAWPULSE_URL": answers.url, "CLAWPULSE_TOKEN": "cp_x"}


def run(env: dict[str, str], *arguments: str, given: str = KEY, **more: Any) -> subprocess.CompletedProcess[str]:
    command = ["bash", str(SCRIPT), *arguments]
    return subprocess.run(
        command, env=env, input=given, capture_output=True, text=True, timeout=60, check=False, start_new_session=True, **more
    )


def keys_sent(answers: Answers) -> list[str]:
    return [asked.body["key"] for asked in answers.asked if asked.method == "POST" and asked.path == "/api/rotations"]


def test_it_is_clean() -> None:
    found = shutil.which("shellcheck")
    if found is None:
        pytest.skip("shellcheck is not installed")
    subprocess.run([found, str(SCRIPT)], check=True, timeout=60)


@pytest.mark.parametrize(("phase", "code"), [("succeeded", 0), ("aborted", 1), ("refused", 1), ("held", 4)])
def test_its_exit_code_is_the_outcome(answers: Answers, env: dict[str, str], phase: str, code: int) -> None:
    answers.table[f"GET /api/rotations/{ID}"] = rotation(phase)
    done = run(env, "anthropic", "--wave-size", "5", "--tags", "tier=fast")
    assert done.returncode == code, done.stderr
    assert keys_sent(answers) == [KEY]
    assert (answers.asked[0].body["policy"], answers.asked[0].body["tags"]) == ({"wave_size": 5}, "tier=fast")
    assert f"{ID} is started" in done.stderr
    assert KEY not in done.stdout + done.stderr


def test_a_refusal_ends_it(answers: Answers, env: dict[str, str]) -> None:
    answers.table["POST /api/rotations"] = (422, {"title": "x", "status": 422, "detail": "has spaces", "field": "key"})
    done = run(env, "anthropic")
    assert (done.returncode, "nothing was started" in done.stderr) == (1, True)
    assert run({**env, "CLAWPULSE_URL": "http://127.0.0.1:1"}, "anthropic").returncode == 3


def test_the_key_may_come_from_another_descriptor(answers: Answers, env: dict[str, str]) -> None:
    reads, writes = os.pipe()
    os.write(writes, KEY.encode() + b"\n")
    os.close(writes)
    try:
        assert run(env, "--key-fd", str(reads), "anthropic", given="", pass_fds=[reads]).returncode == 0
    finally:
        os.close(reads)
    assert keys_sent(answers) == [KEY]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "say whose key"),
        (["--wave-size"], "say whose key"),
        (["--key-fd"], "--key-fd wants"),
        (["--key-fd", "77", "anthropic"], "open"),
    ],
)
def test_wrong_usage(answers: Answers, env: dict[str, str], arguments: list[str], words: str) -> None:
    done = run(env, *arguments)
    assert (done.returncode, words in done.stderr, answers.asked) == (2, True, [])


def test_without_a_terminal_a_signal_leaves_the_rotation_alone(answers: Answers, env: dict[str, str]) -> None:
    answers.table[f"GET /api/rotations/{ID}"] = rotation("rolling")
    for sent, code in ((signal.SIGTERM, 143), (signal.SIGINT, 130)):
        pipes: Any = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
        with subprocess.Popen(["bash", str(SCRIPT), "anthropic"], env=env, text=True, start_new_session=True, **pipes) as process:
            try:
                process.stdin.write(KEY)
                process.stdin.close()
                assert "wave 2 of 10" in process.stdout.readline()
                process.send_signal(sent)
                assert process.wait(30) == code
                assert f"{ID} goes on" in process.stderr.read()
            finally:
                process.kill()
    assert [asked.path for asked in answers.asked if asked.path.endswith("/abort")] == []


@pytest.mark.parametrize(("answer", "code", "aborted"), [("n\n", 130, False), ("y\n", 1, True)])
def test_ctrl_c_asks_whether_to_abort(answers: Answers, env: dict[str, str], tmp_path: Path, answer: str, code: int, aborted: bool) -> None:
    state = {"phase": "rolling"}

    def abort(_: Asked) -> Any:
        state["phase"] = "aborted"
        return rotation("aborting")

    answers.table[f"POST /api/rotations/{ID}/abort"] = abort
    answers.table[f"GET /api/rotations/{ID}"] = lambda _: rotation(state["phase"])
    (tmp_path / "key").write_text(KEY)
    script = f"exec bash {SCRIPT} anthropic < key"
    screen, ended = on_a_terminal(["bash", "-c", script], env, tmp_path, [("wave 2 of 10", "\x03"), ("[y/N] ", answer)])
    assert ended == code, screen
    assert [asked.path for asked in answers.asked if asked.path.endswith("/abort")] == ([f"/api/rotations/{ID}/abort"] if aborted else [])
    assert ("goes on" in screen) is not aborted
    assert KEY not in screen
