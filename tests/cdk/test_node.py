from __future__ import annotations

from pathlib import Path

import pytest

from cdk.node import NodeMissing, find_node, node_version


def script(folder: Path, name: str, says: str) -> Path:
    path = folder / name
    path.write_text(f"#!/bin/sh\necho {says}\n")
    path.chmod(0o755)
    return path


def test_the_first_that_is_new_enough_is_taken(tmp_path: Path) -> None:
    old, new, newer = script(tmp_path, "old", "v18.1.0"), script(tmp_path, "new", "v22.9.1"), script(tmp_path, "newer", "v24.0.0")
    assert find_node([old, new, newer]) == new


def test_without_any_it_says_what_was_found_and_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(NodeMissing, match=r"old \(version 18\).*requirements/node\.txt"):
        find_node([script(tmp_path, "old", "v18.1.0")])
    with pytest.raises(NodeMissing, match="found: none"):
        find_node([])


def test_what_does_not_run_has_no_version(tmp_path: Path) -> None:
    assert node_version(tmp_path / "missing") is None
    assert node_version(script(tmp_path, "odd", "hello")) is None
