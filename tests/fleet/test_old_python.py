"""The package runs on the Pythons that the SDK runs on, with PyYAML in Python alone and with no other library."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest
import yaml

from clawpulse.fleet import digest, parse
from tests.fleet.repositories import FILES
from tests.sdk.test_processes import other_pythons

SOURCE = Path(__file__).parents[2] / "sdk" / "src"
PROGRAM = """
import json, sys
from clawpulse.fleet import InvalidRepository, digest, parse
from clawpulse.fleet.editing import rename
from clawpulse.fleet.scaffold import template
files = json.load(sys.stdin)
assert "yaml" not in sys.modules
repository = parse(files)
tags = {"tier": "smart", "shard": "acme"}
try:
    parse({"agents/_base.yaml": "modle: {}"})
except InvalidRepository as error:
    fault = str(error)
renamed = rename(files, "tier-smart", "x").path
found = [repository.document("agent-7", tags), repository.origin("agent-7", tags), digest(files), fault, renamed, len(template())]
print(json.dumps(found))
"""


@pytest.mark.parametrize("python", other_pythons(), ids=lambda path: path.parts[-3])
def test_an_older_python_gives_the_same(python: Path, tmp_path: Path) -> None:
    (tmp_path / "yaml").symlink_to(Path(yaml.__file__).parent)
    env = {"PATH": os.environ["PATH"], "PYTHONPATH": f"{SOURCE}{os.pathsep}{tmp_path}", "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [python, "-c", PROGRAM], input=json.dumps(FILES), env=env, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    repository, tags = parse(FILES), {"tier": "smart", "shard": "acme"}
    assert json.loads(done.stdout) == [
        repository.document("agent-7", tags),
        repository.origin("agent-7", tags),
        digest(FILES),
        "agents/_base.yaml:1:1: modle: is not known; did you mean model?",
        "agents/tier-x.yaml",
        10,
    ]
