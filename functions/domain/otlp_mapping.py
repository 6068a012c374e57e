"""What OTLP metrics are called here: the table of `openclaw.*` and `gen_ai.*`; every other metric keeps its name.

The table is written down for users in functions/otlp/README.md, and a test compares the two. The first rule that fits decides. A run of
OpenClaw is recorded twice, once with its outcome and once without: the one with it counts. Of its tokens `prompt` and `total` are
sums of the others. Its gen_ai metrics repeat what its own say, so they keep their names when they come from OpenClaw.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, NamedTuple

from functions.domain import tasks
from functions.domain.cost_intake import TOKENS_CACHE_READ as TOKENS_CACHE_READ
from functions.domain.cost_intake import TOKENS_CACHE_WRITE as TOKENS_CACHE_WRITE
from functions.domain.cost_intake import WITHOUT_COST
from functions.domain.otlp_attributes import metric_name

OPENCLAW: Final = "openclaw"
LLM_LATENCY: Final = "llm.latency_ms"
LLM_ERRORS: Final = "llm.errors"
QUEUE_DEPTH: Final = "queue.depth"
ANY: Final = "*"
FAILED_OUTCOMES: Final = ("error", "failed", "timeout")
_MS: Final = {"s": 1000.0, "ms": 1.0, "us": 0.001, "ns": 0.000001}

type Form = Literal["value", "count", "mean"]
type Source = Literal["openclaw", "other", "any"]


class Target(NamedTuple):
    """Where a value goes. `value` is the value or distribution itself, `count` how many were recorded, `mean` their mean as a gauge."""

    name: str
    form: Form = "value"


class Rule(NamedTuple):
    """A row of the table."""

    metric: str
    when: Mapping[str, tuple[str, ...]]
    """Values that attributes must have; `ANY` is any value."""
    to: tuple[Target, ...]
    """Empty: it says nothing that others do not."""
    source: Source = "any"
    as_ms: bool = False
    """Whether the values are durations, to be told in ms whatever their unit."""


_LATENCY = Target(tasks.LATENCY)
_TOKENS_IN, _TOKENS_OUT = Target(tasks.TOKENS_IN), Target(tasks.TOKENS_OUT)
_LLM = Target(LLM_LATENCY)
_LLM_FAILED = (_LLM, Target(LLM_ERRORS, "count"))

RULES: Final = (
    Rule("openclaw.run.duration_ms", {"openclaw.outcome": FAILED_OUTCOMES}, (_LATENCY, Target(tasks.ERRORS, "count"))),
    Rule("openclaw.run.duration_ms", {"openclaw.outcome": (ANY,)}, (_LATENCY,)),
    Rule("openclaw.tokens", {"openclaw.token": ("input",)}, (_TOKENS_IN,)),
    Rule("openclaw.tokens", {"openclaw.token": ("cache_read",)}, (Target(TOKENS_CACHE_READ),)),
    Rule("openclaw.tokens", {"openclaw.token": ("cache_write",)}, (Target(TOKENS_CACHE_WRITE),)),
    Rule("openclaw.tokens", {"openclaw.token": ("output",)}, (_TOKENS_OUT,)),
    Rule("openclaw.tokens", {"openclaw.token": ("prompt", "total")}, ()),
    Rule("openclaw.cost.usd", {}, (Target(tasks.COST),)),
    Rule("openclaw.model_call.duration_ms", {"openclaw.errorCategory": (ANY,)}, _LLM_FAILED),
    Rule("openclaw.model_call.duration_ms", {}, (_LLM,)),
    Rule("openclaw.queue.depth", {"openclaw.channel": ("heartbeat",)}, (Target(QUEUE_DEPTH, "mean"),)),
    Rule("gen_ai.client.token.usage", {"gen_ai.token.type": ("input",)}, (_TOKENS_IN,), source="other"),
    Rule("gen_ai.client.token.usage", {"gen_ai.token.type": ("output", "completion")}, (_TOKENS_OUT,), source="other"),
    Rule(
        "gen_ai.client.operation.duration",
        {"gen_ai.operation.name": ("invoke_agent", "create_agent", "execute_tool", "invoke_workflow")},
        (Target("gen_ai.client.operation.duration"),),
        source="other",
    ),
    Rule("gen_ai.client.operation.duration", {"error.type": (ANY,)}, _LLM_FAILED, source="other", as_ms=True),
    Rule("gen_ai.client.operation.duration", {}, (_LLM,), source="other", as_ms=True),
)
FIGURES: Final = frozenset({tasks.COST, *WITHOUT_COST})
"""What tasks used and what they cost: kept together in batches, for there it is found out which tokens came without a cost."""
TELLING: Final = FIGURES | {rule.metric for rule in RULES if any(target.name in FIGURES for target in rule.to)}
"""Metrics that become such figures, and the figures themselves."""
SPLIT: Final = {
    "openclaw.tokens": "openclaw.token",
    "openclaw.context.tokens": "openclaw.context",
    "openclaw.session.state": "openclaw.state",
    "openclaw.message.processed": "openclaw.outcome",
    "gen_ai.client.token.usage": "gen_ai.token.type",
}
"""Metrics that keep their name, with the value of an attribute behind it: added up over its values they would say nothing."""


class Mapped(NamedTuple):
    """What becomes of a metric."""

    targets: tuple[Target, ...]
    factor: float = 1.0
    """Its values times this."""


def is_openclaw(scope: str, name: str) -> bool:
    """Whether OpenClaw speaks."""
    return scope == OPENCLAW or name.startswith("openclaw.")


def without_prefix(name: str, scope: str, prefix: str) -> str:
    """The name that a metric has without a `metricNamePrefix`: put before it, or instead of `openclaw`."""
    if not prefix or not name.startswith(prefix):
        return name
    rest = name[len(prefix) :].lstrip("._")
    if rest.startswith(("openclaw.", "gen_ai.")):
        return rest
    return f"{OPENCLAW}.{rest}" if rest and scope == OPENCLAW else name


def mapped(name: str, unit: str, attributes: Mapping[str, str], *, openclaw: bool) -> Mapped:
    """Where a metric's values go; `openclaw` tells that OpenClaw sends it, or speaks for this agent besides."""
    for rule in RULES:
        if rule.metric == name and _fits(rule, attributes, openclaw):
            return Mapped(rule.to, _MS.get(unit or "s", 1.0) if rule.as_ms else 1.0)
    suffix = attributes.get(SPLIT.get(name, ""), "")
    own = metric_name(f"{name}.{suffix}" if suffix else name)
    return Mapped((Target(own),) if own else ())


def _fits(rule: Rule, attributes: Mapping[str, str], openclaw: bool) -> bool:
    if rule.source != "any" and openclaw is not (rule.source == "openclaw"):
        return False
    return all((have := attributes.get(key)) is not None and (ANY in wanted or have in wanted) for key, wanted in rule.when.items())
