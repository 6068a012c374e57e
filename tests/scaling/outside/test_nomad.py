"""Nomad's autoscaler: the job is valid, its query finds a group's count, and without one nothing is done."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from functions.domain.times import MINUTE_MS
from tests.api.test_scaling import POLICY, decision, put
from tests.api.world import World
from tests.scaling.outside import nomad
from tests.scaling.outside.prometheus import selected
from tests.scaling.outside.test_prometheus import scraped

JOB = nomad.read("nomad/agents.nomad.hcl")["job"][0]["agents-fast"]
AGENT = nomad.read("nomad/autoscaler.hcl")
(SCALING,) = JOB["group"][0]["agents"]["scaling"]
CHECK: dict[str, Any] = SCALING["policy"][0]["check"][0]["desired"]


def test_the_job_is_what_nomad_takes() -> None:
    assert nomad.check(SCALING) == []


@pytest.mark.parametrize(("key", "value"), [("cooldown", "15 seconds"), ("on_check_error", "error"), ("cooldowns", "15s"), ("check", [])])
def test_the_check_sees_what_nomad_refuses(key: str, value: object) -> None:
    document = copy.deepcopy(SCALING)
    document["policy"][0][key] = value
    assert len(nomad.check(document)) == 1


def test_plugins_are_those_of_the_agent() -> None:
    (source,) = AGENT["apm"]
    assert source[CHECK["source"]]["driver"] == "prometheus"
    assert source[CHECK["source"]]["config"]["address"].startswith("http")
    (strategy,) = CHECK["strategy"]
    assert strategy.keys() == AGENT["strategy"][0].keys() == {"pass-through"}


def test_the_count_follows_what_is_desired(world: World) -> None:
    world.fleet.put_settings("team", "scaling-policy", POLICY)
    series, labels = selected(CHECK["query"])
    for version, (count, desired) in enumerate([(2, 9), (9, 3), (39, 100)], 1):
        put(world, decision(desired=desired), version=version)
        found = [value for group, value in scraped(world)[series].items() if {"group": group} == labels]
        assert nomad.pass_through(count, found, SCALING["min"], SCALING["max"]) == min(desired, 40)


def test_a_stale_group_changes_nothing(world: World) -> None:
    world.fleet.put_settings("team", "scaling-policy", POLICY)
    put(world, decision(time=world.now - 10 * MINUTE_MS))
    put(world, decision("acme"), tags="tier=acme")
    series, labels = selected(CHECK["query"])
    found = [value for group, value in scraped(world).get(series, {}).items() if {"group": group} == labels]
    assert nomad.pass_through(7, found, SCALING["min"], SCALING["max"]) == 7
