from __future__ import annotations

import random
import statistics
from itertools import islice

import pytest

from demo.profiles import MIN_AGENTS, SHARDS, TIERS, Member, Role, draw, fleet, gaps


@pytest.mark.parametrize("agents", [MIN_AGENTS, 7, 30, 31, 300])
def test_a_fleet_of_any_size_has_every_tier_both_shards_one_zombie_and_one_failing(agents: int) -> None:
    members = fleet(agents)
    assert len(members) == agents == len({member.id for member in members})
    assert {member.tier for member in members} == set(TIERS)
    assert {member.shard for member in members} == set(SHARDS)
    roles = [member.role for member in members]
    assert (roles.count(Role.ZOMBIE), roles.count(Role.FAILING)) == (1, 1)


@pytest.mark.parametrize("agents", [0, 5, 301])
def test_a_fleet_too_small_or_too_large_is_refused_with_the_bounds(agents: int) -> None:
    with pytest.raises(ValueError, match="6 to 300"):
        fleet(agents)


def test_arrivals_have_the_tiers_mean_and_the_spread_of_a_poisson_process() -> None:
    seconds = list(islice(gaps(TIERS[0], random.Random(1)), 20_000))
    mean = 60 / TIERS[0].tasks_per_minute
    assert statistics.fmean(seconds) == pytest.approx(mean, rel=0.03)
    assert statistics.stdev(seconds) == pytest.approx(mean, rel=0.03)


@pytest.mark.parametrize("tier", TIERS, ids=lambda tier: tier.name)
def test_service_times_have_the_tiers_median_and_never_pass_its_limit(tier) -> None:
    member, rng = Member(id="a", tier=tier, shard="acme", role=Role.STEADY), random.Random(2)
    seconds = [draw(member, rng).seconds for _ in range(5_000)]
    assert statistics.median(seconds) == pytest.approx(tier.median_s, rel=0.06)
    assert max(seconds) <= tier.limit_s


def test_cost_is_the_price_of_the_tokens() -> None:
    member = Member(id="a", tier=TIERS[1], shard="acme", role=Role.STEADY)
    work = draw(member, random.Random(3))
    assert work.cost_usd == pytest.approx((work.tokens_in * 3.0 + work.tokens_out * 15.0) / 1e6, abs=1e-6)


def test_half_of_the_failing_agents_tasks_fail_and_hardly_any_other() -> None:
    shares = {}
    for role in (Role.STEADY, Role.FAILING):
        member, rng = Member(id="a", tier=TIERS[0], shard="acme", role=role), random.Random(4)
        shares[role] = sum(draw(member, rng).error is not None for _ in range(4_000)) / 4_000
    assert shares[Role.STEADY] < 0.02
    assert shares[Role.FAILING] == pytest.approx(0.5, abs=0.04)
