"""Synthesised stages. The CDK's runtime is slow to start, so each stage is synthesised once a run, with small assets."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from cdk.app import create_app, read_context
from cdk.assets import Assets
from cdk.node import ensure_node
from cdk.settings import Limits, load
from tests.cdk.template import Stage, Template


@pytest.fixture(scope="session")
def assets(tmp_path_factory: pytest.TempPathFactory) -> Assets:
    folder = tmp_path_factory.mktemp("assets")
    for name in ("code", "layer"):
        (folder / name).mkdir()
        (folder / name / "module.py").write_text(f'"""{name}"""\n')
    (folder / "page").mkdir()
    for name in ("index.html", "icon.svg", "app-ABCDEFGH.js"):
        (folder / "page" / name).write_text(name)
    return Assets(code=folder / "code", layer=folder / "layer", page=folder / "page")


@pytest.fixture(scope="session")
def synthesise(assets: Assets, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Stage]:
    ensure_node()

    def run(stage: str, **changes: object) -> Stage:
        folder = tmp_path_factory.mktemp(stage)
        context = read_context()
        settings = load(context, stage).model_copy(update=changes)
        create_app(settings, context=context, assets=assets, outdir=folder).synth()
        return _read(folder, stage)

    return run


@pytest.fixture(scope="session")
def live(synthesise: Callable[[str], Stage]) -> Stage:
    return synthesise("live")


@pytest.fixture(scope="session")
def lean(synthesise: Callable[[str], Stage]) -> Stage:
    return synthesise("lean")


@pytest.fixture(scope="session")
def at_the_edge(synthesise: Callable[[str], Stage]) -> Stage:
    """A stage with its page on CloudFront."""
    return synthesise("lean", cloud_front=True)


@pytest.fixture(scope="session")
def disposable(synthesise: Callable[[str], Stage]) -> Stage:
    """A stage that gives its data up, tells a mailbox, sets an Auto Scaling group; its two workspaces want more than the gateway gives."""
    large = Limits(rate=6_000, burst=5_000)
    return synthesise(
        "lean",
        removal="destroy",
        alarm_email="ops@example.com",
        workspaces={"acme": large, "globex": large},
        scaling_targets=("agents-fast",),
    )


def _read(folder: Path, stage: str) -> Stage:
    return Stage(
        folder=folder,
        data=Template.read(folder / f"clawpulse-{stage}-data.template.json"),
        app=Template.read(folder / f"clawpulse-{stage}-app.template.json"),
    )
