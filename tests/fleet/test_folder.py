"""A repository on disk: what is read, what is refused."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from clawpulse.fleet import MAX_BYTES, InvalidRepository, check_folder, parse, read_folder
from tests.fleet.repositories import FILES


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for path, text in FILES.items():
        put(tmp_path / "fleet" / path, text)
    return tmp_path / "fleet"


def put(path: Path, text: str | bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode() if isinstance(text, str) else text)


def faults(root: Path) -> list[str]:
    """What a check tells; the repository can be read if that is nothing, and only then."""
    found = list(map(str, check_folder(root)))
    if found:
        with pytest.raises(InvalidRepository):
            parse(read_folder(root))
    else:
        parse(read_folder(root))
    return found


def test_what_belongs_to_the_repository_is_read_and_nothing_else(root: Path) -> None:
    for path in ("README.md", "prompts/unused.md", "agents/README.md", ".github/workflows/fleet.yml", "schema/x.json", "other/a.yaml"):
        put(root / path, "x: [")
    put(root / "fleet.yaml", "rollout: {}\n")
    put(root / "alerts" / "a.yaml", "rules: []\n")
    assert read_folder(root) == {**FILES, "fleet.yaml": "rollout: {}\n", "alerts/a.yaml": "rules: []\n"}
    assert faults(root) == []


def test_a_mark_of_the_byte_order_is_no_part_of_the_text(root: Path) -> None:
    put(root / "agents/agent-7.yaml", b"\xef\xbb\xbfpaused: true\n")
    assert read_folder(root)["agents/agent-7.yaml"] == "paused: true\n"


def test_a_prompt_that_is_not_there_is_told_where_it_is_named(root: Path) -> None:
    (root / "prompts/AGENTS.md").unlink()
    assert faults(root) == ["agents/_base.yaml:5:15: files.AGENTS.md.file: there is no file prompts/AGENTS.md in the repository"]


def test_other_faults_are_told_beside_those_of_files(root: Path) -> None:
    put(root / "prompts/AGENTS.md", b"caf\xe9")
    put(root / "shards/acme.yaml", "modle: 1\n")
    assert [line.partition(": ")[0] for line in faults(root)] == ["agents/_base.yaml:5:15", "prompts/AGENTS.md:1:1", "shards/acme.yaml:1:1"]


def test_links_within_the_repository_are_followed_and_no_others(root: Path) -> None:
    put(root.parent / "secret.md", "hidden")
    (root / "prompts/SOUL.md").symlink_to(root / "prompts/AGENTS.md")
    put(root / "agents/agent-7.yaml", "files: {SOUL.md: {file: prompts/SOUL.md}}\n")
    assert read_folder(root)["prompts/SOUL.md"] == "Be kind.\n"
    (root / "prompts/SOUL.md").unlink()
    (root / "prompts/SOUL.md").symlink_to(root.parent / "secret.md")
    (root / "agents/b.yaml").symlink_to(root.parent / "secret.md")
    (root / "agents/c.yaml").symlink_to(root / "nowhere")
    (root / "agents/d.yaml").symlink_to(root / "agents/d.yaml")
    found = faults(root)
    assert "agents/agent-7.yaml:1:19: files.SOUL.md.file: prompts/SOUL.md leads out of the repository" in found
    assert "agents/b.yaml:1:1: agents/b.yaml leads out of the repository" in found
    assert "agents/c.yaml:1:1: is not there" in found
    assert any(line.startswith("agents/d.yaml:1:1: agents/d.yaml cannot be read") for line in found)
    with pytest.raises(InvalidRepository, match="leads out"):
        read_folder(root)


def test_a_folder_of_a_link_leads_nowhere_else_either(root: Path) -> None:
    put(root.parent / "outside/a.md", "hidden")
    (root / "linked").symlink_to(root.parent / "outside")
    put(root / "agents/agent-7.yaml", "files: {SOUL.md: {file: linked/a.md}}\n")
    assert any("linked/a.md leads out of the repository" in line for line in faults(root))


def test_what_is_no_text_file_is_told(root: Path) -> None:
    os.mkfifo(root / "prompts/pipe.md")
    put(root / "agents/agent-7.yaml", "files: {SOUL.md: {file: prompts}, USER.md: {file: prompts/pipe.md}, MEMORY.md: {file: big.md}}\n")
    with (root / "big.md").open("wb") as file:
        file.truncate(MAX_BYTES + 1)
    found = faults(root)
    for reason in ("prompts is no file", "prompts/pipe.md is no file", "big.md has more than 2,000,000 bytes"):
        assert any(line.endswith(reason) for line in found), found


def test_files_that_would_be_passed_over_are_told(root: Path) -> None:
    for path in ("agents/a.yml", "fleet.yml", "agents/prod/a.yaml", "alerts/x/y/z.yml"):
        put(root / path, "{}\n")
    assert faults(root) == [
        "agents/a.yml:1:1: is not read: its name must end in .yaml",
        "agents/prod/a.yaml:1:1: is not read: it must stand in agents itself, not in a folder below",
        "alerts/x/y/z.yml:1:1: is not read: it must stand in alerts itself, not in a folder below",
        "fleet.yml:1:1: is not read: its name must end in .yaml",
    ]


def test_names_that_are_no_text_are_told(root: Path) -> None:
    put(Path(os.fsdecode(os.fsencode(root) + b"/agents/\xff.yaml")), "{}\n")
    assert any("UTF-8" in line for line in faults(root))


def test_a_folder_without_a_repository_is_told(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("x")
    assert faults(tmp_path) == [f"fleet.yaml:1:1: {tmp_path} is no fleet repository: there is nothing in agents, shards, alerts"]
