"""Decisions in the formats of other programs: flat numbers, Prometheus text, Kubernetes' external metrics. Pure.

A figure that nobody knows is absent, never 0: who asks for it by name is told so.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from functions.domain.errors import InvalidInput
from functions.domain.scaling import Decision, Signal
from functions.domain.scaling_state import GroupState

PREFIX: Final = "clawpulse_scaling_"
EXTERNAL: Final = "external.metrics.k8s.io/v1beta1"
_KEY = r"[A-Za-z0-9](?:[A-Za-z0-9_./-]*[A-Za-z0-9])?"
_VALUE = r"[A-Za-z0-9._-]*"
_SET = re.compile(rf"({_KEY})\s+(in|notin)\s+\(\s*({_VALUE}(?:\s*,\s*{_VALUE})*)\s*\)")
_EQUAL = re.compile(rf"({_KEY})\s*(==|=|!=)\s*({_VALUE})")
_PARTS = re.compile(r",(?![^(]*\))")
MAX_SELECTOR: Final = 1024


@dataclass(frozen=True, slots=True)
class Figure:
    """One number of a group: how it is called, what it is."""

    name: str
    help: str
    signal: Signal | None = None
    baseline: bool = False

    def of(self, decision: Decision) -> float | None:
        """Its value; None when it is not known."""
        if self.signal is None:
            return float(getattr(decision, self.name))
        state = next((state for state in decision.signals if state.signal is self.signal), None)
        return None if state is None else state.baseline if self.baseline else state.value


FIGURES: Final = (
    Figure("desired", "Agents that the group should have."),
    Figure("current", "Agents that are alive."),
    Figure("wanted", "Agents that the signals ask for, before steps, cooldowns and bounds."),
    Figure("min", "Agents that the policy allows at least."),
    Figure("max", "Agents that the policy allows at most."),
    Figure("queue_depth", "Tasks that wait.", Signal.QUEUE),
    Figure("latency_p95_ms", "p95 of task latency, ms.", Signal.LATENCY),
    Figure("latency_baseline_ms", "p95 of task latency in the seven days before, ms.", Signal.LATENCY, baseline=True),
    Figure("saturation", "Active over greatest concurrency, a fraction.", Signal.SATURATION),
    Figure("rate_limited_per_minute", "429s of the models' providers in a minute.", Signal.RATE_LIMITED),
    Figure("cost_usd_per_hour", "What tasks cost in an hour, USD.", Signal.COST),
    Figure("cost_baseline_usd_per_hour", "What they cost in a mean hour of the seven days before, USD.", Signal.COST, baseline=True),
)
BY_NAME: Final = {figure.name: figure for figure in FIGURES}


def prometheus(states: Iterable[GroupState], now: int) -> str:
    """Text format 0.0.4. Of a group that nothing is known of now there is `stale` and its age, and no other number."""
    states = list(states)
    fresh = [state for state in states if not state.stale(now)]
    lines = _family(
        "stale", "Whether nothing is known of the group now: then it has no other figures.", states, lambda s: float(s.stale(now))
    )
    lines += _family("age_seconds", "Age of what the decision was made from.", states, lambda s: (now - s.decision.time) / 1000)
    for figure in FIGURES:
        lines += _family(figure.name, figure.help, fresh, lambda state, figure=figure: figure.of(state.decision))
    return "".join(f"{line}\n" for line in lines)


def _family(name: str, help: str, states: Iterable[GroupState], value: Any) -> list[str]:
    found = [(state.group, value(state)) for state in states]
    samples = [f'{PREFIX}{name}{{group="{group}"}} {number!r}' for group, number in found if number is not None]
    return [f"# HELP {PREFIX}{name} {help}", f"# TYPE {PREFIX}{name} gauge", *samples] if samples else []


def external_values(figure: Figure, states: Iterable[GroupState], stamp: Mapping[str, str]) -> dict[str, Any]:
    """An `ExternalMetricValueList`; `stamp` has the time of each group as RFC 3339."""
    items = [
        {
            "metricName": figure.name,
            "metricLabels": {"group": state.group},
            "timestamp": stamp[state.group],
            "value": quantity(value),
        }
        for state in states
        if (value := figure.of(state.decision)) is not None
    ]
    return {"kind": "ExternalMetricValueList", "apiVersion": EXTERNAL, "metadata": {}, "items": items}


def external_resources() -> dict[str, Any]:
    """The `APIResourceList` of the group: one resource a figure."""
    resources = [
        {"name": figure.name, "singularName": "", "namespaced": True, "kind": "ExternalMetricValueList", "verbs": ["get"]}
        for figure in FIGURES
    ]
    return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": EXTERNAL, "resources": resources}


def quantity(value: float) -> str:
    """A Kubernetes quantity, to a thousandth: `7`, `850m`."""
    thousandths = round(value * 1000)
    return f"{thousandths}m" if thousandths % 1000 else str(thousandths // 1000)


def chosen_by_labels(text: str, labels: Mapping[str, str]) -> bool:
    """Whether labels satisfy a Kubernetes label selector: `group=fast`, `group in (fast,smart)`. Raises `InvalidInput`."""
    if len(text) > MAX_SELECTOR:
        raise InvalidInput(f"has more than {MAX_SELECTOR} characters", "labelSelector")
    # All of them, so that a fault is told whatever stands before it.
    held = [_holds(part.strip(), labels) for part in _PARTS.split(text) if part.strip()]
    return all(held)


def _holds(part: str, labels: Mapping[str, str]) -> bool:
    if found := _SET.fullmatch(part):
        key, operator, values = found.groups()
        return (labels.get(key) in [value.strip() for value in values.split(",")]) is (operator == "in")
    if found := _EQUAL.fullmatch(part):
        key, operator, value = found.groups()
        return (labels.get(key) == value) is (operator != "!=")
    if re.fullmatch(rf"!?{_KEY}", part):
        return (part.removeprefix("!") in labels) is not part.startswith("!")
    raise InvalidInput(
        f"{part[:80]!r} is not of the form key=value, key!=value, key in (a,b), key notin (a,b), key or !key", "labelSelector"
    )
