from __future__ import annotations

import json
from pathlib import Path

import pytest

from cdk.assets import Assets
from tests.cdk.template import Stage


@pytest.mark.parametrize("stage", ["live", "lean", "at_the_edge"])
def test_no_rule_is_broken(stage: str, request: pytest.FixtureRequest) -> None:
    found: Stage = request.getfixturevalue(stage)
    report = json.loads((found.folder / "validation-report.json").read_text())
    assert [violation for plugin in report["pluginReports"] for violation in plugin["violations"]] == []


def test_a_broken_rule_stops_the_synthesis(live: Stage, assets: Assets, tmp_path: Path) -> None:
    """Else the test above would show nothing."""
    from aws_cdk import aws_sns as sns

    from cdk.app import create_app, read_context
    from cdk.settings import load

    context = read_context()
    app = create_app(load(context, "lean"), context=context, assets=assets, outdir=tmp_path)
    sns.Topic(app.node.find_child("clawpulse-lean-app"), "Plain")
    with pytest.raises(RuntimeError, match="AwsSolutions-SNS3"):
        app.synth()
    report = json.loads((tmp_path / "validation-report.json").read_text())
    broken = {violation["ruleName"] for plugin in report["pluginReports"] for violation in plugin["violations"]}
    assert broken >= {"AwsSolutions-SNS3"}
