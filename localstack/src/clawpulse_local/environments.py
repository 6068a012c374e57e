"""The environments of the local cloud under `.cloud/`: LocalStack's own, the functions' runtime, OpenBao's binary.

Each is made from hashed pins and stamped with their digest: a second start takes milliseconds, a changed pin makes it again.
"""

from __future__ import annotations

import hashlib
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from uv import find_uv_bin

from clawpulse_local import locks, processes
from clawpulse_local.errors import LocalCloudError
from clawpulse_local.settings import LocalSettings

INSTALL_SECONDS = 1200
Progress = Callable[[str], None]


def ensure(settings: LocalSettings, progress: Progress) -> None:
    """Make what is missing or outdated; raises `LocalCloudError` with the installer's own words when it cannot."""
    if sys.version_info[:2] != (3, 13):
        raise LocalCloudError(
            f"LocalStack 4.14 runs on Python 3.13 only, and this is {sys.version.split()[0]}: make the environment again with 3.13"
        )
    busy = "another command is installing the local cloud's environments"
    with locks.exclusive(settings.tools / "lock", patience=INSTALL_SECONDS, busy=busy):
        _ensure(settings, "venv", _pins(settings, "localstack"), "installing LocalStack (about 340 MB, once)", progress, _make_localstack)
        _ensure(settings, "runtime", _pins(settings, "runtime"), "installing the functions' runtime", progress, _make_target("runtime"))
        _ensure(settings, "openbao", _pins(settings, "vault"), "installing OpenBao", progress, _make_target("vault"))


def _ensure(
    settings: LocalSettings, name: str, ingredients: list[Path], words: str, progress: Progress, make: Callable[[LocalSettings, Path], None]
) -> None:
    target, stamp = settings.tools / name, settings.tools / f"{name}.stamp"
    wanted = _digest(ingredients)
    if target.exists() and stamp.exists() and stamp.read_text() == wanted:
        return
    progress(words)
    stamp.unlink(missing_ok=True)
    make(settings, target)
    stamp.write_text(wanted)


def _digest(files: list[Path]) -> str:
    digest = hashlib.sha256(sys.version.encode())
    for path in files:
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _pins(settings: LocalSettings, name: str) -> list[Path]:
    pins = [settings.repository / "requirements" / f"{name}.txt"]
    return [*pins, _plugin(settings) / "pyproject.toml"] if name == "localstack" else pins


def _plugin(settings: LocalSettings) -> Path:
    return settings.repository / "localstack" / "plugin"


def _make_localstack(settings: LocalSettings, target: Path) -> None:
    if not (target / "bin" / "python").exists():
        _run([find_uv_bin(), "venv", "--quiet", "--clear", "--python", sys.executable, str(target)])
    pins = settings.repository / "requirements" / "localstack.txt"
    _run([find_uv_bin(), "pip", "sync", "--quiet", "--python", str(target), "--require-hashes", str(pins)])
    with tempfile.TemporaryDirectory() as folder:
        build = f"import hatchling.build as b; b.build_editable({folder!r})"
        _run([sys.executable, "-c", build], folder=_plugin(settings))
        wheels = [str(wheel) for wheel in Path(folder).glob("*.whl")]
        _run([find_uv_bin(), "pip", "install", "--quiet", "--python", str(target), "--no-deps", "--reinstall", *wheels])


def _make_target(pins: str) -> Callable[[LocalSettings, Path], None]:
    def make(settings: LocalSettings, target: Path) -> None:
        fresh = target.with_name(target.name + ".partial")
        shutil.rmtree(fresh, ignore_errors=True)
        requirements = settings.repository / "requirements" / f"{pins}.txt"
        options = ["--quiet", "--python", sys.executable, "--target", str(fresh), "--require-hashes"]
        _run([find_uv_bin(), "pip", "install", *options, "-r", str(requirements)])
        shutil.rmtree(target, ignore_errors=True)
        fresh.rename(target)

    return make


def _run(command: list[str], folder: Path | None = None) -> None:
    done = processes.run(command, folder=folder, timeout=INSTALL_SECONDS)
    if done.returncode:
        raise LocalCloudError(f"`{' '.join(command[:3])} …` failed:\n{done.stdout}".rstrip())
