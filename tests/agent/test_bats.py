"""The libraries' own tests, one bats file each; and shellcheck over everything that is bash."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.agent.conftest import AGENT, ROOT

HERE = Path(__file__).parent
NEEDED = "is missing: scripts/need-bash-tools installs it"


@pytest.mark.parametrize("file", sorted(HERE.glob("*.bats")), ids=lambda file: file.stem)
def test_bats(file: Path) -> None:
    assert shutil.which("bats"), f"bats {NEEDED}"
    done = subprocess.run(["bats", "--print-output-on-failure", file], capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def _shellcheck(*arguments: str | Path) -> None:
    assert shutil.which("shellcheck"), f"shellcheck {NEEDED}"
    done = subprocess.run(["shellcheck", *arguments], cwd=AGENT, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stdout


def test_shellcheck() -> None:
    programs = [
        AGENT / "bin" / "clawpulse-agent",
        AGENT / "build",
        AGENT / "install.sh",
        AGENT / "clawpulse.sh",
        AGENT / "openclaw-hook" / "secrets",
        ROOT / "scripts" / "need-bash-tools",
    ]
    _shellcheck(*programs, *sorted((AGENT / "lib").glob("*.bash")))


def test_shellcheck_of_the_tests() -> None:
    """Each test of bats is a subshell that sets what libraries read: not seen from one file, and meant."""
    _shellcheck("--severity=warning", "--exclude=SC2030,SC2031,SC2034,SC2154", HERE / "load.bash", *sorted(HERE.glob("*.bats")))


def test_shellcheck_of_the_bundle(bundle: Path) -> None:
    """In one file nothing is set that nobody uses, and nothing used that nobody sets."""
    _shellcheck("--norc", "--exclude=SC2015,SC2016", bundle / "clawpulse-agent")


def test_nothing_is_newer_than_bash_4_1() -> None:
    """No such bash is here to run it: what came later is looked for by name. EPOCHREALTIME is only ever used if it is there."""
    names = r"(local|declare) -\w*[gnI]|wait -\w*[np]|\[\[ -[vR] |mapfile|readarray|\bEPOCHREALTIME\b(?!-)|SRANDOM"
    newer = re.compile(rf"{names}|\$\{{\w+@\w\}}|\[-\d+\]|:\d*: ?-\d")
    for source in (*(AGENT / "lib").glob("*.bash"), AGENT / "bin" / "clawpulse-agent", AGENT / "clawpulse.sh", AGENT / "install.sh"):
        for number, line in enumerate(source.read_text().splitlines(), 1):
            code = line.partition(" # ")[0]
            assert not newer.search(code), f"{source.name}:{number}: {line}"
