"""The CDK app: `python -m cdk.app`, started by the `cdk` command (`cdk.json`) and by `cdk.synth`."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cdk.assets import Assets
from cdk.node import NodeMissing, ensure_node
from cdk.settings import CONTEXT_FILE, SettingsError, StageSettings, load


def read_context() -> dict[str, Any]:
    """The context of `cdk.json`, overlaid by what the `cdk` command passes on (its `-c` options)."""
    own = json.loads(CONTEXT_FILE.read_text())["context"]
    return {**own, **json.loads(os.environ.get("CDK_CONTEXT_JSON", "{}"))}


def create_app(settings: StageSettings, *, context: Mapping[str, Any], assets: Assets, outdir: Path | None = None) -> Any:
    """The app with one stage's two stacks, and the checks of cdk-nag, which fail the synthesis."""
    # Imported here: this starts Node.js, which `ensure_node` finds first.
    from aws_cdk import App, Tags, Validations
    from cdk_nag import AwsSolutionsChecks

    from cdk.app_stack import AppStack
    from cdk.data_stack import DataStack

    app = App(context=dict(context), outdir=str(outdir) if outdir else None, analytics_reporting=False)
    data = DataStack(app, settings=settings)
    AppStack(app, settings=settings, data=data, assets=assets)
    Tags.of(app).add("application", "clawpulse")
    Tags.of(app).add("stage", settings.name)
    Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    return app


def main() -> int:
    """Synthesise the stage that the context names; the exit code."""
    context = read_context()
    try:
        settings = load(context, str(context.get("stage", "live")))
        ensure_node()
    except (SettingsError, NodeMissing) as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201
        return 1
    return _synth(create_app(settings, context=context, assets=Assets()))


def _synth(app: Any) -> int:
    try:
        app.synth()
    except RuntimeError as error:
        if "ValidationFailed" not in str(error):
            raise
        # The findings stand above, printed by the CDK with what to fix.
        print("error: the templates break rules of cdk-nag or CloudFormation", file=sys.stderr)  # noqa: T201
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
