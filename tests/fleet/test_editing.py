"""Copies and new names of files: what they change, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from clawpulse.fleet import parse
from clawpulse.fleet.editing import Edit, Refused, clone, rename, write
from tests.fleet.repositories import BASE, FILES, SMART

TAGGED = {**FILES, "agents/agent-7.yaml": "# seven\ntags: {shard: acme, tier: smart}  # both\npaused: true\n"}


def after(files: dict[str, str], edit: Edit) -> dict[str, str]:
    return {path: text for path, text in {**files, **edit.texts}.items() if path != edit.gone}


@pytest.mark.parametrize(
    ("source", "new", "path"),
    [
        ("agents/tier-smart.yaml", "tier-bulk", "agents/tier-bulk.yaml"),
        ("tier-smart", "bulk", "agents/tier-bulk.yaml"),
        ("acme", "globex", "shards/globex.yaml"),
        ("agent-7", "agent-8", "agents/agent-8.yaml"),
        ("_base", "agents/tier-new.yaml", "agents/tier-new.yaml"),
        ("tier-smart", "shards/new.yaml", "shards/new.yaml"),
        ("agent-7", "tier-new", "agents/tier-new.yaml"),
    ],
)
def test_a_copy_has_the_same_text(source: str, new: str, path: str) -> None:
    edit = clone({**FILES, "agents/tier-smart.yaml": f"# comment\n{SMART}"}, source, new)
    assert (edit.path, edit.gone, list(edit.texts)) == (path, None, [path])
    assert edit.texts[path] in (f"# comment\n{SMART}", *FILES.values())
    parse(after(FILES, edit))


@pytest.mark.parametrize(
    ("source", "new", "reason"),
    [
        ("tier-smrt", "x", "there is no tier-smrt; did you mean tier-smart?"),
        ("zzz", "x", "there is no zzz; there are agents/_base.yaml, agents/agent-7.yaml,"),
        ("tier-smart", "tier-smart", "agents/tier-smart.yaml is there already"),
        ("tier-smart", "a,b", "the name of the file must be the value of a tag"),
        ("agent-7", "-x", "the name of the file must be an agent's id"),
        ("tier-smart", "agents/agent-9.yaml", "that would be a fault: agents/agent-9.yaml:5:1: budgets: is not known"),
        ("acme", "../../x", "must be a path within the repository"),
        ("acme", "/tmp/x", "must be a path within the repository"),
        ("acme", "prompts/x.md", "is no name for a tier, shard or agent"),
        ("prompts/AGENTS.md", "x", "is the file of no tier, shard or agent"),
    ],
)
def test_a_copy_is_refused_with_the_reason(source: str, new: str, reason: str) -> None:
    with pytest.raises(Refused) as caught:
        clone(FILES, source, new)
    assert reason in str(caught.value)


def test_a_faulty_repository_is_left_alone() -> None:
    for edit in (clone, rename):
        with pytest.raises(Refused, match=r"has 2 faults, the first: agents/tier-smart\.yaml:1:1: a: is not known"):
            edit({**FILES, "agents/tier-smart.yaml": "a: 1\nb: 2\n"}, "acme", "new")


def test_a_name_that_two_files_have_needs_a_path() -> None:
    files = {**FILES, "agents/acme.yaml": "{}\n"}
    with pytest.raises(Refused, match=r"acme is the name of agents/acme\.yaml and shards/acme\.yaml: give the path"):
        clone(files, "acme", "new")
    assert clone(files, "shards/acme.yaml", "new").path == "shards/new.yaml"


def test_a_tier_is_renamed_where_agents_name_it_comments_and_all() -> None:
    edit = rename(TAGGED, "tier-smart", "very smart")
    assert (edit.path, edit.gone) == ("agents/tier-very smart.yaml", "agents/tier-smart.yaml")
    assert edit.texts["agents/agent-7.yaml"] == '# seven\ntags: {shard: acme, tier: "very smart"}  # both\npaused: true\n'
    repository = parse(after(TAGGED, edit))
    assert repository.document("agent-7", {}) == parse(TAGGED).document("agent-7", {})
    assert repository.tiers == ["very smart"]


def test_a_shard_is_renamed_too_and_words_of_yaml_are_quoted() -> None:
    edit = rename(TAGGED, "acme", "no")
    assert edit.texts["agents/agent-7.yaml"] == '# seven\ntags: {shard: "no", tier: smart}  # both\npaused: true\n'
    assert parse(after(TAGGED, edit)).shards == ["no"]


def test_an_agent_is_renamed_with_its_text() -> None:
    edit = rename(TAGGED, "agent-7", "agent-8")
    assert (edit.path, edit.texts) == ("agents/agent-8.yaml", {"agents/agent-8.yaml": TAGGED["agents/agent-7.yaml"]})


def test_a_prompt_is_renamed_in_all_layers() -> None:
    files = {**FILES, "shards/acme.yaml": "files:\n  AGENTS.md:\n    file: 'prompts/AGENTS.md' # é\n  SOUL.md: {file: prompts/AGENTS.md}\n"}
    edit = rename(files, "prompts/AGENTS.md", "texts/all.md")
    assert edit.texts["shards/acme.yaml"] == "files:\n  AGENTS.md:\n    file: texts/all.md # é\n  SOUL.md: {file: texts/all.md}\n"
    assert edit.texts["agents/_base.yaml"] == BASE.replace("prompts/AGENTS.md", "texts/all.md")
    assert "prompts/AGENTS.md" not in after(files, edit)
    parse(after(files, edit))


def test_lines_end_as_they_did() -> None:
    files = {**TAGGED, "agents/agent-7.yaml": "tags:\r\n  tier: smart\r\n  shard: acme\r\n"}
    assert rename(files, "tier-smart", "x").texts["agents/agent-7.yaml"] == "tags:\r\n  tier: x\r\n  shard: acme\r\n"


def test_places_that_are_not_understood_are_told() -> None:
    files = {
        **TAGGED,
        "alerts/a.yaml": "name: a\nwhen: {metric: x}\nselect: {tier: smart}\n",
        "fleet.yaml": "# first tier=smart.\nrollout: {}\n# not tier=smarter\n",
    }
    assert rename(files, "tier-smart", "x").mentions == ["alerts/a.yaml:3", "fleet.yaml:1"]


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("_base", "agents/other.yaml", "agents/_base.yaml keeps its name"),
        ("fleet.yaml", "x.yaml", "fleet.yaml keeps its name"),
        ("alerts/a.yaml", "alerts/b.yaml", "alerts/a.yaml keeps its name"),
        ("tier-smart", "shards/smart.yaml", "shards/smart.yaml would be something else than agents/tier-smart.yaml"),
        ("agent-7", "tier-7", "agents/tier-7.yaml would be something else than agents/agent-7.yaml"),
        ("prompts/AGENTS.md", "agents/x.yaml", "agents/x.yaml would be something else than prompts/AGENTS.md"),
        ("prompts/AGENTS.md", ".hidden/x.md", "must not begin with a dot"),
        ("acme", "acme", "shards/acme.yaml is there already"),
    ],
)
def test_a_new_name_is_refused_with_the_reason(old: str, new: str, reason: str) -> None:
    files = {**FILES, "alerts/a.yaml": "rules: []\n", "fleet.yaml": "rollout: {}\n"}
    with pytest.raises(Refused) as caught:
        rename(files, old, new)
    assert reason in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "openclaw: {x: &t smart}\ntags: {tier: *t}\n",
        "openclaw: {x: &t {tier: smart}}\ntags: {<<: *t}\n",
        "tags:\n  tier: >-\n    smart\n",
    ],
)
def test_a_name_that_cannot_be_changed_safely_is_left_to_people(text: str) -> None:
    with pytest.raises(Refused, match="by hand"):
        rename({**FILES, "agents/agent-7.yaml": text}, "tier-smart", "x")


def test_files_are_written_and_none_over_another(tmp_path: Path) -> None:
    for path, text in TAGGED.items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(text)
    edit = rename(TAGGED, "prompts/AGENTS.md", "texts/all.md")
    write(tmp_path, edit)
    found = {path.relative_to(tmp_path).as_posix(): path.read_text() for path in tmp_path.rglob("*") if path.is_file()}
    assert found == after(TAGGED, edit)
    (tmp_path / "agents/tier-x.yaml").write_text("mine")
    with pytest.raises(FileExistsError):
        write(tmp_path, rename(found, "tier-smart", "x"))
    assert (tmp_path / "agents/tier-x.yaml").read_text() == "mine"
    assert (tmp_path / "agents/tier-smart.yaml").exists()
