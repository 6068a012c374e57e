from __future__ import annotations

from typing import Any

import pytest

from cdk.app import read_context
from cdk.app_stack import log_retention
from cdk.settings import LOG_RETENTION_DAYS, SettingsError, load
from functions.runtime.vault_settings import VaultSettings


def stage(**settings: Any) -> Any:
    return load({"stages": {"test": settings}}, "test")


@pytest.mark.parametrize(("name", "raw"), [("live", True), ("lean", False)])
def test_the_stages_of_the_repository_are_good(name: str, raw: bool) -> None:
    found = load(read_context(), name)
    assert (found.name, found.raw_history, found.retained) == (name, raw, True)


def test_everything_has_a_default() -> None:
    found = stage()
    assert found.raw_history
    assert list(found.workspaces) == ["default"]
    assert found.alarm_email is None


def test_functions_read_of_vault_what_the_stage_says() -> None:
    said = {"vaultAddress": "https://vault.example:8200", "vaultRole": "clawpulse", "vaultMount": "team/kv", "vaultNamespace": "admin/eu"}
    found = VaultSettings.from_env(stage(**said).vault.environment())
    assert found == VaultSettings(
        vault_address="https://vault.example:8200", vault_role="clawpulse", vault_mount="team/kv", vault_namespace="admin/eu"
    )
    assert VaultSettings.from_env(stage().vault.environment()) == VaultSettings.from_env({}) == VaultSettings()


def test_what_the_cdk_command_passes_on_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CDK_CONTEXT_JSON", '{"stage": "lean"}')
    assert read_context()["stage"] == "lean"
    assert "live" in read_context()["stages"]


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="frozen"):
        stage().buckets = 9


@pytest.mark.parametrize(
    ("settings", "field", "reason"),
    [
        ({"rawHistry": True}, "rawHistry", "not permitted"),
        ({"rawHistory": "maybe"}, "rawHistory", "boolean"),
        ({"buckets": 0}, "buckets", "greater than or equal to 1"),
        ({"logRetentionDays": 31}, "logRetentionDays", "logs can be kept for 1, 3,"),
        ({"alarmEmail": "nobody"}, "alarmEmail", "pattern"),
        ({"vaultNamespace": "a b"}, "vaultNamespace", "pattern"),
        ({"removal": "keep"}, "removal", "'retain' or 'destroy'"),
        ({"workspaces": {}}, "workspaces", "at least 1"),
        ({"workspaces": {"Team A": {}}}, "workspaces.Team A", "pattern"),
        ({"workspaces": {"a": {"rate": 0}}}, "workspaces.a.rate", "greater than or equal to 1"),
        ({"workspaces": {"a": {"rate": 9, "burst": 3}}}, "workspaces.a", "burst (3) must not be below rate (9)"),
    ],
)
def test_faults_are_named(settings: dict[str, Any], field: str, reason: str) -> None:
    with pytest.raises(SettingsError) as caught:
        stage(**settings)
    line = str(caught.value).splitlines()[1]
    assert line.startswith(f"- {field}")
    assert reason in line


def test_all_faults_are_named_at_once() -> None:
    with pytest.raises(SettingsError) as caught:
        stage(buckets=0, removal="keep")
    assert len(str(caught.value).splitlines()) == 3


@pytest.mark.parametrize(
    ("context", "reason"),
    [
        ({}, "must name at least one stage"),
        ({"stages": {}}, "must name at least one stage"),
        ({"stages": {"dev": {}}}, "no stage 'test'; cdk.json has dev"),
        ({"stages": {"test": 3}}, "must be an object"),
    ],
)
def test_a_missing_stage_is_named(context: dict[str, Any], reason: str) -> None:
    with pytest.raises(SettingsError, match=reason):
        load(context, "test")


def test_a_stage_name_must_fit_into_names_of_stacks() -> None:
    with pytest.raises(SettingsError, match="name"):
        load({"stages": {"My Stage": {}}}, "My Stage")


def test_the_cdk_knows_each_retention() -> None:
    assert len({log_retention(days) for days in LOG_RETENTION_DAYS}) == len(LOG_RETENTION_DAYS)
