"""The function starts fast: what a clean interpreter loads for it, before anyone sends JSON."""

from __future__ import annotations

import json
import subprocess
import sys

ALLOWED = frozenset({"clawpulse", "functions", "google", "msgspec", "opentelemetry", "typing_extensions"})
_PROGRAM = """
import json, sys
import functions.otlp.handler
paths = {name.partition(".")[0]: getattr(module, "__file__", None) or "" for name, module in sys.modules.items() if "." not in name}
roots = ("functions", "clawpulse", "google", "opentelemetry")
print(json.dumps([[name for name, path in paths.items() if "site-packages" in path or name in roots], list(sys.modules)]))
"""


def test_protobuf_is_all_that_is_large() -> None:
    done = subprocess.run([sys.executable, "-c", _PROGRAM], capture_output=True, text=True, check=True, timeout=60)
    packages, modules = json.loads(done.stdout)
    loaded = {name for name in packages if not name.startswith(("_", "sitecustomize"))}
    assert {"functions", "google", "opentelemetry"} <= loaded <= ALLOWED
    assert not {"google.protobuf.json_format", "opentelemetry.sdk", "opentelemetry.metrics"} & set(modules)
