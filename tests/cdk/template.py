"""A synthesised template, to ask questions of."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Template:
    """One stack's template."""

    document: dict[str, Any]

    @classmethod
    def read(cls, path: Path) -> Template:
        return cls(json.loads(path.read_text()))

    @property
    def resources(self) -> dict[str, dict[str, Any]]:
        return self.document["Resources"]

    @property
    def outputs(self) -> set[str]:
        return {name for name in self.document["Outputs"] if not name.startswith("ExportsOutput")}

    def of(self, kind: str) -> dict[str, dict[str, Any]]:
        """Properties of the resources of one type, by logical id."""
        return {name: found.get("Properties", {}) for name, found in self.resources.items() if found["Type"] == kind}

    def named(self, kind: str, prefix: str) -> dict[str, Any]:
        """Properties of the one resource of a type whose logical id starts so."""
        found = [properties for name, properties in self.of(kind).items() if name.startswith(prefix)]
        assert len(found) == 1, f"{len(found)} {kind} named {prefix}…: {sorted(self.of(kind))}"
        return found[0]

    def only(self, kind: str) -> dict[str, Any]:
        """Properties of the only resource of a type."""
        return self.named(kind, "")

    def statements(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Every statement of a policy attached to a role, with the policy's logical id."""
        for name, policy in self.of("AWS::IAM::Policy").items():
            for statement in policy["PolicyDocument"]["Statement"]:
                yield name, statement
        for name, role in self.of("AWS::IAM::Role").items():
            for policy in role.get("Policies", []):
                for statement in policy["PolicyDocument"]["Statement"]:
                    yield name, statement

    def allowed(self, prefix: str) -> dict[str, list[Any]]:
        """What the role named so may do: action to resources."""
        found: dict[str, list[Any]] = {}
        for name, statement in self.statements():
            if name.startswith(prefix):
                for action in as_list(statement["Action"]):
                    found.setdefault(action, []).extend(as_list(statement["Resource"]))
        return found


@dataclass(frozen=True)
class Stage:
    """What a synthesis wrote for one stage."""

    folder: Path
    data: Template
    app: Template

    @property
    def resources(self) -> dict[str, dict[str, Any]]:
        return {**self.data.resources, **self.app.resources}


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
