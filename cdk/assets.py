"""Where the built code and layers lie: written by `cdk.build`, read by the stacks and by the local cloud."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build"
CDK_OUT = ROOT / "cdk.out"

CODE = BUILD / "code"
"""What every function runs: `functions/` and the SDK's package, compiled; and `agent/`, which the API serves."""
LAYER_AWS = BUILD / "layer-aws"
"""The shared layer for Lambda: `python/` with wheels for arm64."""
LAYER_LOCAL = BUILD / "layer-local"
"""The same packages for this machine; the local cloud uses them in the layer's place."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Assets:
    """The folders that the stacks upload."""

    code: Path = CODE
    layer: Path = LAYER_AWS
    page: Path = CODE / "functions" / "dashboard"
    """The web page, for stages that have it apart."""
