from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from clawpulse.fleet.merging import merge
from functions.domain.fleet_layers import Layers, change, layers, same

SECRETS = st.sampled_from([{"secret": "x"}, {"secret": "y"}])
SCALARS = st.booleans() | st.integers(0, 2) | st.sampled_from(["", "x", 1.0])
VALUES = st.recursive(
    SCALARS | SECRETS | st.lists(SCALARS, max_size=2), lambda inner: st.dictionaries(st.sampled_from("abc"), inner, max_size=3)
)
DOCUMENTS = st.dictionaries(st.sampled_from(["model", "files", "limits"]), VALUES, max_size=3)
AGENTS = st.dictionaries(
    st.sampled_from([f"a{number}" for number in range(8)]),
    st.tuples(DOCUMENTS, st.fixed_dictionaries({}, optional={"tier": st.sampled_from("st"), "shard": st.sampled_from("uv")})),
    max_size=8,
)


def compiled(made: Layers, agent: str, tags: dict[str, str]) -> dict[str, Any]:
    found = dict(made.base)
    for layer in (made.tiers.get(tags.get("tier", "")), made.shards.get(tags.get("shard", "")), made.agents.get(agent)):
        found = merge(found, layer or {})
    return found


@given(AGENTS, st.sets(st.sampled_from("st")), st.sets(st.sampled_from("uv")))
def test_merging_the_layers_gives_the_documents(fleet: dict[str, Any], tiers: set[str], shards: set[str]) -> None:
    documents = {agent: document for agent, (document, _) in fleet.items()}
    made = layers(documents, {agent: tags for agent, (_, tags) in fleet.items()}, tiers=tiers, shards=shards)
    assert made.tiers.keys() <= tiers
    assert made.shards.keys() <= shards
    for agent, (document, tags) in fleet.items():
        assert same(compiled(made, agent, tags), document)


@given(DOCUMENTS, DOCUMENTS)
def test_a_change_leads_from_one_to_the_other(below: dict[str, Any], wanted: dict[str, Any]) -> None:
    assert same(merge(below, change(below, wanted)), wanted)
    assert (change(below, wanted) == {}) == same(below, wanted)


def test_what_all_have_in_common_stands_once() -> None:
    smart, fast = ({"model": {"primary": name, "fallbacks": ["f"]}, "limits": {"concurrency": 4}} for name in ("dear", "cheap"))
    documents = {"a1": smart, "a2": smart, "b1": fast, "b2": fast, "b3": {**fast, "paused": True}}
    tags = {agent: {"tier": "smart" if agent.startswith("a") else "fast", "shard": "acme"} for agent in documents}
    made = layers(documents, tags, tiers=("smart", "fast"), shards=("acme",))
    assert made == Layers(
        base={"model": {"fallbacks": ["f"]}, "limits": {"concurrency": 4}},
        tiers={"smart": {"model": {"primary": "dear"}}, "fast": {"model": {"primary": "cheap"}}},
        agents={"b3": {"paused": True}},
    )


def test_most_agents_decide_whether_there_is_a_base() -> None:
    document = {"paused": True}
    few = layers({"a": document, "b": {}, "c": {}}, {}, tiers=(), shards=())
    assert few == Layers(agents={"a": document})
    many = layers({"a": document, "b": document, "c": {}}, {}, tiers=(), shards=())
    assert many == Layers(base=document, agents={"c": {"paused": None}})


def test_hooks_are_shared_whole() -> None:
    documents = {agent: {"hooks": {"m": {"command": "migrate", "arguments": [agent]}, "n": {"command": "note"}}} for agent in ("a", "b")}
    assert layers(documents, {}, tiers=(), shards=()).base == {"hooks": {"n": {"command": "note"}}}
