from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from cdk.assets import LAYER_AWS, ROOT
from cdk.build import LAMBDA_PLATFORM, LIMIT_MB, BuildError, build_agent, build_code, build_layer, size_mb
from cdk.stamp import Target, digest
from functions.api.install import FOLDER
from tests.api.world import World

UNCHECKED_HASH = 1
"""Flag word of a .pyc that Python loads without looking at its source."""
ARM64 = 0xB7
"""Machine word of an ELF file."""


def content(folder: Path) -> dict[str, tuple[str, int, float]]:
    """Bytes, mode and time of every file: all that a zip file is made of."""
    return {
        path.relative_to(folder).as_posix(): (hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_mode, path.stat().st_mtime)
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.fixture(scope="module")
def code(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("build") / "code"
    assert build_code(target)
    return target


@pytest.fixture(scope="module")
def layer() -> Path:
    """The repository's own, which is seldom out of date: building one takes seconds."""
    build_layer(LAYER_AWS, platform=LAMBDA_PLATFORM)
    return LAYER_AWS


def test_the_same_sources_give_the_same_bytes(code: Path, tmp_path: Path) -> None:
    assert build_code(tmp_path / "again")
    assert content(tmp_path / "again") == content(code)


def test_what_is_up_to_date_is_left_alone(code: Path) -> None:
    before = code.stat().st_ctime_ns
    assert not build_code(code)
    assert code.stat().st_ctime_ns == before


def test_code_has_functions_sdk_and_page_but_no_command_line(code: Path) -> None:
    assert (code / "functions" / "runtime" / "settings.py").exists()
    assert (code / "functions" / "dashboard" / "index.html").exists()
    assert (code / "clawpulse" / "__init__.py").exists()
    assert not (code / "clawpulse" / "cli").exists()


def test_the_api_finds_the_agents_files_beside_the_functions(code: Path) -> None:
    visitor = World(bundle=code / FOLDER.name).client().without_token()
    script = visitor.call("GET", "/install.sh", base_url="https://pulse.example.org").text
    assert "https://pulse.example.org/live" in script
    assert (visitor.call("GET", "/agent/clawpulse-agent.sha256").text.split()[0]) in script
    assert not re.search("^[A-Z0-9]+=.*@[A-Z0-9]+@", script, re.MULTILINE)
    assert FOLDER.parent == ROOT


def test_every_module_is_compiled_and_never_compiled_again(code: Path) -> None:
    modules = list(code.rglob("*.py"))
    for module in modules:
        (compiled,) = (module.parent / "__pycache__").glob(f"{module.stem}.cpython-313.pyc")
        assert int.from_bytes(compiled.read_bytes()[4:8], "little") == UNCHECKED_HASH, module
    assert len(list(code.rglob("*.pyc"))) == len(modules)


AGENT_BUILD = """#!/usr/bin/env bash
set -euo pipefail
printf 'the installer' >"$1/install.sh"
printf 'cp_metric() { :; }' >"$1/clawpulse.sh"
printf 'the agent' >"$1/clawpulse-agent"
"""


def test_the_agents_files_have_the_checksum_that_installers_compare(tmp_path: Path) -> None:
    (tmp_path / "build").write_text(AGENT_BUILD)
    build_agent(tmp_path / "build", tmp_path / "agent")
    names = {path.name for path in (tmp_path / "agent").iterdir()}
    assert names == {"clawpulse-agent", "clawpulse-agent.sha256", "clawpulse.sh", "install.sh"}
    subprocess.run(["sha256sum", "--check", "clawpulse-agent.sha256"], cwd=tmp_path / "agent", check=True, capture_output=True, timeout=20)


@pytest.mark.parametrize(
    ("script", "reason"), [("echo no awk here >&2; exit 3", "no awk here"), (f"{AGENT_BUILD}\nrm $1/clawpulse.sh", "left out clawpulse.sh")]
)
def test_an_agent_that_cannot_be_built_says_so(tmp_path: Path, script: str, reason: str) -> None:
    (tmp_path / "build").write_text(script)
    with pytest.raises(BuildError, match=reason):
        build_agent(tmp_path / "build", tmp_path / "agent")


def test_the_layer_is_for_arm64_and_small(layer: Path) -> None:
    libraries = list(layer.rglob("*.so"))
    assert libraries
    assert {int.from_bytes(path.read_bytes()[18:20], "little") for path in libraries} == {ARM64}
    assert size_mb(layer) < LIMIT_MB


def test_the_layer_has_what_functions_import_and_not_what_lambda_brings(layer: Path) -> None:
    packages = {path.name for path in (layer / "python").iterdir()}
    assert {"msgspec", "numpy", "pydantic", "aws_lambda_powertools", "chalice"} <= packages
    assert not packages & {"boto3", "botocore", "pip", "setuptools", "bin"}
    assert not [path for path in layer.rglob("tests") if path.is_dir()]


def test_the_same_pins_give_the_same_layer(layer: Path, tmp_path: Path) -> None:
    assert build_layer(tmp_path / "again", platform=LAMBDA_PLATFORM)
    assert content(tmp_path / "again") == content(layer)


def test_a_layer_that_cannot_be_had_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UV_OFFLINE", "1")
    for name in ("layer.txt", "layer-nodeps.txt"):
        (tmp_path / name).write_text(f"clawpulse-no-such-package==1.0 --hash=sha256:{'0' * 64}\n")
    with pytest.raises(BuildError, match=r"layer\.txt cannot be installed .* Connect once and run this again"):
        build_layer(tmp_path / "layer", platform=LAMBDA_PLATFORM, requirements=tmp_path)
    assert not (tmp_path / "layer").exists()


def test_a_build_that_stops_midway_leaves_the_old_one_and_is_done_again(tmp_path: Path) -> None:
    target = Target(tmp_path / "thing", tmp_path)
    with target.replacing("1") as folder:
        assert folder
        (folder / "a").write_text("old")
    with pytest.raises(KeyboardInterrupt), target.replacing("2") as folder:
        raise KeyboardInterrupt
    assert (tmp_path / "thing" / "a").read_text() == "old"
    assert target.is_current("1")
    assert not target.is_current("2")


def test_the_digest_sees_names_contents_and_words(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("1")
    first = digest([tmp_path], root=tmp_path)
    assert digest([tmp_path], root=tmp_path) == first
    assert digest([tmp_path], root=tmp_path, extra=["x"]) != first
    shutil.move(tmp_path / "a", tmp_path / "b")
    second = digest([tmp_path], root=tmp_path)
    (tmp_path / "b").write_text("2")
    assert len({first, second, digest([tmp_path], root=tmp_path)}) == 3
