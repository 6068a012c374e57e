from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.domain.errors import InvalidInput
from functions.domain.rollout import MAX_WAVE, Member, Phase, Policy, Reversibility, Wave
from functions.domain.rollout_plan import begin, new_id, plan, share


def member(agent: str, **tags: str) -> Member:
    return Member(agent=agent, before="b", after="a", tags=tags)


def fleet(amount: int, **tags: str) -> list[Member]:
    return [member(f"a-{number:04}", **tags) for number in range(amount)]


def shape(waves: list[Wave]) -> list[tuple[str, int]]:
    return [(wave.stage, len(wave.members)) for wave in waves]


@pytest.mark.parametrize(
    ("amount", "policy", "sizes"),
    [
        (40, Policy(), [1, 4, 5, 30]),
        (1, Policy(), [1]),
        (3, Policy(), [1, 2]),
        (5, Policy(), [1, 4]),
        (500, Policy(), [1, 4, 120, 375]),
        (10, Policy(waves=("50%",)), [5, 5]),
        (10, Policy(waves=("5", "10%", "100%")), [5, 5]),
        (3, Policy(waves=("0.5%", "34%")), [1, 1, 1]),
        (10, Policy(wave_size=4), [4, 4, 2]),
        (8, Policy(wave_size=4), [4, 4]),
        (4_500, Policy(waves=("100%",)), [MAX_WAVE, MAX_WAVE, 500]),
    ],
)
def test_waves_grow_by_number_and_share_and_none_is_empty(amount: int, policy: Policy, sizes: list[int]) -> None:
    assert [len(wave.members) for wave in plan(fleet(amount), policy)] == sizes


def test_stages_follow_the_named_order_and_unnamed_ones_come_before_the_last() -> None:
    members = [member(f"{env}-{number}", env=env) for env in ("prod", "qa", "staging", "canary") for number in range(2)]
    members.append(member("none"))
    assert shape(plan(members, Policy())) == [
        *(("staging", 1), ("staging", 1)),
        ("", 1),
        *(("canary", 1), ("canary", 1), ("qa", 1), ("qa", 1), ("prod", 1), ("prod", 1)),
    ]
    assert shape(plan(members, Policy(order=()))) == [("", 1), ("", 4), ("", 4)]
    assert [wave.stage for wave in plan(members, Policy(order=("prod", "staging"), waves=("100%",)))] == [
        "prod",
        "",
        "canary",
        "qa",
        "staging",
    ]


def test_a_small_wave_meets_every_tier_and_leaves_some_of_each() -> None:
    members = [member(f"fast-{number:02}", tier="fast") for number in range(90)]
    members += [member(f"smart-{number:02}", tier="smart") for number in range(8)] + [member("x-1"), member("x-2")]
    waves = plan(members, Policy())
    assert [m.agent for m in waves[0].members] == ["fast-00"]
    assert [m.agent for m in waves[1].members] == ["smart-00", "x-1", "fast-01", "fast-02"]
    told = [m.tags.get("tier") for wave in waves[:3] for m in wave.members]
    assert {tier: told.count(tier) for tier in ("fast", "smart", None)} == {"fast": 22, "smart": 2, None: 1}


def test_sort_by_is_followed_to_the_letter() -> None:
    members = [member("a", zone="2"), member("b", zone="1", rack="9"), member("c"), member("d", zone="1", rack="2")]
    waves = plan(members, Policy(sort_by=("zone", "rack"), wave_size=1))
    assert [m.agent for wave in waves for m in wave.members] == ["d", "b", "a", "c"]


MEMBERS = st.lists(
    st.builds(
        member,
        st.uuids().map(str),
        env=st.sampled_from(["staging", "prod", "x", ""]),
        tier=st.sampled_from(["fast", "smart", ""]),
    ),
    max_size=60,
    unique_by=lambda m: m.agent,
)


@given(
    MEMBERS, st.lists(st.sampled_from(["1", "5", "7%", "25%", "60%"]), min_size=1, unique=True), st.none() | st.integers(1, 9), st.randoms()
)
def test_each_member_is_in_exactly_one_wave_whatever_order_they_come_in(
    members: list[Member], waves: list[str], size: int | None, shuffler: object
) -> None:
    policy = Policy(waves=tuple(waves), wave_size=size)
    planned = plan(members, policy)
    assert sorted(m.agent for wave in planned for m in wave.members) == sorted(m.agent for m in members)
    assert [wave.number for wave in planned] == list(range(len(planned)))
    assert all(wave.members and len({m.tags["env"] for m in wave.members}) == 1 for wave in planned)
    assert size is None or all(len(wave.members) <= size for wave in planned)
    shuffled = list(members)
    shuffler.shuffle(shuffled)  # type: ignore[attr-defined]
    assert plan(shuffled, policy) == planned


def test_too_many_waves_are_refused() -> None:
    with pytest.raises(InvalidInput, match="makes 1001 waves, at most 1000"):
        plan(fleet(1_001), Policy(wave_size=1))


@pytest.mark.parametrize(
    ("text", "amount", "down", "up"), [("5", 3, 3, 3), ("25%", 10, 2, 3), ("100%", 7, 7, 7), ("0.1%", 10, 0, 1), ("33.33%", 3, 0, 1)]
)
def test_shares_are_exact(text: str, amount: int, down: int, up: int) -> None:
    assert (share(text, amount, up=False), share(text, amount, up=True)) == (down, up)


def test_a_new_rollout_waits_and_the_log_says_who_began_it() -> None:
    members = fleet(3, env="prod", team="x")
    rollout, waves, entries = begin(id="r1", title="model: a → b", by="t-1", now=5, members=members, policy=Policy(), revision=12)
    assert (rollout.phase, rollout.waves, rollout.members, rollout.counts) == (Phase.WAITING, 2, 3, {"waiting": 3})
    assert (rollout.revision, rollout.since, rollout.version) == (12, 5, 0)
    assert [(entry.by, entry.action, entry.text, entry.tags) for entry in entries] == [
        ("t-1", "created", "model: a → b: 3 agents in 2 waves", {"env": "prod", "team": "x"})
    ]
    assert len(waves) == 2


def test_what_cannot_begin_says_why() -> None:
    with pytest.raises(InvalidInput, match="no agent would change"):
        begin(id="r1", title="", by="t", now=5, members=[], policy=Policy())
    with pytest.raises(InvalidInput, match="backup: is needed: the change is irreversible"):
        begin(id="r1", title="", by="t", now=5, members=fleet(1), policy=Policy(), reversibility=Reversibility.IRREVERSIBLE)


@given(st.integers(1_600_000_000_000, 4_000_000_000_000), st.integers(1, 10**12), st.binary(min_size=2, max_size=8))
def test_ids_sort_by_time(now: int, later: int, random: bytes) -> None:
    first, second = new_id(now, random), new_id(now + later, b"\0\0")
    assert first < second
    assert len(first) == len(second) == 13
    assert first.isalnum()
    assert first.islower()
