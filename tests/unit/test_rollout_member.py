from __future__ import annotations

import pytest

from functions.domain.rollout import UNMANAGED, Member, MemberState, Observed, Phase, Policy, Rollout, Seen
from functions.domain.rollout_member import View, backward, forward, refuses, runs, tell

A, B = "after", "before"
NOW = 1_700_000_000_000
LATER = "openclaw: the gateway is away (tried again in 30 s)"


def seen(written: str | None = None, applied: str | None = None, error: str | None = None, ago_s: int | None = 5) -> Seen:
    return Seen(None if ago_s is None else NOW - ago_s * 1000, applied, written, error, False, {})


@pytest.mark.parametrize(
    ("what", "it_runs", "it_refuses"),
    [
        (seen(A, A), True, False),
        (seen(None, A), True, False),
        (seen(A), True, False),
        (seen(B, B), False, False),
        (seen(A, B), False, False),
        (seen(B, A), False, False),
        (seen(), False, False),
        (seen(A, B, "no such model"), False, True),
        (seen(A, A, "no such model"), False, True),
        (seen(A, None, "no such model"), False, True),
        (seen(B, A, "no such model"), False, False),
        (seen(A, B, LATER), False, False),
        (seen(A, None, LATER), False, False),
    ],
)
def test_what_an_agent_reports(what: Seen, it_runs: bool, it_refuses: bool) -> None:
    assert (runs(what, A), refuses(what, A)) == (it_runs, it_refuses)


def test_who_never_had_any_runs_none() -> None:
    assert runs(seen(), UNMANAGED)
    assert not runs(seen("x"), UNMANAGED)


def view(what: Seen | None, has: str | None = A, *, going_back: bool = False, others_ago_s: int = 0, stepped_s: int = 5) -> View:
    rollout = Rollout(id="r", title="", created=0, by="t", policy=Policy(), waves=1, members=1, stepped_at=NOW - stepped_s * 1000)
    if going_back:
        rollout.phase, rollout.since = Phase.REVERTING, NOW - 100_000
    agents = {"other": seen(B, B, ago_s=others_ago_s)} | ({"a": what} if what else {})
    return View.of(rollout, Observed(agents, {"a": has} if has else {}), NOW)


def member(state: MemberState, since_s: int = 10, **fields: int) -> Member:
    return Member(agent="a", before=B, after=A, state=state, since=NOW - since_s * 1000, **{"told_at": 5, **fields})


S = MemberState


@pytest.mark.parametrize(
    ("what", "has", "state", "wanted"),
    [
        (seen(B, B), B, S.SENT, A),
        (seen(B, B), A, S.SENT, A),
        (seen(B, B, ago_s=121), B, S.ASLEEP, A),
        (seen(ago_s=None), B, S.ASLEEP, A),
        (None, B, S.GONE, None),
        (seen(B, B), "other", S.OVERRIDDEN, None),
        (seen(B, B), None, S.OVERRIDDEN, None),
    ],
)
def test_telling(what: Seen | None, has: str | None, state: S, wanted: str | None) -> None:
    fate = tell(member(S.WAITING, told_at=0), view(what, has))
    assert (fate.member.state, fate.wanted) == (state, wanted)
    assert fate.member.told_at == (NOW if wanted else 0)


@pytest.mark.parametrize(
    ("was", "since_s", "what", "state", "wanted"),
    [
        (S.SENT, 10, seen(B, B), S.SENT, A),
        (S.SENT, 10, seen(A, A), S.APPLIED, A),
        (S.SENT, 10, seen(A, B, "no"), S.FAILED, A),
        (S.SENT, 10, seen(A, B, LATER), S.SENT, A),
        (S.SENT, 301, seen(A, B, LATER), S.FAILED, A),
        (S.SENT, 301, seen(B, B), S.FAILED, A),
        (S.SENT, 200, seen(B, B, ago_s=150), S.SENT, A),
        (S.SENT, 301, seen(B, B, ago_s=299), S.FAILED, A),
        (S.FAILED, 400, seen(B, B), S.FAILED, A),
        (S.FAILED, 400, seen(A, A), S.APPLIED, A),
        (S.APPLIED, 400, seen(A, A, ago_s=500), S.APPLIED, A),
        (S.APPLIED, 400, seen(A, B, "no"), S.FAILED, A),
        (S.APPLIED, 400, seen(B, B), S.SENT, A),
        (S.ASLEEP, 400, seen(B, B, ago_s=500), S.ASLEEP, A),
        (S.ASLEEP, 400, seen(B, B), S.SENT, A),
        (S.GONE, 400, seen(B, B), S.SENT, A),
        (S.GONE, 400, None, S.GONE, None),
        (S.REVERTING, 10, seen(A, B, "no"), S.REVERTING, B),
        (S.REVERTING, 400, seen(A, B, "no"), S.REVERTING, B),
        (S.OVERRIDDEN, 10, seen(A, A), S.OVERRIDDEN, None),
    ],
)
def test_on_the_way_there(was: S, since_s: int, what: Seen | None, state: S, wanted: str | None) -> None:
    fate = forward(member(was, since_s), view(what))
    assert (fate.member.state, fate.wanted) == (state, wanted)
    assert fate.member.since == (NOW if state is not was else NOW - since_s * 1000)


def test_who_is_to_be_told_anew_waits_for_that_once_it_is_back() -> None:
    assert forward(member(S.REVERTING), view(seen(B, B), B)).member.state is S.WAITING
    assert forward(member(S.REVERTING, 400), view(seen(A, B, "no"), B)).member.state is S.FAILED


@pytest.mark.parametrize(
    ("was", "since_s", "what", "has", "state", "wanted"),
    [
        (S.APPLIED, 200, seen(A, A), A, S.REVERTING, B),
        (S.SENT, 200, seen(B, B), A, S.REVERTING, B),
        (S.FAILED, 200, seen(A, B, "no"), A, S.REVERTING, B),
        (S.FAILED, 200, seen(A, B, "no"), B, S.REVERTING, B),
        (S.REVERTING, 10, seen(B, B), B, S.REVERTED, B),
        (S.REVERTING, 10, seen(B, A), B, S.REVERTING, B),
        (S.REVERTING, 10, seen(A, A, ago_s=121), B, S.ASLEEP, B),
        (S.REVERTING, 301, seen(A, A), B, S.FAILED, B),
        (S.REVERTING, 301, seen(A, A), A, S.REVERTING, B),
        (S.REVERTING, 10, seen(B, A, LATER), B, S.REVERTING, B),
        (S.FAILED, 10, seen(B, A, "no"), B, S.FAILED, B),
        (S.FAILED, 10, seen(B, B), B, S.REVERTED, B),
        (S.ASLEEP, 10, seen(A, A), B, S.REVERTING, B),
        (S.REVERTED, 10, seen(A, A), B, S.REVERTING, B),
        (S.REVERTED, 10, None, B, S.GONE, B),
        (S.APPLIED, 10, None, A, S.GONE, B),
        (S.APPLIED, 10, seen(A, A), "other", S.OVERRIDDEN, None),
    ],
)
def test_on_the_way_back(was: S, since_s: int, what: Seen | None, has: str, state: S, wanted: str | None) -> None:
    fate = backward(member(was, since_s), view(what, has, going_back=True))
    assert (fate.member.state, fate.wanted) == (state, wanted)


def test_who_was_never_told_has_nothing_to_go_back_from() -> None:
    waiting = member(S.WAITING, told_at=0)
    assert backward(waiting, view(seen(A, A), A, going_back=True)) == (waiting, None)


def test_who_refuses_to_go_back_is_told_what_it_runs_and_then_asked_anew() -> None:
    refusing = seen(B, A, "no")
    first = backward(member(S.REVERTING), view(refusing, B, going_back=True))
    assert (first.member.state, first.member.tries, first.wanted) == (S.REVERTING, 1, A)
    still = backward(first.member, view(refusing, A, going_back=True))
    assert (still.member.tries, still.wanted) == (1, A)
    second = backward(still.member, view(seen(A, A), A, going_back=True))
    assert (second.member.tries, second.wanted) == (2, B)
    end = backward(second.member, view(refusing, B, going_back=True))
    assert (end.member.state, end.member.detail, end.wanted) == (S.FAILED, "no", B)


def test_nobody_is_late_or_asleep_while_nobody_is_heard_or_nobody_looked() -> None:
    late = member(S.SENT, 1_000)
    assert forward(late, view(seen(B, B, ago_s=900), others_ago_s=500)).member == late
    assert tell(member(S.WAITING), view(seen(B, B, ago_s=900), B, others_ago_s=500)).member.state is S.SENT
    begun = forward(late, view(seen(B, B), stepped_s=1_000)).member
    assert (begun.state, begun.since) == (S.SENT, NOW)
