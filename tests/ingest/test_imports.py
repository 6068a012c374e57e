"""The hot path starts fast: what a clean interpreter loads for it."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

ALLOWED = frozenset({"clawpulse", "functions", "msgspec", "typing_extensions"})
"""msgspec takes typing_extensions where it finds them, and the layer has them for others."""
_PROGRAM = """
import json, sys
import {module}
paths = {{name.partition(".")[0]: getattr(module, "__file__", None) or "" for name, module in sys.modules.items() if "." not in name}}
print(json.dumps([name for name, path in paths.items() if "site-packages" in path or name in ("functions", "clawpulse")]))
"""


@pytest.mark.parametrize("module", ["functions.ingest.handler", "functions.authorizer.handler", "functions.authorizer.bootstrap"])
def test_only_little_is_imported(module: str) -> None:
    done = subprocess.run([sys.executable, "-c", _PROGRAM.format(module=module)], capture_output=True, text=True, check=True, timeout=60)
    loaded = {name for name in json.loads(done.stdout) if not name.startswith(("_", "sitecustomize"))}
    assert loaded <= ALLOWED
    assert "functions" in loaded
