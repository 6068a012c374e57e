"""Bundles the web page: `python -m cdk.dashboard`.

Writes `functions/dashboard` from `dashboard/`, and skips what is up to date; so the page is where the API looks for it in the tree and in
what is deployed. npm installs what the lock file pins, from its cache where it can.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from cdk import stamp
from cdk.assets import ROOT
from cdk.node import NodeMissing, candidates, find_node

SOURCE = ROOT / "dashboard"
TARGET = ROOT / "functions" / "dashboard"
WORKSHOP = ROOT / "build"
_INPUTS = ("src", "build.mjs", "package.json", "package-lock.json", ".npmrc", "THIRD-PARTY.txt")


class DashboardError(Exception):
    """The page cannot be bundled; the text says why and what to do."""


def build_dashboard(target: Path = TARGET) -> bool:
    """Bundle the page; False when it was up to date. Raises `DashboardError`."""
    inputs = stamp.digest([*(SOURCE / name for name in _INPUTS), Path(__file__)], root=ROOT)
    with stamp.Target(target, WORKSHOP).replacing(inputs) as folder:
        if folder is None:
            return False
        node = _node()
        install(node)
        _run([str(node), "build.mjs", str(folder)], "the page is not bundled")
    return True


def install(node: Path) -> None:
    """Install what the lock file pins, unless it is there. Raises `DashboardError`."""
    modules = SOURCE / "node_modules"
    if _installed(modules / ".package-lock.json"):
        return
    # npm starts `node` by its name.
    path = f"{node.parent}{os.pathsep}{os.environ.get('PATH', '')}"
    _run([*npm(node), "ci", "--prefer-offline"], "npm could not install what the page is built with", {"PATH": path})


def npm(node: Path) -> Sequence[str]:
    """How npm is started: beside this node, or the machine's own. Raises `DashboardError`."""
    beside = (node.resolve().parent.parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js").resolve()
    if beside.is_file():
        return [str(node), str(beside)]
    if found := shutil.which("npm"):
        return [found]
    raise DashboardError(
        "the page needs npm, which is neither beside Node.js nor on the PATH: install it, or remove the Node.js that has none"
    )


def _installed(marker: Path) -> bool:
    """Whether npm has put in place all that the lock file wants, other platforms' parts aside."""
    try:
        there, wanted = (json.loads(path.read_text())["packages"] for path in (marker, SOURCE / "package-lock.json"))
    except (OSError, ValueError, KeyError):
        return False
    return all(
        name in there and there[name]["version"] == entry["version"] for name, entry in wanted.items() if name and not entry.get("optional")
    )


def _node() -> Path:
    try:
        return find_node(candidates())
    except NodeMissing as error:
        raise DashboardError(str(error)) from None


def _run(command: Sequence[str], fault: str, env: Mapping[str, str] | None = None) -> None:
    done = subprocess.run(command, cwd=SOURCE, env={**os.environ, **(env or {})}, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        raise DashboardError(f"{fault}:\n{done.stdout}{done.stderr}".rstrip())


def main() -> int:
    """Bundle, and say so."""
    try:
        built = build_dashboard()
    except DashboardError as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201
        return 1
    if built:
        print(f"{TARGET.relative_to(ROOT)}: built")  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
