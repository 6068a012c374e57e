"""Answers about rollouts, rotations, keys and cohorts, made by the API's own models."""

from __future__ import annotations

import json
from typing import Any

from functions.api.key_view import AllKeys, KeySchedule, LastRotation, ProviderKeys, StoredKeyAnswer, StrayKey
from functions.api.models import Answer
from functions.api.rollout_comparison import Comparison, Side
from functions.api.rollout_view import EntryAnswer, brief, details
from functions.api.rotation_view import brief as rotation_brief
from functions.api.rotation_view import details as rotation_details
from functions.domain.rollout import Finding, Hold, HoldCause, Member, MemberState, Outcome, Phase, Policy, Rollout, Verdict, Wave
from functions.domain.rollout_plan import counts
from functions.domain.rotation import Alias, Check, Rotation, RotationPhase

MINUTE = 60_000
ID = "r1jb0al920c5h"
KEY = "k1jb0al920c5h"
OLD, NEW = "sha256:0a1b2c3d", "sha256:9f8e7d6c"


def plain(answer: Answer) -> Any:
    """As it comes over the wire."""
    return json.loads(answer.model_dump_json(by_alias=True))


def wave(number: int, states: list[MemberState], now: int, stage: str = "prod", detail: str = "") -> Wave:
    return Wave(
        number=number,
        stage=stage,
        members=[
            Member(
                agent=f"fast-{number}{place:02d}",
                before="a" * 64,
                after="b" * 64,
                state=state,
                since=0 if state is MemberState.WAITING else now - 4 * MINUTE,
                applied_at=now - 3 * MINUTE if state is MemberState.APPLIED else None,
                detail=detail if state is MemberState.FAILED else "",
                tags={"env": stage, "tier": "fast"},
            )
            for place, state in enumerate(states)
        ],
    )


def plan(now: int, detail: str = "no such model: swift/two") -> list[Wave]:
    """Two waves are told, one of whose agents failed; one waits."""
    state = MemberState
    return [
        wave(0, [state.APPLIED], now, "staging"),
        wave(1, [state.APPLIED] * 3 + [state.FAILED, state.ASLEEP], now, detail=detail),
        wave(2, [state.WAITING] * 64, now),
    ]


def verdict(now: int, outcome: Outcome = Outcome.PASS, number: int = 1, reason: str = "as good as before") -> Verdict:
    findings = [
        Finding(metric="task.errors", outcome=outcome, wave=0.081, past=0.02, control=0.027, evidence=160.0, reason="8.1 % of 240 tasks"),
        Finding(metric="task.latency_ms", outcome=Outcome.PASS, wave=1320.0, past=1310.0, control=1290.0, evidence=0.4, reason="as before"),
        Finding(metric="task.cost_usd", outcome=Outcome.INCONCLUSIVE, reason="no task reported a price"),
    ]
    return Verdict(
        outcome=outcome, reason=reason, findings=findings, tasks=240, control_tasks=5_200, control_agents=64, looked_at=now, wave=number
    )


def rollout(now: int, waves: list[Wave], **changes: Any) -> Rollout:
    fields: dict[str, Any] = {
        "id": ID,
        "title": "model.primary: swift/one → swift/two",
        "created": now - 40 * MINUTE,
        "by": "ada",
        "selector": "tier=fast",
        "change": {"patch": {"model": {"primary": "swift/two"}}},
        "policy": Policy(),
        "phase": Phase.BAKING,
        "since": now - 3 * MINUTE,
        "reason": "wave 2 of 3 (prod): as good as before",
        "wave": 1,
        "bake_until": now + 7 * MINUTE,
        "waves": len(waves),
        "members": sum(len(one.members) for one in waves),
        "counts": counts(waves),
        "verdicts": [verdict(now, number=0), verdict(now)],
    }
    return Rollout(**{**fields, **changes})


def held(now: int, waves: list[Wave], **changes: Any) -> Rollout:
    """Waits for an approval."""
    hold = Hold(cause=HoldCause.APPROVAL, reason="the policy wants an approval before wave 3")
    fields: dict[str, Any] = {"phase": Phase.WAITING, "hold": hold, "reason": hold.reason, "wave": 2, "policy": Policy(approve=("wave:2",))}
    return rollout(now, waves, **{**fields, **changes})


def shown(head: Rollout, waves: list[Wave], now: int) -> Any:
    return plain(details(head, waves, str, now))


def listed(*heads: Rollout, cursor: str | None = None) -> Any:
    return {"rollouts": [plain(brief(one, str)) for one in heads], "next": cursor}


def log(now: int, *entries: tuple[str, str, str]) -> Any:
    return {
        "entries": [plain(EntryAnswer(at=now + place, by=by, action=action, text=text)) for place, (by, action, text) in enumerate(entries)]
    }


def comparison(now: int, number: int = 1) -> Any:
    """An hour and a half, a point a minute; the canary's errors rise with the change."""
    times = [now // MINUTE * MINUTE - offset * MINUTE for offset in range(70, 0, -1)]
    after = [offset > 60 for offset in range(70)]

    def side(agents: int, looked: int, rate: float) -> Side:
        wobble = [1 + (place * 7 % 5 - 2) / 20 for place in range(70)]
        return Side(
            agents=agents,
            looked_at=looked,
            tasks=[round(agents * 2 * one) for one in wobble],
            error_rate=[(rate if late else 0.02) * one for late, one in zip(after, wobble, strict=True)],
            p50=[620.0 * one for one in wobble],
            p95=[1300.0 * one for one in reversed(wobble)],
            cost_per_task=[None] * 70,
            tokens_per_task=[180.0 * one for one in wobble],
        )

    made = Comparison(
        wave=number,
        changed=times[60],
        step=60,
        times=times,
        origin="agents of later waves",
        canary=side(3, 3, 0.08),
        control=side(64, 50, 0.02),
    )
    return plain(made)


def rotation(now: int, **changes: Any) -> Rotation:
    fields: dict[str, Any] = {
        "id": KEY,
        "provider": "anthropic",
        "created": now - 20 * MINUTE,
        "by": "ada",
        "new": NEW,
        "old": OLD,
        "since": now - 5 * MINUTE,
        "phase": RotationPhase.ROLLING,
        "reason": "the agents are brought to the new key",
        "rollout": ID,
        "checks": [
            Check(name="differs", ok=True, detail="another key than the one in use"),
            Check(name="vault", ok=False, detail="sealed", retry=True),
            Check(name="fleet", ok=False, detail="12 of 40 agents are red"),
        ],
    }
    return Rotation(**{**fields, **changes})


def rotation_shown(head: Rotation, now: int) -> Any:
    waves = plan(now)
    keys = rollout(now, waves, channel="keys:anthropic", change={"rotation": KEY, "provider": "anthropic", "abort_above": 0.02})
    return plain(rotation_details(head, [head.id], (keys, waves), str, now))


def rotations_listed(*heads: Rotation) -> Any:
    queue = [one.id for one in heads]
    return {"rotations": [plain(rotation_brief(one, queue, str)) for one in heads], "next": None}


def keys(now: int, **changes: Any) -> Any:
    day = 24 * 60 * MINUTE

    def stored(alias: Alias, fingerprint: str, days: float, overdue: bool = False, shard: str = "") -> StoredKeyAnswer:
        return StoredKeyAnswer(
            shard=shard,
            alias=alias,
            fingerprint=fingerprint,
            id=None,
            created=round(now - days * day),
            age_days=days,
            overdue=overdue,
            assigned=30,
            reported=28,
        )

    fields: dict[str, Any] = {
        "provider": "anthropic",
        "kind": "anthropic",
        "max_age_days": 90,
        "schedule": KeySchedule(every_days=60, source="vault", due=now + 3 * day),
        "vault": None,
        "keys": [stored(Alias.CURRENT, OLD, 97.0, overdue=True), stored(Alias.CURRENT, NEW, 12.0, shard="acme")],
        "others": [StrayKey(fingerprint="sha256:deadbeef", assigned=0, reported=2)],
        "agents": 30,
        "behind": 2,
        "errors": {"fast-003": "the provider answers 401"},
        "last": LastRotation(id=KEY, phase=RotationPhase.SUCCEEDED, since=now - 97 * day, reason="all agents have the new key"),
    }
    return plain(AllKeys(providers=[ProviderKeys(**{**fields, **changes})]))
