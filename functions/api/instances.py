"""How one agent looks in answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field, computed_field

from functions.api.models import Answer, Moment
from functions.domain.fleet import AgentState, Gauges, Percentiles, Rates
from functions.domain.summary import fresh
from functions.domain.times import MINUTES_PER_HOUR
from functions.domain.wire import KeyReport


class HealthAnswer(Answer):
    """A colour, why, and since when."""

    status: str = Field(description="green, yellow, red or grey.")
    reason: str
    since: Moment | None


class LatencyAnswer(Answer):
    """Percentiles of task latency in ms, 1 % relative error; null without a measured task."""

    p50: float | None = None
    p95: float | None = None
    p99: float | None = None


class ConfigAnswer(Answer):
    """An agent's configuration, by the hashes of its documents; null: not set, or not told."""

    desired: str | None = Field(description="What operators want it to have.")
    written: str | None = Field(description="What it has on disk, as it says.")
    applied: str | None = Field(description="What is in force, as it says.")
    error: str | None = Field(description="Why the desired one could not be written or applied, as it says.")


class KeyAnswer(Answer):
    """An agent's API key of one provider, by fingerprint; null: not assigned, or not told."""

    assigned: str | None = Field(description="Of the key that it should use.")
    reported: str | None = Field(description="Of the key that it uses, as it says.")
    error: str | None = Field(description="Why it does not use the assigned one, as it says.")
    used: Moment | None = Field(description="When the provider last took it, by the agent's clock.")


class Instance(Answer):
    """One agent. Rates are of the last five minutes, null without a task in them; gauges are null when nothing was heard lately."""

    id: str
    name: str
    tags: dict[str, str] = Field(description="Effective: its own, overlaid by remote ones, overlaid by its token's scope.")
    health: HealthAnswer
    last_seen: Moment | None
    first_seen: Moment | None
    owner: str | None
    model: str | None
    host: str | None
    versions: dict[str, str]
    retired: bool
    expected: bool | None = Field(description="What operators said of it; null when nobody did.")
    shadow: str | None = Field(description="Why it is a shadow agent; null when it is none.")
    tasks_per_minute: float | None
    error_rate: float | None = Field(description="Fraction of the tasks that finished.")
    latency: LatencyAnswer
    tokens_per_minute: float | None
    cost_per_hour: float | None = Field(description="USD; null when no task reported a price.")
    queue_depth: float | None
    active_workers: float | None
    max_workers: float | None
    cpu: float | None
    memory: float | None
    open_tasks: int
    config: ConfigAnswer
    keys: dict[str, KeyAnswer] = Field(description="By provider.")

    @computed_field(alias="last_seen")  # type: ignore[prop-decorator]
    @property
    def last_seen_by_contract(self) -> Moment | None:
        """The same as lastSeen."""
        return self.last_seen


def instance(state: AgentState, time: int, desired: str | None, keys: Mapping[str, str]) -> Instance:
    """An agent as of the snapshot's time (ms); `desired` is the hash of its desired configuration, `keys` its assigned fingerprints."""
    return Instance.model_construct(
        id=state.id,
        name=state.name,
        tags=state.tags,
        health=HealthAnswer.model_construct(status=state.health.status.value, reason=state.health.reason, since=state.health.since or None),
        last_seen=state.last_seen,
        first_seen=state.first_seen,
        owner=state.owner,
        model=state.model,
        host=state.host,
        versions=state.versions,
        retired=state.retired,
        expected=state.expected,
        shadow=state.shadow,
        open_tasks=state.progress.open_tasks,
        config=ConfigAnswer.model_construct(
            desired=desired, written=state.config_written, applied=state.config_applied, error=state.config_error
        ),
        keys={provider: key_answer(keys.get(provider), state.keys.get(provider)) for provider in sorted({*keys, *state.keys})},
        **_rates(state.last_5_minutes) | {gauge: fresh(state, gauge, time) for gauge in Gauges.__struct_fields__},
    )


def key_answer(assigned: str | None, told: KeyReport | None) -> KeyAnswer:
    """What is known of an agent's key of one provider."""
    told = told or KeyReport()
    return KeyAnswer.model_construct(assigned=assigned, reported=told.fingerprint, error=told.error, used=told.used)


def _rates(rates: Rates | None) -> dict[str, Any]:
    if rates is None or not rates.tasks:
        return dict.fromkeys(("tasks_per_minute", "error_rate", "tokens_per_minute", "cost_per_hour")) | {"latency": LatencyAnswer()}
    return {
        "tasks_per_minute": rates.tasks / rates.minutes,
        "error_rate": rates.error_rate,
        "tokens_per_minute": (rates.tokens_in + rates.tokens_out) / rates.minutes,
        "cost_per_hour": None if rates.cost_usd is None else rates.cost_usd / rates.minutes * MINUTES_PER_HOUR,
        "latency": _latency(rates.latency),
    }


def _latency(found: Percentiles | None) -> LatencyAnswer:
    return LatencyAnswer(p50=found.p50, p95=found.p95, p99=found.p99) if found else LatencyAnswer()
