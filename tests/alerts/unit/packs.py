"""The shipped rules, read as the CLI reads them."""

from __future__ import annotations

from pathlib import Path

import yaml

from functions.domain.alert_parse import parse_rules
from functions.domain.alert_rules import Rule

FOLDER = Path("functions/alerts/packs")


def pack(name: str) -> tuple[Rule, ...]:
    return parse_rules(yaml.safe_load((FOLDER / f"{name}.yaml").read_text()))


def every() -> list[Rule]:
    return [rule for path in sorted(FOLDER.glob("*.yaml")) for rule in pack(path.stem)]
