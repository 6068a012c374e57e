"""What an emergency rotation does to a fleet, in words: shown before it is confirmed."""

from __future__ import annotations

from collections.abc import Mapping

from functions.domain.alert_text import span
from functions.domain.rotation import Rotation
from functions.domain.rotation_fleet import Fleet, named
from functions.domain.rotation_view import KeyAgent
from functions.domain.times import SECOND_MS


def consequences(
    rotation: Rotation, agents: Mapping[str, KeyAgent], now: int, *, apart: frozenset[str] = frozenset(), running: str | None = None
) -> list[str]:
    """Sentences. `rotation.old` is the fingerprint of the key in use; `running` is the id of the rotation that this one waits for."""
    fleet = Fleet(agents, rotation, apart, now)
    awake = {id: agent for id, agent in fleet.members.items() if fleet.awake(agent)}
    asleep = {id: agent for id, agent in fleet.members.items() if id not in awake}
    left = {id: agent for id, agent in fleet.users(rotation.old).items() if id not in fleet.members}
    longest = span(rotation.policy.apply_s * SECOND_MS)
    told = [
        f"The key of {rotation.provider} in use is revoked as soon as the new one is in Vault: from then on every call with it fails.",
        f"Tasks fail until each agent has the new key, mostly under a minute, at most {longest} unless it refuses it: {named(awake)}.",
        "All get it at once: no waves, no gate, and no way back, for the old key is no use to anybody any more.",
    ]
    if running:
        told.insert(0, f"It waits for the rotation {running}, which is under way; abort that one if this cannot wait.")
    if asleep:
        told.append(f"Silent, so that their tasks fail until they are heard of again: {named(asleep)}.")
    if left:
        told.append(f"Outside of the selection, with the same key: tasks fail until another rotation of {named(left)}.")
    if fleet.mute:
        told.append(
            f"Without reports of keys of {rotation.provider}, so that whoever uses this one needs the new one by hand: {named(fleet.mute)}."
        )
    return told
