"""A fleet and its repository, for the tests of the API and the command line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from functions.domain.desired import Desired, desired, hash_of
from functions.domain.fleet import decode_snapshot, encode_snapshot
from functions.domain.rollout import FINAL, UNMANAGED, MemberState, Phase, Rollout
from functions.domain.times import HOUR_MS
from functions.ports import Resolution
from tests.api.world import NOW, World, agent, rollup

CHEAP, DEAR = "anthropic/claude-haiku-4-5", "anthropic/claude-opus-4-5"
BASE = f"model: {{primary: {CHEAP}}}\nfiles: {{AGENTS.md: {{file: prompts/agents.md}}}}\n"
FILES = {
    "agents/_base.yaml": BASE,
    "agents/tier-smart.yaml": f"model:\n  primary: {DEAR}\n",
    "prompts/agents.md": "# Who you are\n\nYou help people.\n",
}
RULES = "rules:\n  - name: slow\n    when: {metric: task.latency_ms, aggregation: p95, over: 5m, above: 500}\n"
HOUR = NOW // HOUR_MS


def people(world: World, *tiers: str, **more: Any) -> list[str]:
    """Put agents `a0`, `a1`, … of these tiers, that were first seen a month ago; their ids."""
    states = [agent(f"a{number}", f"tier={tier},env=prod", **more) for number, tier in enumerate(tiers)]
    for state in states:
        state.first_seen = NOW - 30 * 24 * HOUR_MS
    world.seal(*states)
    return [state.id for state in states]


def used(world: World, *agents: str, tokens_in: float = 1_000_000, tokens_out: float = 100_000, hours: int = 168) -> None:
    """Store what each agent used in each of the last hours."""
    made = rollup({("task.tokens_in", "tier=x"): [tokens_in], ("task.tokens_out", "tier=x"): [tokens_out]}, HOUR * 60)
    for hour in range(HOUR - hours, HOUR):
        world.rollups.put_agents("team", Resolution.HOUR, hour, dict.fromkeys(agents, made), 0)


def give(world: World, agent: str, document: Mapping[str, Any]) -> Desired:
    """Set an agent's desired configuration."""
    made = desired(document, time=NOW, by="hand")
    assert world.desired.put("team", agent, made, world.desired.hash_of("team", agent))
    return made


def end(world: World, id: str, phase: Phase = Phase.SUCCEEDED) -> Rollout:
    """End a rollout as the engine does: members have what it brought, or what they had."""
    found = world.rollouts.read("team", id)
    assert found
    head, waves = found
    brought = phase is Phase.SUCCEEDED
    texts = world.rollouts.documents("team", {hash for wave in waves for one in wave.members for hash in (one.before, one.after)})
    for member in (member for wave in waves for member in wave.members):
        member.state = MemberState.APPLIED if brought else MemberState.REVERTED
        wanted, seen = member.after if brought else member.before, world.desired.hash_of("team", member.agent)
        if (seen or UNMANAGED) != wanted:
            made = Desired(text=texts[wanted], hash=hash_of(texts[wanted]), time=NOW, by="rollout")
            assert world.desired.put("team", member.agent, made, seen)
    after = msgspec.structs.replace(head, phase=phase, notices=[], version=head.version + 1)
    assert phase in FINAL
    assert world.rollouts.save("team", after, waves, [])
    return after


def report(world: World, *agents: str, **config: str | None) -> None:
    """Have agents report that they have written and applied what is desired, or what is given; the next tick has seen it."""
    data = world.fleet.snapshot("team")
    assert data
    snapshot = decode_snapshot(data)
    for name in agents:
        hash = world.desired.hash_of("team", name)
        state = snapshot.agents[name]
        state.config_written, state.config_applied = config.get("written", hash), config.get("applied", hash)
        state.config_error = config.get("error")
    world.fleet.put_snapshot("team", encode_snapshot(snapshot))
