"""Reads a fleet repository from disk: the files that belong to it, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from clawpulse.fleet.faults import Fault, InvalidRepository
from clawpulse.fleet.kinds import path_fault
from clawpulse.fleet.layers import POLICY_FILE, missing, prompt_files, role_of
from clawpulse.fleet.repository import MAX_BYTES, parse
from clawpulse.fleet.sources import read_source

FOLDERS = ("agents", "shards", "alerts")


def read_folder(root: Path) -> dict[str, str]:
    """The files below `root`, by their paths with slashes: YAML of the repository, and the text files that layers name.

    Raises `InvalidRepository` for files that are missing, unreadable, no UTF-8, or outside of `root`. What is in them, `parse` checks.
    """
    files, faults = _collect(root)
    if faults:
        raise InvalidRepository(faults)
    return files


def check_folder(root: Path) -> list[Fault]:
    """Every fault of a repository on disk, of its files and of what is in them, by file and line."""
    files, faults = _collect(root)
    try:
        parse(files)
    except InvalidRepository as error:
        faults += error.faults
    return InvalidRepository(faults).faults


def _collect(root: Path) -> tuple[dict[str, str], list[Fault]]:
    """The files, and what is wrong with them as files."""
    files: dict[str, str] = {}
    faults = list(_strangers(root))
    for path in _listed(root):
        _take(root, path, files, faults, Fault(path, 1, 1, "", "is not there"))
    if not files and not faults:
        faults.append(Fault(POLICY_FILE, 1, 1, "", f"{root} is no fleet repository: there is nothing in {', '.join(FOLDERS)}"))
    for path in list(files):
        # What is wrong with the YAML itself is told by `parse`.
        source = read_source(path, files[path], []) if role_of(path) else None
        for at, file in prompt_files(source.value) if source else ():
            if source and file not in files and not path_fault(file):
                _take(root, file, files, faults, source.fault(at, missing(file)))
    return files, faults


def _listed(root: Path) -> Iterator[str]:
    """Paths of the YAML files that belong to the repository."""
    for path in (root / POLICY_FILE, *(path for folder in FOLDERS for path in sorted((root / folder).glob("*.yaml")))):
        if path.is_symlink() or path.is_file():
            yield path.relative_to(root).as_posix()


def _strangers(root: Path) -> Iterator[Fault]:
    """Files that are meant for the repository, and would be lost in silence."""
    folders = [root / folder for folder in FOLDERS]
    for path in sorted((*root.glob("fleet.yml"), *(found for folder in folders for found in folder.glob("*.yml")))):
        yield Fault(path.relative_to(root).as_posix(), 1, 1, "", "is not read: its name must end in .yaml")
    for path in sorted(found for folder in folders for ending in ("yaml", "yml") for found in folder.glob(f"*/**/*.{ending}")):
        name = path.relative_to(root).as_posix()
        yield Fault(name, 1, 1, "", f"is not read: it must stand in {name.partition('/')[0]} itself, not in a folder below")


def _take(root: Path, path: str, files: dict[str, str], faults: list[Fault], absent: Fault) -> None:
    """Read a file; what is wrong with it is appended."""
    try:
        target = (root / path).resolve(strict=True)
        if root.resolve() not in target.parents:
            faults.append(absent._replace(reason=f"{path} leads out of the repository"))
        elif not target.is_file():
            faults.append(absent._replace(reason=f"{path} is no file"))
        elif target.stat().st_size > MAX_BYTES:
            faults.append(absent._replace(reason=f"{path} has more than {MAX_BYTES:,} bytes"))
        else:
            files[path] = target.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        faults.append(absent)
    except UnicodeDecodeError as error:
        faults.append(Fault(path, 1, 1, "", f"is not UTF-8: {error.reason} at byte {error.start}"))
    except (OSError, RuntimeError) as error:
        # Python before 3.13 calls a loop of links a runtime error.
        faults.append(absent._replace(reason=f"{path} cannot be read: {getattr(error, 'strerror', None) or error}"))
