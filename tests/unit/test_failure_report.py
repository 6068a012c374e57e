"""What is told of failures: counts agree, and a tenant's part holds nothing of others."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from functions.domain.failure_groups import group_failures
from functions.domain.failure_report import Bucket, Kind, Meant, in_steps, kinds
from functions.domain.failures import OTHER, Failure
from functions.domain.fleet import AgentState
from functions.domain.selector import Selector
from functions.domain.times import HOUR_MS, MINUTE_MS

FLEET = {
    "a": AgentState(id="a", name="a", tags={"shard": "acme", "tier": "fast"}),
    "b": AgentState(id="b", name="b", tags={"shard": "beta"}),
    "c": AgentState(id="c", name="c", tags={"shard": "acme"}, scope={"shard": "acme"}),
    "d": AgentState(id="d", name="d"),
}
ACME, BETA = Selector.parse("shard=acme"), Selector.parse("shard=beta")
FAILURES = st.tuples(
    st.sampled_from([*FLEET, "gone", OTHER]),
    st.builds(
        Failure,
        type=st.sampled_from(["A", "B"]),
        message=st.just(""),
        tags=st.sampled_from(["", "tier=smart", "shard=acme", "shard=beta,tier=fast", OTHER]),
        count=st.integers(1, 5),
        first=st.integers(0, 3 * MINUTE_MS - 1),
        last=st.just(0),
        sample=st.sampled_from(["", "1", "2", "3"]),
    ),
)


def told(failures: list[tuple[str, Failure]], scope: Selector | None = None, **meant: object) -> dict[str, Kind]:
    minutes: dict[int, list[tuple[str, Failure]]] = {}
    for agent, one in failures:
        time = one.first
        marked = f"{agent}{one.sample}" if one.sample else ""
        at = Failure(one.type, one.message, one.tags, one.count, time, time, marked)
        minutes.setdefault(time // MINUTE_MS, []).append((agent, at))
    buckets = [Bucket(minute * MINUTE_MS, group_failures(parts)) for minute, parts in minutes.items()]
    return kinds(buckets, Meant(fleet=FLEET, scope=scope or Selector(), **meant))  # type: ignore[arg-type]


def counts(found: dict[str, Kind]) -> int:
    return sum(kind.count for kind in found.values())


@given(st.lists(FAILURES, max_size=30))
def test_all_ways_of_counting_agree(failures: list[tuple[str, Failure]]) -> None:
    found = told(failures)
    assert counts(found) == sum(one.count for _, one in failures)
    for kind in found.values():
        assert kind.count == sum(kind.agents.values()) == sum(kind.points.values()) == sum(n for _, n in in_steps(kind, STEPS))
        assert 0 <= kind.first <= kind.last < 3 * MINUTE_MS
    assert counts(found) == sum(counts(told(failures, agent=agent)) for agent in [*FLEET, "gone", OTHER])


STEPS = range(0, HOUR_MS, 5 * MINUTE_MS)


@given(st.lists(FAILURES, max_size=30))
def test_a_tenant_is_told_of_its_agents_alone(failures: list[tuple[str, Failure]]) -> None:
    whole, acme, beta = told(failures), told(failures, ACME), told(failures, BETA)
    for part, own in ((acme, {"a", "c"}), (beta, {"b"})):
        for key, kind in part.items():
            assert kind.agents.keys() <= own
            assert all(one.agent in own and one.text[0] in own for one in kind.samples)
            assert kind.count <= whole[key].count
        times = {one.first for agent, one in failures if agent in own}
        starts = {time // MINUTE_MS * MINUTE_MS for time in times}
        assert all(kind.first in times | starts and kind.last in times | starts for kind in part.values())
    assert counts(acme) + counts(beta) <= counts(whole)
    # What others send or do changes nothing of a tenant's part but, within the bucket, its first and last.
    alone = told([(agent, one) for agent, one in failures if agent in ("a", "c")], ACME)
    assert {key: (kind.count, kind.agents, kind.tiers) for key, kind in acme.items()} == {
        key: (kind.count, kind.agents, kind.tiers) for key, kind in alone.items()
    }


def test_a_token_scope_wins_over_the_points_own_tags() -> None:
    at = MINUTE_MS
    failure = Failure("A", "", "shard=beta", 1, at, at, "")
    assert counts(told([("c", failure)], ACME)) == 1
    assert counts(told([("a", failure)], ACME)) == 0
    assert counts(told([("a", failure)], BETA)) == 0
    assert counts(told([("a", failure)], selector=BETA)) == 1
