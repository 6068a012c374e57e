"""Files of rules: checked and applied by the real API, faults shown where they stand."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from clawpulse._rules import gather
from clawpulse._yaml import Unreadable, parse
from tests.api.alerting import DEAD, SLOW
from tests.api.world import World

SOUND = """\
# two rules
packs: [cost]
rules:
  - name: slow
    severity: critical
    per: tier
    when: {metric: task.latency_ms, aggregation: p95, over: 5m, above: 500}
    expires: 2027-03-01
  - name: dead
    per: agent
    when:
      field: heartbeat_age_s
      above: 35
"""
ONE = """\
name: alone
when:
  metric: task.cost_usd
  aggregation: sum
  over: 1h
  above: 5
"""


def write(folder: Path, **files: str) -> None:
    for name, text in files.items():
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")


def test_sound_files_have_no_fault(real, tmp_path: Path) -> None:
    write(tmp_path, team=SOUND, alone=f"---\n{ONE}---\n{ONE.replace('alone', 'second')}")
    done = real("alerts", "lint", "team.yaml", "alone.yaml")
    assert (done.returncode, done.stdout, done.stderr) == (0, "4 rules, no fault\n", "")
    assert json.loads(real("alerts", "lint", "team.yaml", "--json").stdout) == {"rules": 2, "faults": []}


def test_each_fault_has_file_line_column_field_and_reason(real, tmp_path: Path) -> None:
    bad = SOUND.replace("above: 35", "abov: 35").replace("severity: critical", "severity: grave").replace("[cost]", "[cost, cots]")
    write(tmp_path, team=bad, alone=ONE.replace("over: 1h", "over: soon") + "colour: red\n")
    done = real("alerts", "lint", "team.yaml", "alone.yaml")
    assert (done.returncode, done.stderr) == (1, "")
    lines = done.stdout.splitlines()
    for start in (
        "team.yaml:2:15: packs[1]: is no pack; did you mean cost?",
        "team.yaml:5:5: rules[0].severity: must be one of",
        "team.yaml:13:7: rules[1].when.abov: is not known; did you mean above?",
        "alone.yaml:5:3: when.over: must be",
        "alone.yaml:7:1: colour: is not known",
    ):
        assert any(line.startswith(start) for line in lines), (start, lines)


def test_a_missing_key_leads_to_what_should_have_it(real, tmp_path: Path) -> None:
    write(tmp_path, team=SOUND.replace("  - name: slow\n    severity", "  - severity"))
    done = real("alerts", "lint", "team.yaml")
    assert done.stdout == "team.yaml:4:5: rules[0].name: is missing\n"


def test_names_are_unique_over_all_files(real, tmp_path: Path) -> None:
    write(tmp_path, a=ONE, b=f"rules:\n- {ONE.replace(chr(10), chr(10) + '  ')}")
    done = real("alerts", "lint", "a.yaml", "b.yaml")
    assert done.stdout == "b.yaml:2:3: rules[0].name: alone is the name of a rule above\n"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("name: a\nname: b\n", "x.yaml:2:1: name: stands there twice"),
        ("rules:\n  - when: {above: 1, above: 2}\n", "x.yaml:2:22: rules[0].when.above: stands there twice"),
        ("rules: [\n", "x.yaml:2:1: is not YAML: expected the node content, but found '<stream end>', while parsing a flow node"),
        ("a: b: c\n", "x.yaml:1:5: is not YAML: mapping values are not allowed here"),
        ("- a\n", "x.yaml:1:1: must be a mapping with rules, or one rule"),
        ("rules: all\n", "x.yaml:1:1: rules: must be a list"),
        ("1: x\n", "x.yaml:1:1: the key '1' is not text: put it in quotes"),
        ("a: .nan\n", "x.yaml:1:4: a: '.nan' is neither text, nor a finite number, nor true or false"),
        ("a: !!python/object:os.system x\n", "x.yaml:1:4: a: cannot be read: could not determine a constructor"),
        ("a: &x [*x]\n", "x.yaml:1:4: a[0]: contains itself"),
        ("a: \x07\n", "x.yaml:1:4: is not YAML: special characters are not allowed"),
    ],
)
def test_what_is_no_document_is_told_with_its_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, line: str) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path, x=text)
    with pytest.raises(Unreadable) as caught:
        gather(["x.yaml"])
    assert str(caught.value.flaws[0]).startswith(line)


def test_flaws_of_all_files_are_told_without_asking_anybody(cli, api, tmp_path: Path) -> None:
    (tmp_path / "bytes.yaml").write_bytes(b"name: \xff\n")
    write(tmp_path, twice="name: a\nname: b\n", deep="a: " + "[" * 5_000)
    done = cli("alerts", "lint", "bytes.yaml", "twice.yaml", "deep.yaml")
    assert (done.returncode, done.stderr, api.asked) == (1, "", [])
    assert [line.split(":")[0] for line in done.stdout.splitlines()] == ["bytes.yaml", "twice.yaml", "deep.yaml"]
    assert "is not UTF-8" in done.stdout
    assert "nested too deeply" in done.stdout


def test_small_files_cannot_become_large_ones() -> None:
    levels = "".join(f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 9)}]\n" for level in range(1, 9))
    with pytest.raises(Unreadable, match="more than 200000 parts"):
        parse("x", f"a0: &a0 [x]\n{levels}")


def test_aliases_merges_and_dates_are_read_as_people_mean_them() -> None:
    text = (
        "base: &b {over: 5m, above: 1}\nwhen: {<<: *b, above: 2}\nexpires: 2027-03-01\nat: 2027-03-01T08:00:00Z\nn: 1e3\nm: 1.5\nok: true\n"
    )
    (document,) = parse("x", text)
    assert document.value == {
        "base": {"over": "5m", "above": 1},
        "when": {"over": "5m", "above": 2},
        "expires": "2027-03-01",
        "at": "2027-03-01T08:00:00Z",
        "n": "1e3",
        "m": 1.5,
        "ok": True,
    }


def test_paths_lead_to_keys_with_dots_and_brackets() -> None:
    (document,) = parse("x", "labels:\n  a.b: 1\n  a: {b: 2}\n'tier=smart':\n  usd: -1\n")
    assert document.place("labels.a.b") == (2, 3)
    assert document.place("labels.a.c") == (3, 3)
    assert document.place("['tier=smart'].usd") == (5, 3)
    assert document.place("labels.zzz") == (1, 1)
    assert document.place("") == (1, 1)


def test_faults_of_what_stands_in_no_file_have_no_place(tmp_path: Path) -> None:
    write(tmp_path, x=ONE)
    union = gather([str(tmp_path / "x.yaml")])
    assert union.flaw("rules[1].name", "x") is None
    assert union.flaw("rules", "x") is None
    with pytest.raises(Unreadable):
        gather([str(tmp_path / "x.yaml"), __file__])


def own(world: World) -> dict:
    return world.fleet.settings("team", "rules") or {}


def test_files_are_applied_together(real, world: World, tmp_path: Path) -> None:
    write(tmp_path, team=SOUND, alone=ONE)
    done = real("alerts", "apply", "team.yaml", "alone.yaml")
    assert (done.returncode, done.stdout) == (0, "added: slow, dead, alone\n")
    assert ([rule["name"] for rule in own(world)["rules"]], own(world)["packs"]) == (["slow", "dead", "alone"], ["cost"])
    assert own(world)["rules"][0]["expires"] == "2027-03-01"
    assert {rule.name for rule in world.services.rules.rules("team")} > {"slow", "dead", "alone"}


def test_others_stay_unless_pruned(real, world: World, tmp_path: Path) -> None:
    world.fleet.put_settings("team", "rules", {"packs": [], "rules": [SLOW, DEAD, {**DEAD, "name": "old"}]})
    write(tmp_path, team=SOUND.replace("packs: [cost]\n", ""))
    done = real("alerts", "apply", "team.yaml", "--json")
    assert json.loads(done.stdout) == {"added": [], "changed": ["slow", "dead"], "unchanged": [], "kept": ["old"], "removed": []}
    assert own(world)["packs"] == []
    done = real("alerts", "apply", "team.yaml", "--prune")
    assert done.stdout == "unchanged: slow, dead\nremoved: old\n"
    assert [rule["name"] for rule in own(world)["rules"]] == ["slow", "dead"]


def test_faults_keep_all_as_it_was(real, world: World, tmp_path: Path) -> None:
    write(tmp_path, team=SOUND, alone=ONE.replace("above: 5", "above: much"))
    done = real("alerts", "apply", "team.yaml", "alone.yaml")
    assert done.returncode == 1
    assert done.stdout.startswith("alone.yaml:6:3: when.above: must be a number")
    assert done.stderr == "clawpulse: 1 fault; nothing was changed\n"
    write(tmp_path, alone="rules: [")
    assert "1 fault; nothing was changed" in real("alerts", "apply", "team.yaml", "alone.yaml").stderr
    assert own(world) == {}


def test_stored_rules_that_are_not_sound_any_more_are_named(real, world: World, tmp_path: Path) -> None:
    world.fleet.put_settings("team", "rules", {"rules": [{"name": "of-tomorrow", "when": {"vibes": "bad"}}]})
    write(tmp_path, alone=ONE)
    done = real("alerts", "apply", "alone.yaml")
    assert done.returncode == 1
    assert "rules[1].when.vibes" in done.stdout
    assert real("alerts", "apply", "alone.yaml", "--prune").returncode == 0


def test_somebody_who_was_faster_is_not_overwritten(cli, api, tmp_path: Path) -> None:
    write(tmp_path, alone=ONE)
    api.table["GET /api/rules"] = {"own": {}, "rules": []}
    api.table["PUT /api/rules"] = (412, {"detail": "look at the rules and try again"})
    done = cli("alerts", "apply", "alone.yaml")
    assert (done.returncode, done.stderr) == (1, "clawpulse: look at the rules and try again\n")


def test_a_file_that_is_not_there(cli) -> None:
    done = cli("alerts", "lint", "none.yaml")
    assert done.returncode == 2
    assert "none.yaml" in done.stderr


def test_rules_in_force_are_listed_with_where_they_come_from(real, world: World) -> None:
    world.fleet.put_settings("team", "rules", {"packs": ["cost"], "rules": [SLOW, {"name": "of-tomorrow"}]})
    done = real("alerts", "rules")
    assert "of-tomorrow" in done.stderr
    row = next(line for line in done.stdout.splitlines() if " slow " in line)
    assert row.split()[:5] == ["■", "critical", "slow", "own", "tier"]
    assert sum(" cost " in line for line in done.stdout.splitlines()) > 2
    assert {rule["origin"] for rule in json.loads(real("alerts", "rules", "--json").stdout)["rules"]} == {"own", "cost"}
