"""Plans rollouts: which members are told together, in which order.

    plan(members, policy) -> waves          begin(...) -> Rollout, waves, first line of the audit log: what `RolloutStore.create` takes

Stages (the values of the policy's order tag) follow each other; each goes through waves of its own. Within a stage the members' order is
the policy's `sort_by`, if it has one. Otherwise they are spread over their tiers: the first of each tier come first, the largest tier's
before all, then every tier in proportion. So a small wave meets each kind of agent that there is, and a small tier still has unchanged
agents to be compared with. The same members and policy always give the same waves.
"""

from __future__ import annotations

from base64 import b32hexencode
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from itertools import pairwise
from typing import Any

from functions.domain.errors import InvalidInput
from functions.domain.rollout import MAX_WAVE, Entry, Member, Phase, Policy, Reversibility, Rollout, Wave

SPREAD_TAG = "tier"
"""Members are spread over its values."""
MAX_WAVES = 1_000
_TIME_BYTES = 6
_ID_CHARS = 9


def new_id(now: int, random: bytes) -> str:
    """An id that sorts by time: `r`, nine characters of time (ms), three of at least two random bytes. Lower-case letters and digits."""
    time = b32hexencode((now << 3).to_bytes(_TIME_BYTES, "big"))[:_ID_CHARS]
    return "r" + (time + b32hexencode(random)[:3]).decode().lower()


def plan(members: Iterable[Member], policy: Policy) -> list[Wave]:
    """The waves: each member in exactly one, none empty, none larger than `MAX_WAVE`. Raises `InvalidInput` for too many waves."""
    waves: list[Wave] = []
    for stage, group in _stages(members, policy):
        ordered = _ordered(group, policy.sort_by)
        for start, end in pairwise([0, *_ends(len(ordered), policy)]):
            waves.append(Wave(number=len(waves), stage=stage, members=ordered[start:end]))
    if len(waves) > MAX_WAVES:
        raise InvalidInput(f"makes {len(waves)} waves, at most {MAX_WAVES} are possible: make them larger", "policy.wave_size")
    return waves


def begin(
    *,
    id: str,
    title: str,
    by: str,
    now: int,
    members: Iterable[Member],
    policy: Policy,
    selector: str = "",
    change: Mapping[str, Any] | None = None,
    revision: int | None = None,
    reversibility: Reversibility = Reversibility.REVERSIBLE,
    backup_by: str | None = None,
) -> tuple[Rollout, list[Wave], list[Entry]]:
    """A new rollout of at least one member. Raises `InvalidInput`, also for an irreversible one without a backup."""
    if reversibility is Reversibility.IRREVERSIBLE and not backup_by:
        raise InvalidInput("is needed: the change is irreversible, so somebody has to acknowledge that there is a backup", "backup")
    waves = plan(members, policy)
    if not waves:
        raise InvalidInput("no agent would change", "tags")
    amount = sum(len(wave.members) for wave in waves)
    rollout = Rollout(
        id=id,
        title=title,
        created=now,
        by=by,
        selector=selector,
        change=dict(change or {}),
        revision=revision,
        policy=policy,
        reversibility=reversibility,
        backup_by=backup_by,
        phase=Phase.WAITING,
        since=now,
        reason="begins",
        waves=len(waves),
        members=amount,
        counts=counts(waves),
    )
    text = f"{title}: {amount} agent{'s' * (amount > 1)} in {len(waves)} wave{'s' * (len(waves) > 1)}"
    if backup_by:
        text += f", irreversible, backup acknowledged by {backup_by}"
    shared = shared_tags(member for wave in waves for member in wave.members)
    return rollout, waves, [Entry(at=now, rollout=id, by=by, action="created", text=text, title=title, tags=shared)]


def counts(waves: Iterable[Wave]) -> dict[str, int]:
    """Members by state."""
    return dict(sorted(Counter(member.state.value for wave in waves for member in wave.members).items()))


def shared_tags(members: Iterable[Member]) -> dict[str, str]:
    """What all of them have in common."""
    shared: dict[str, str] | None = None
    for member in members:
        shared = dict(member.tags) if shared is None else {key: value for key, value in shared.items() if member.tags.get(key) == value}
    return shared or {}


def share(text: str, amount: int, *, up: bool) -> int:
    """How many of `amount` a number or percents (`5`, `12.5%`) are, rounded up or down."""
    if not text.endswith("%"):
        return min(amount, int(text))
    exact = Fraction(text[:-1]) * amount / 100
    return min(amount, -(-exact.numerator // exact.denominator) if up else int(exact))


def _stages(members: Iterable[Member], policy: Policy) -> list[tuple[str, list[Member]]]:
    """Members by the value of the order tag; values that are not named come just before the last that is."""
    if not policy.order:
        return [("", list(members))]
    groups: defaultdict[str, list[Member]] = defaultdict(list)
    for member in members:
        groups[member.tags.get(policy.order_tag, "")].append(member)
    unnamed = sorted(groups.keys() - set(policy.order))
    return [(stage, groups[stage]) for stage in (*policy.order[:-1], *unnamed, policy.order[-1]) if stage in groups]


def _ordered(members: Sequence[Member], sort_by: Sequence[str]) -> list[Member]:
    if sort_by:
        # Members without the tag come last.
        return sorted(members, key=lambda member: (*((key not in member.tags, member.tags.get(key, "")) for key in sort_by), member.agent))
    kinds: defaultdict[str, list[Member]] = defaultdict(list)
    for member in sorted(members, key=lambda member: member.agent):
        kinds[member.tags.get(SPREAD_TAG, "")].append(member)
    placed = [
        (Fraction(place, len(kind)), -len(kind), name, member.agent, member)
        for name, kind in kinds.items()
        for place, member in enumerate(kind)
    ]
    return [member for *_, member in sorted(placed, key=lambda entry: entry[:4])]


def _ends(amount: int, policy: Policy) -> list[int]:
    """How many of a stage's members have been told after each wave, growing up to all of them."""
    if policy.wave_size:
        wanted = [*range(policy.wave_size, amount, policy.wave_size), amount]
    else:
        wanted = [*(share(text, amount, up=True) for text in policy.waves), amount]
    ends: list[int] = []
    for end in wanted:
        last = ends[-1] if ends else 0
        ends += [*range(last + MAX_WAVE, end, MAX_WAVE), end] if end > last else []
    return ends
