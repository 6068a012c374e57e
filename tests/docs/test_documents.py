"""The documents speak the truth: their links lead somewhere, their commands and code exist and run."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import click
import pytest

from clawpulse.cli._root import build, installed_plugins
from tests.docs.blocks import ROOT, blocks, commands, documents, links

MAKE_TARGETS = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M))


def _ids(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("document", documents(), ids=_ids)
def test_links_lead_to_files_of_the_repository(document: Path) -> None:
    broken = [link for link in links(document) if not (document.parent / link).exists()]
    assert not broken


@pytest.mark.parametrize("document", documents(), ids=_ids)
def test_make_targets_exist(document: Path) -> None:
    named = {word for line in commands(document) if line.startswith("make ") for word in line.split()[1:] if word.isalpha()}
    assert named <= MAKE_TARGETS


@pytest.mark.parametrize("document", documents(), ids=_ids)
def test_commands_and_their_options_exist(document: Path) -> None:
    for line in commands(document):
        for part in re.split(r"\||&&|;|\$\(", line):
            words = shlex.split(part, posix=True) if part.count("'") % 2 == 0 and part.count('"') % 2 == 0 else part.split()
            if words and words[0] == "clawpulse":
                _check_command(words[1:], line)


def _check_command(words: list[str], line: str) -> None:
    root = build(installed_plugins())
    command: click.Command = root
    context = click.Context(root, info_name="clawpulse")
    position = 0
    while isinstance(command, click.Group) and position < len(words) and not words[position].startswith("-"):
        found = command.get_command(context, words[position])
        assert found is not None, f"no such command: {line}"
        command, position = found, position + 1
    known = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)} | {"--help"}
    used = {word.split("=")[0] for word in words[position:] if word.startswith("--")}
    assert used <= known, f"unknown option in: {line}"


def test_the_snippet_of_the_readme_runs_with_nothing_set() -> None:
    for code in blocks(ROOT / "README.md", "python"):
        clean = {name: value for name, value in os.environ.items() if not name.startswith("CLAWPULSE_")}
        subprocess.run([sys.executable, "-c", code], check=True, env=clean, timeout=60)


def test_every_command_is_documented() -> None:
    text = "\n".join(document.read_text() for document in documents())
    missing = [path for path in _command_paths(build(installed_plugins()), "clawpulse") if path not in text]
    assert not missing


def _command_paths(command: click.Command, path: str) -> list[str]:
    if not isinstance(command, click.Group):
        return [path]
    context = click.Context(command)
    children = [(name, command.get_command(context, name)) for name in command.list_commands(context)]
    return [found for name, child in children if child for found in _command_paths(child, f"{path} {name}")]


def test_every_make_target_is_explained() -> None:
    helped = subprocess.run(["make", "--no-print-directory", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert {target for target in MAKE_TARGETS if target not in ("help", "setup")} == set(re.findall(r"make ([\w-]+)", helped))


def test_every_route_is_in_the_architecture() -> None:
    from functions.api.app import app

    text = (ROOT / "ARCHITECTURE.md").read_text()
    routes = {route for route in app.routes if route != "/"}
    missing = [route for route in routes if route not in text]
    assert not missing


def test_every_setting_of_the_sdk_is_documented() -> None:
    sources = "\n".join(path.read_text() for path in (ROOT / "sdk/src/clawpulse").glob("*.py"))
    readme = (ROOT / "sdk/README.md").read_text()
    assert sorted(set(re.findall(r"\bCLAWPULSE_[A-Z]+(?:_[A-Z]+)*\b", sources)) - set(re.findall(r"\bCLAWPULSE_[A-Z_]+\b", readme))) == []


def test_no_file_names_a_registry_host() -> None:
    pattern = r"registry *= *\"http|files\.[a-z]+hosted|\"resolved\": \"http|npmjs\.org|pypi\.org"
    found = subprocess.run(
        ["git", "grep", "--untracked", "-lE", pattern, "--", ".", ":!tests/docs"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert found.stdout == ""
