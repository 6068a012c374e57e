"""The JSON Schema for editors says what lint says."""

from __future__ import annotations

import json
from importlib.resources import files

import jsonschema
import pytest
import yaml

from clawpulse.fleet.fields import json_schema
from tests.fleet.repositories import ACME, AGENT, BASE, SMART, faults_of

FILE = files("clawpulse.fleet") / "fleet.schema.json"
SCHEMA = jsonschema.Draft7Validator(json_schema())


def test_the_file_is_what_the_fields_make() -> None:
    """Write it anew with `.venv/bin/python -m tests.fleet.test_schema`."""
    assert json.loads(FILE.read_text()) == json_schema()
    jsonschema.Draft7Validator.check_schema(json_schema())


@pytest.mark.parametrize("text", [BASE, SMART, ACME, AGENT, "model: null\ntools: {allow: null, deny-: [x]}\nhooks: {m: null}\n"])
def test_sound_layers_are_sound_to_editors(text: str) -> None:
    assert faults_of(text, "agents/_base.yaml", **{"prompts/AGENTS.md": "x"} if "prompts" in text else {}) == []
    assert list(SCHEMA.iter_errors(yaml.safe_load(text))) == []


@pytest.mark.parametrize(
    "text",
    [
        "modle: {}",
        "model: {primary: gpt}",
        "limits: {concurrency: 0}",
        "limits: {concurrency: 1.5}",
        "resources: {cpu: 0}",
        "version: 2026.9",
        "files: {AGENT.md: x}",
        "files: {SOUL.md: {file: x, y: z}}",
        "tools: {allow+: x}",
        "channels: {'a b': {}}",
        "channels: {slack: {enabled: 1}}",
        "hooks: {m: {command: ../x}}",
        "paused: maybe",
        "budgets: {act: {do: stop}}",
        "budgets: {act: {budgets: usd}}",
        "openclaw: []",
    ],
)
def test_faulty_layers_are_faulty_to_editors(text: str) -> None:
    assert faults_of(text)
    assert list(SCHEMA.iter_errors(yaml.safe_load(text)))


def test_every_field_says_what_it_is() -> None:
    for name, field in json_schema()["properties"].items():
        assert field["description"], name


if __name__ == "__main__":
    with open(str(FILE), "w", encoding="utf-8") as file:
        file.write(json.dumps(json_schema(), indent=2) + "\n")
