"""Writes the templates to `cdk.out` without the `cdk` command, offline: `python -m cdk.synth [--stage NAME]`.

Builds the code and the layer first if need be, and skips the synthesis when nothing that it reads has changed.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

from cdk import stamp
from cdk.app import read_context
from cdk.assets import BUILD, CDK_OUT, CODE, LAYER_AWS, ROOT
from cdk.build import BuildError, build
from cdk.settings import CONTEXT_FILE, SettingsError, load


class SynthError(Exception):
    """The templates cannot be written; the text says why."""


def synth(stage: str, *, outdir: Path = CDK_OUT) -> bool:
    """Write the stage's templates; False when they were up to date. Raises `SynthError`."""
    context = {**read_context(), "stage": stage}
    load(context, stage)
    inputs = stamp.digest(
        [ROOT / "cdk", CONTEXT_FILE, CODE, LAYER_AWS], root=ROOT, extra=[json.dumps(context, sort_keys=True), sys.version]
    )
    with stamp.Target(outdir, BUILD).replacing(inputs) as fresh:
        if fresh is None:
            return False
        _run(context, fresh)
    return True


def _run(context: dict[str, object], outdir: Path) -> None:
    environment = {**os.environ, "CDK_OUTDIR": str(outdir), "CDK_CONTEXT_JSON": json.dumps(context)}
    done = subprocess.run([sys.executable, "-m", "cdk.app"], cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SynthError(f"the templates cannot be written:\n{done.stdout.strip()}\n{done.stderr.strip()}")


def main() -> int:
    """Run the command; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m cdk.synth", description="Write the CloudFormation templates to cdk.out.")
    parser.add_argument("--stage", default=str(read_context().get("stage", "live")), help="a stage of cdk.json (default: %(default)s)")
    stage = parser.parse_args().stage
    try:
        for line in build("aws"):
            print(line, flush=True)  # noqa: T201
        written = synth(stage)
    except (BuildError, SettingsError, SynthError) as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201
        return 1
    print(f"{CDK_OUT.relative_to(ROOT)}: stage {stage}, {'written' if written else 'up to date'}")  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
