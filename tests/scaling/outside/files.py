"""The manifests of examples/scaling, and what others publish about them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator

ROOT = Path(__file__).parents[3]
MANIFESTS = ROOT / "examples/scaling"
SCHEMAS = Path(__file__).parent / "schemas"


def manifests(name: str) -> list[dict[str, Any]]:
    """The YAML documents of a file."""
    return list(yaml.safe_load_all((MANIFESTS / name).read_text()))


def manifest(name: str, kind: str) -> dict[str, Any]:
    """The one document of a kind."""
    (found,) = [document for document in manifests(name) if document["kind"] == kind]
    return found


def validator(file: str, kind: str) -> Draft202012Validator:
    """Checks one kind of documents."""
    schemas = yaml.safe_load((SCHEMAS / file).read_text())
    shared = yaml.safe_load((SCHEMAS / "kubernetes.yaml").read_text())["$defs"]
    return Draft202012Validator({**schemas[kind], "$defs": {**shared, **schemas.get("$defs", {})}})


def faults(file: str, kind: str, document: Any) -> list[str]:
    """What is wrong with a document."""
    return [f"{error.json_path}: {error.message}" for error in validator(file, kind).iter_errors(document)]
