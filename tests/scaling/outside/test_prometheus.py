"""Prometheus, and prometheus-adapter behind it: what is scraped has the names that the HPA asks for."""

from __future__ import annotations

import re
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from functions.domain.scaling_formats import FIGURES, PREFIX
from functions.domain.times import MINUTE_MS
from tests.api.test_scaling import POLICY, decision, put, signals
from tests.api.world import World
from tests.scaling.outside.files import faults, manifest, manifests
from tests.scaling.outside.prometheus import name_of, query_of, selected

(CONFIG,) = manifests("prometheus/adapter.yaml")
(RULE,) = CONFIG["externalRules"]
METRIC: dict[str, Any] = manifest("kubernetes/hpa.yaml", "HorizontalPodAutoscaler")["spec"]["metrics"][0]["external"]["metric"]


@pytest.fixture
def decided(world: World) -> World:
    world.fleet.put_settings("team", "scaling-policy", POLICY)
    put(world, decision(desired=9, signals=signals(queue=31.0, latency=None)))
    put(world, decision("acme", desired=5), tags="shard=acme,tier=smart")
    return world


def scraped(world: World) -> dict[str, dict[str, float]]:
    """Value by series and group, asked for as the scrape configuration does."""
    ((job,),) = [document["scrape_configs"] for document in manifests("prometheus/scrape.yaml")]
    path = job["metrics_path"].removeprefix("/live")
    assert job["authorization"]["type"] == "Bearer"
    answer = world.client("read").call("GET", path)
    assert answer.status_code == 200
    families = text_string_to_metric_families(answer.text)
    return {family.name: {sample.labels["group"]: sample.value for sample in family.samples} for family in families}


def test_the_adapter_takes_its_configuration() -> None:
    assert faults("prometheus-adapter.yaml", "Config", CONFIG) == []
    assert faults("prometheus-adapter.yaml", "Config", {"externalRules": [{**RULE, "namespaced": False}]}) != []


def test_the_hpa_gets_what_the_api_would_answer(decided: World) -> None:
    found = scraped(decided)
    (series,) = [series for series in found if name_of(RULE, series) == METRIC["name"]]
    name, labels = selected(query_of(RULE, series, METRIC["selector"]["matchLabels"]))
    assert [value for group, value in found[name].items() if {"group": group} == labels] == [9.0]


def test_every_figure_has_the_same_name_both_ways() -> None:
    assert [name_of(RULE, PREFIX + figure.name) for figure in FIGURES] == [figure.name for figure in FIGURES]
    assert name_of(RULE, "node_load1") is None
    selector = re.fullmatch(r'\{__name__=~"(.+)",group!=""\}', RULE["seriesQuery"])
    assert selector
    assert all(re.fullmatch(selector[1], PREFIX + figure.name) for figure in FIGURES)


def test_a_stale_group_has_no_figures(decided: World) -> None:
    put(decided, decision("acme", time=decided.now - 10 * MINUTE_MS), tags="shard=acme,tier=smart", version=2)
    found = scraped(decided)
    assert found[f"{PREFIX}stale"] == {"fast": 0.0, "acme": 1.0}
    assert all("acme" not in values for series, values in found.items() if series not in (f"{PREFIX}stale", f"{PREFIX}age_seconds"))
    assert f"{PREFIX}latency_p95_ms" not in found, "nobody reports it, which is not 0"
