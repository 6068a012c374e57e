"""Builds what the functions run: `python -m cdk.build [--platform aws|local|both]`.

Writes `build/code` and the shared layer `build/layer-<platform>`, skips what is up to date, and works offline
once uv has the wheels in its cache. The same inputs give the same bytes: a deployment changes only what changed.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from uv import find_uv_bin

from cdk import stamp
from cdk.assets import CODE, LAYER_AWS, LAYER_LOCAL, ROOT
from cdk.dashboard import DashboardError, build_dashboard

PYTHON = "3.13"
LAMBDA_PLATFORM = "aarch64-manylinux_2_28"
"""Amazon Linux 2023, which Lambda's Python 3.13 runs on, has glibc 2.34; numpy's wheels ask for 2.28."""
LIMIT_MB = 150
"""Lambda's own limit for code and layers together is 250 MB, unpacked."""
TIMESTAMP = 315532800
"""1980-01-01, the earliest time that a zip file can hold."""
REQUIREMENTS = ROOT / "requirements"
AGENT = "clawpulse-agent"
_AGENT_FILES = (AGENT, "clawpulse.sh", "install.sh")
_LOCKED = "layer.txt"
_LOCKED_NODEPS = "layer-nodeps.txt"
_JUNK_DIRS = ("tests", "bin", "__pycache__")
_JUNK_FILES = ("*.pyi", "*.pyc", "RECORD", "INSTALLER", "REQUESTED", "uv_cache.json", "direct_url.json", ".lock")


class BuildError(Exception):
    """An asset cannot be built; the text says why and what to do."""


def build_code(target: Path = CODE) -> bool:
    """Copy and compile the functions with the page and the SDK, and put the bash agent's files beside them; False when up to date."""
    build_dashboard()
    functions, sdk, agent = ROOT / "functions", ROOT / "sdk" / "src" / "clawpulse", ROOT / "agent"
    inputs = stamp.digest([functions, sdk, agent, Path(__file__)], root=ROOT, extra=[sys.version])
    with stamp.Target(target, target.parent).replacing(inputs) as folder:
        if folder is None:
            return False
        ignore = shutil.ignore_patterns("__pycache__", "*.pyc")
        shutil.copytree(functions, folder / "functions", ignore=ignore)
        shutil.copytree(sdk, folder / "clawpulse", ignore=ignore)
        # The command line needs click, which the layer has not.
        shutil.rmtree(folder / "clawpulse" / "cli", ignore_errors=True)
        build_agent(agent / "build", folder / "agent")
        _compile(folder, "/var/task")
        _normalise(folder)
    return True


def build_agent(script: Path, target: Path) -> None:
    """Let the agent's own script make its files, and add the checksum of the one that installers fetch; raises `BuildError`."""
    target.mkdir()
    done = subprocess.run(["bash", str(script), str(target)], capture_output=True, text=True, check=False)  # noqa: S603, S607
    missing = [name for name in _AGENT_FILES if not (target / name).is_file()]
    if done.returncode or missing:
        fault = f"ended with {done.returncode}" if done.returncode else f"left out {', '.join(missing)}"
        raise BuildError(f"the agent is not built, {script} {fault}:\n{done.stdout}{done.stderr}".rstrip())
    checksum = hashlib.sha256((target / AGENT).read_bytes()).hexdigest()
    (target / f"{AGENT}.sha256").write_text(f"{checksum}  {AGENT}\n")


def build_layer(target: Path, *, platform: str | None, requirements: Path = REQUIREMENTS) -> bool:
    """Install the pinned wheels for a platform (None: this machine's); False when they were up to date."""
    locks = [(requirements / name).read_text() for name in (_LOCKED, _LOCKED_NODEPS)]
    inputs = stamp.digest([Path(__file__)], root=ROOT, extra=[*locks, sys.version, str(platform)])
    with stamp.Target(target, target.parent).replacing(inputs) as folder:
        if folder is None:
            return False
        _install(folder / "python", requirements / _LOCKED, platform)
        _install(folder / "python", requirements / _LOCKED_NODEPS, platform, "--no-deps")
        _strip(folder / "python")
        _compile(folder, "/opt")
        _normalise(folder)
    return True


def size_mb(folder: Path) -> float:
    """Size of all files below, in MB of 1,000,000 bytes."""
    return sum(p.stat().st_size for p in folder.rglob("*") if p.is_file()) / 1e6


def build(platform: str) -> Iterator[str]:
    """Build code and layers for `aws`, `local` or `both`; yields a line for each, raises `BuildError`."""
    yield _report(CODE, build_code())
    if platform in ("aws", "both"):
        yield _report(LAYER_AWS, build_layer(LAYER_AWS, platform=LAMBDA_PLATFORM))
        _check_size(CODE, LAYER_AWS)
    if platform in ("local", "both"):
        yield _report(LAYER_LOCAL, build_layer(LAYER_LOCAL, platform=None))


def _report(target: Path, built: bool) -> str:
    return f"{target.relative_to(ROOT)}: {size_mb(target):.1f} MB, {'built' if built else 'up to date'}"


def _check_size(*folders: Path) -> None:
    total = sum(map(size_mb, folders))
    if total > LIMIT_MB:
        raise BuildError(f"code and layer have {total:.0f} MB, more than the {LIMIT_MB} MB we allow (Lambda takes 250 MB)")


def _install(folder: Path, lock: Path, platform: str | None, *options: str) -> None:
    command = [
        *(find_uv_bin(), "pip", "install", "--quiet", "--link-mode", "copy", "--python", sys.executable, "--python-version", PYTHON),
        *("--target", str(folder), "--only-binary", ":all:", "--require-hashes", "-r", str(lock)),
        *(["--python-platform", platform] if platform else []),
        *options,
    ]
    # Offline first: with a warm cache this neither needs nor waits for the network.
    if subprocess.run([*command, "--offline"], capture_output=True, check=False).returncode == 0:  # noqa: S603
        return
    online = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    if online.returncode:
        raise BuildError(
            f"{lock.name} cannot be installed for {platform or 'this machine'}: the wheels are not in uv's cache and "
            f"the package index did not give them either. Connect once and run this again. uv says:\n{online.stderr.strip()}"
        )


def _strip(folder: Path) -> None:
    for name in _JUNK_DIRS:
        for path in sorted(folder.rglob(name), reverse=True):
            shutil.rmtree(path, ignore_errors=True)
    for pattern in _JUNK_FILES:
        for path in folder.rglob(pattern):
            path.unlink()


def _compile(folder: Path, at: str) -> None:
    """Write bytecode that is never checked against its source: Lambda's file system is read-only, sources do not change."""
    command = [
        sys.executable,
        "-m",
        "compileall",
        "-q",
        "-f",
        "--invalidation-mode",
        "unchecked-hash",
        "-s",
        str(folder),
        "-p",
        at,
        str(folder),
    ]
    # Sets are marshalled in hash order: the seed is fixed for the same bytes each time.
    environment = {**os.environ, "PYTHONHASHSEED": "0"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)  # noqa: S603
    if done.returncode:
        raise BuildError(f"{folder.name} does not compile:\n{done.stdout.strip()}{done.stderr.strip()}")


def _normalise(folder: Path) -> None:
    for path in folder.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)
        os.utime(path, (TIMESTAMP, TIMESTAMP))


def main() -> int:
    """Run the command; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m cdk.build", description="Build the functions' code and their layer.")
    parser.add_argument("--platform", choices=["aws", "local", "both"], default="both", help="which layer to build")
    platform = parser.parse_args().platform
    try:
        for line in build(platform):
            print(line, flush=True)  # noqa: T201
    except (BuildError, DashboardError) as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
