"""A new user follows the README: its `clawpulse` commands run against a deployed cloud and answer."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.blocks import ROOT, commands

CLI = Path(sys.executable).with_name("clawpulse")


@pytest.mark.cloud
def test_the_commands_of_the_readme_answer(cloud, tmp_path: Path) -> None:
    # As in the repository, but what the commands write is not left there.
    for entry in ROOT.iterdir():
        (tmp_path / entry.name).symlink_to(entry)
    environment = {**os.environ, "CLAWPULSE_URL": cloud.api_url, "CLAWPULSE_TOKEN": cloud.token}
    ran = 0
    for line in commands(ROOT / "README.md"):
        words = shlex.split(line)
        # Starting and stopping is shown by tests/localstack, here it would end the cloud that all tests share.
        if words[0] != "clawpulse" or words[1] == "local":
            continue
        done = subprocess.run([CLI, *words[1:]], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, f"{line}: {done.stderr}"
        assert done.stdout.strip(), line
        ran += 1
    assert ran >= 2
