"""docs/fleet.md says what is so."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from clawpulse.fleet.fields import json_schema
from clawpulse.fleet.merging import merge

TEXT = (Path(__file__).parents[2] / "docs" / "fleet.md").read_text()


def rows(after: str) -> list[list[str]]:
    """The first table after a heading, without its own heading."""
    table = re.search(r"^\|.*?(?=^$)", TEXT.split(f"## {after}\n")[1], re.M | re.S)
    assert table
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table[0].splitlines()[2:]]


def value(path: str, cell: str) -> dict[str, Any]:
    """A layer that has at a path what a cell says; nothing for an empty one."""
    text = cell.strip("`")
    if not text or text == "–":
        return {}
    found = yaml.safe_load(f"{{{text}}}" if re.match(r"\w+[+-]?: ", text) else text)
    for key in reversed(path.strip("`").split(".")):
        found = {key: found}
    return found


@pytest.mark.parametrize("row", rows("How layers are merged"), ids=lambda row: row[0])
def test_the_example_of_merging_is_right(row: list[str]) -> None:
    path, base, tier, shard, result = row
    made = merge(merge(merge({}, value(path, base)), value(path, tier)), value(path, shard))
    assert made == value(path, result) or (made == {"limits": {}} and result == "–")


def test_every_field_is_in_the_reference() -> None:
    named = {name for row in rows("Fields") for name in re.findall(r"`([a-z_.<>]+)`", row[0])}
    assert set(fields(json_schema())) == {name.replace(".<name>", "") for name in named}


def fields(schema: dict[str, Any]) -> Iterator[str]:
    for name, field in schema["properties"].items():
        inner = {} if name in ("files", "budgets") else next((one["properties"] for one in field["anyOf"] if one.get("properties")), {})
        plain = [f"{name}.{key}" for key in inner if key[-1] not in "+-"]
        yield from plain or [name]
