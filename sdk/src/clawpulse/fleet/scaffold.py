"""Writes a new fleet repository: commented layers, prompts, alerts, a policy, and the workflow that applies what is merged."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple

from clawpulse._version import __version__

SCHEMA_FILE = "schema/fleet.schema.json"
_HIDDEN = {"github": ".github"}
"""Folders that have another name in the package, where packers may leave out what begins with a dot."""


class Written(NamedTuple):
    """What became of the files, by their paths."""

    new: list[str]
    kept: list[str]
    """Were there before, and are as they were."""


def template() -> dict[str, str]:
    """The files of a new repository by path."""
    package = files("clawpulse.fleet")
    made = {path: text.replace("@VERSION@", __version__) for path, text in _texts(package / "template", "")}
    return {**made, SCHEMA_FILE: (package / "fleet.schema.json").read_text(encoding="utf-8")}


def write(root: Path) -> Written:
    """Write those files of the template that are not there; never overwrites one. Raises `OSError`."""
    written = Written([], [])
    for path, text in sorted(template().items()):
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        written[0 if _create(target, text) else 1].append(path)
    return written


def _create(target: Path, text: str) -> bool:
    """Write a file unless something has its name; tells whether it did."""
    try:
        with target.open("x", encoding="utf-8", newline="\n") as file:
            file.write(text)
    except FileExistsError:
        return False
    return True


def _texts(folder: Any, above: str) -> Iterator[tuple[str, str]]:
    for entry in folder.iterdir():
        name = _HIDDEN.get(entry.name, entry.name)
        if entry.is_dir():
            yield from _texts(entry, f"{above}{name}/")
        else:
            yield f"{above}{name}", entry.read_text(encoding="utf-8")
