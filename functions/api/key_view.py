"""How each provider's API keys look in answers: by fingerprint, age, and who uses which. No key is ever in one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from pydantic import Field

from functions.api.models import Answer, Moment
from functions.domain.fleet import AgentState
from functions.domain.key_settings import ProviderSettings
from functions.domain.rotation import Alias, Rotation, RotationPhase, StoredKey
from functions.domain.times import DAY_MS
from functions.domain.wire import KeyReport


class KeySchedule(Answer):
    """When a provider's key is rotated by itself."""

    every_days: int
    source: str = Field(description="vault or provider.")
    due: Moment | None = Field(description="Null while the age of the present key is not known.")


class StoredKeyAnswer(Answer):
    """A key in Vault, by its fingerprint."""

    shard: str = Field(description="Of a shard with keys of its own; empty: the workspace's.")
    alias: Alias
    fingerprint: str
    id: str | None = Field(description="What the provider calls it, if that is known.")
    created: Moment
    age_days: float
    overdue: bool = Field(description="In use for longer than the provider's key may be.")
    assigned: int = Field(description="Agents that should use it.")
    reported: int = Field(description="Agents that say they use it.")


class StrayKey(Answer):
    """A fingerprint that agents have, and Vault does not."""

    fingerprint: str
    assigned: int
    reported: int


class LastRotation(Answer):
    """The newest rotation of a provider that was no dry run."""

    id: str
    phase: RotationPhase
    since: Moment
    reason: str


class ProviderKeys(Answer):
    """A provider's keys."""

    provider: str
    kind: str | None = Field(description="anthropic, openai or http; null for one that agents name and key-settings do not.")
    max_age_days: int | None
    schedule: KeySchedule | None
    vault: str | None = Field(description="Why what Vault has is not known; null when it is.")
    keys: list[StoredKeyAnswer]
    others: list[StrayKey]
    agents: int = Field(description="That use the provider, or should.")
    behind: int = Field(description="Those of them that do not say they use the key that they should use.")
    errors: dict[str, str] = Field(description="By agent: why it does not use the key that it should use, as it says.")
    last: LastRotation | None


class AllKeys(Answer):
    """All providers, by name."""

    providers: list[ProviderKeys]


@dataclass(frozen=True, slots=True)
class Stock:
    """What Vault has of a provider."""

    keys: Sequence[tuple[str, Alias, StoredKey]] = ()
    """With shard and alias."""
    fault: str | None = None


@dataclass(frozen=True, slots=True)
class Use:
    """What agents have of a provider."""

    assigned: Mapping[str, str]
    """Fingerprints by agent."""
    told: Mapping[str, KeyReport]
    """By agent."""
    at_assigned: Counter[str] = field(init=False)
    at_reported: Counter[str] = field(init=False)

    def __post_init__(self) -> None:
        """Count."""
        object.__setattr__(self, "at_assigned", Counter(self.assigned.values()))
        object.__setattr__(self, "at_reported", Counter(report.fingerprint for report in self.told.values() if report.fingerprint))

    @property
    def agents(self) -> list[str]:
        """All that use it, or should."""
        return sorted({*self.assigned, *self.told})

    def behind(self) -> int:
        """How many do not say that they use the one assigned."""
        return sum(agent not in self.told or self.told[agent].fingerprint != wanted for agent, wanted in self.assigned.items())


def use_of(provider: str, agents: Iterable[AgentState], assigned: Mapping[str, Mapping[str, str]]) -> Use:
    """What the agents that are in service have of a provider."""
    there = [state for state in agents if not state.retired]
    return Use(
        {state.id: assigned[state.id][provider] for state in there if provider in assigned.get(state.id, {})},
        {state.id: state.keys[provider] for state in there if provider in state.keys},
    )


def provider_keys(
    name: str, settings: ProviderSettings | None, stock: Stock, use: Use, rotations: Sequence[Rotation], now: int
) -> ProviderKeys:
    """All of a provider; `rotations` newest first."""
    known = {key.fingerprint for _, _, key in stock.keys}
    current = next((key for shard, alias, key in stock.keys if not shard and alias is Alias.CURRENT), None)
    last = next((one for one in rotations if one.provider == name and not one.dry_run), None)
    return ProviderKeys.model_construct(
        provider=name,
        kind=settings.kind if settings else None,
        max_age_days=settings.max_age_days if settings else None,
        schedule=_schedule(settings, current),
        vault=stock.fault,
        keys=[_stored(shard, alias, key, settings, use, now) for shard, alias, key in stock.keys],
        others=[
            StrayKey.model_construct(fingerprint=one, assigned=use.at_assigned[one], reported=use.at_reported[one])
            for one in sorted({*use.at_assigned, *use.at_reported} - known)
        ],
        agents=len(use.agents),
        behind=use.behind(),
        errors={agent: report.error for agent, report in sorted(use.told.items()) if report.error},
        last=LastRotation.model_construct(id=last.id, phase=last.phase, since=last.since, reason=last.reason) if last else None,
    )


def own_shards(name: str, rotations: Iterable[Rotation]) -> list[str]:
    """Shards that have, or had, keys of their own: they were rotated by themselves, which is how such keys come to be."""
    return sorted({one.shard for one in rotations if one.provider == name and one.shard and not one.dry_run})


def _stored(shard: str, alias: Alias, key: StoredKey, settings: ProviderSettings | None, use: Use, now: int) -> StoredKeyAnswer:
    age = max(0, now - key.created) / DAY_MS
    return StoredKeyAnswer.model_construct(
        shard=shard,
        alias=alias,
        fingerprint=key.fingerprint,
        id=key.id,
        created=key.created,
        age_days=round(age, 2),
        overdue=alias is Alias.CURRENT and settings is not None and age > settings.max_age_days,
        assigned=use.at_assigned[key.fingerprint],
        reported=use.at_reported[key.fingerprint],
    )


def _schedule(settings: ProviderSettings | None, current: StoredKey | None) -> KeySchedule | None:
    if settings is None or settings.schedule is None:
        return None
    every = settings.schedule.every_days
    return KeySchedule.model_construct(
        every_days=every, source=settings.schedule.source, due=current.created + every * DAY_MS if current else None
    )
