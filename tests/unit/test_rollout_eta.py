"""When a rollout will probably be through."""

from __future__ import annotations

import msgspec
import pytest

from functions.domain.rollout import Member, MemberState, Phase, Policy, Reversibility, Rollout, Wave
from functions.domain.rollout_eta import APPLY_MS, eta
from functions.domain.rollout_plan import begin

NOW = 1_800_000_000_000
BAKE_MS = 600_000


@pytest.fixture
def planned() -> tuple[Rollout, list[Wave]]:
    """Two waves of one agent each, baked for ten minutes."""
    members = [Member(agent=name, before="x", after="y") for name in ("a1", "a2")]
    rollout, waves, _ = begin(id="r1", title="t", by="ada", now=NOW, members=members, policy=Policy(wave_size=1, order=()))
    return rollout, waves


def test_each_wave_is_applied_and_bakes(planned: tuple[Rollout, list[Wave]]) -> None:
    assert eta(*planned, NOW) == NOW + 2 * (APPLY_MS + BAKE_MS)


@pytest.mark.parametrize(
    ("changes", "bakes"),
    [
        ({"gateless": True}, 0),
        ({"policy": Policy(gates=False)}, 0),
        ({"skipping": True}, 1),
        ({"joined": 1}, 1),
        ({"reversibility": Reversibility.IRREVERSIBLE}, 6),
    ],
)
def test_only_waves_with_a_gate_bake(planned: tuple[Rollout, list[Wave]], changes: dict[str, object], bakes: int) -> None:
    rollout, waves = planned
    assert eta(msgspec.structs.replace(rollout, **changes), waves, NOW) == NOW + 2 * APPLY_MS + bakes * BAKE_MS


def test_after_the_last_wave_has_passed_nothing_bakes(planned: tuple[Rollout, list[Wave]]) -> None:
    rollout, waves = planned
    for wave in waves:
        wave.members[:] = [msgspec.structs.replace(member, state=MemberState.APPLIED) for member in wave.members]
    over = msgspec.structs.replace(rollout, phase=Phase.APPLYING, wave=1, passed=True)
    assert eta(over, waves, NOW) == NOW
