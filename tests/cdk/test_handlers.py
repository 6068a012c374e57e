"""The handlers that the templates name, imported as Lambda would: with the built code, the layer, and what the runtime brings."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

from cdk.assets import LAYER_LOCAL
from cdk.build import build_code, build_layer
from tests.cdk.template import Stage

BROUGHT_BY_LAMBDA = ("boto3", "botocore", "s3transfer", "jmespath", "dateutil", "six", "urllib3")
IMPORT = """
import importlib, sys
sys.path[:0] = sys.argv[1:4]
for handler in sys.argv[4:]:
    module, name = handler.rsplit(".", 1)
    assert callable(getattr(importlib.import_module(module), name)), handler
    print(handler)
"""


@pytest.fixture(scope="module")
def runtime(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runtime")
    for name in BROUGHT_BY_LAMBDA:
        found = importlib.util.find_spec(name)
        assert found, name
        assert found.origin, name
        origin = Path(found.origin)
        place = origin.parent if origin.name == "__init__.py" else origin
        (folder / place.name).symlink_to(place)
    return folder


def test_every_handler_is_there_and_needs_no_environment_to_be_imported(live: Stage, runtime: Path, tmp_path: Path) -> None:
    handlers = sorted(function["Handler"] for function in live.app.of("AWS::Lambda::Function").values())
    build_code(tmp_path / "code")
    build_layer(LAYER_LOCAL, platform=None)
    folders = [tmp_path / "code", LAYER_LOCAL / "python", runtime]
    # Without site-packages, the user's folder and any variable.
    command = [sys.executable, "-I", "-S", "-c", IMPORT, *map(str, folders), *handlers]
    done = subprocess.run(command, capture_output=True, text=True, env={}, check=False)
    assert done.stdout.split() == handlers, done.stderr
