"""Builds and synthesises what is deployed: the repository's own `cdk.build` and `cdk.synth`, which skip what is up to date."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from clawpulse_local import processes, stacks
from clawpulse_local.errors import LocalCloudError
from clawpulse_local.settings import LocalSettings
from clawpulse_local.stacks import Stack

SECONDS = 900


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """What a stage consists of."""

    data: Stack
    app: Stack
    layer: Path

    @property
    def stage(self) -> str:
        """The stage's name, which is the last part of the API's URL, too."""
        return self.app.name.removeprefix("clawpulse-").removesuffix("-app")

    @property
    def digest(self) -> str:
        """Changes with anything that is deployed."""
        return f"{self.data.digest}:{self.app.digest}"


def build(settings: LocalSettings, progress: Callable[[str], None]) -> Deployment:
    """Bring code, layer and templates up to date; raises `LocalCloudError` with the tool's own words."""
    progress("building the functions and synthesising the stacks")
    _run(settings, "cdk.synth")
    _run(settings, "cdk.build", "--platform", "local")
    out = settings.repository / "cdk.out"
    return Deployment(data=stacks.read(out, "data"), app=stacks.read(out, "app"), layer=settings.repository / "build" / "layer-local")


def _run(settings: LocalSettings, module: str, *options: str) -> None:
    done = processes.run([sys.executable, "-m", module, *options], folder=settings.repository, timeout=SECONDS)
    if done.returncode:
        raise LocalCloudError(f"`python -m {module}` failed:\n{done.stdout}".rstrip())
