"""Strategies for rule documents: any shape that the schema allows, and what a careless hand makes of them."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

DURATIONS = st.sampled_from(["1m", "5m", "15m", "2h", "1h30m", "1d"])
NAMES = st.sampled_from(["task.latency_ms", "task.tokens_out", "llm.rate_limited", "queue.depth"])
AGGREGATIONS = st.sampled_from(["avg", "sum", "rate", "count", "min", "max", "last", "p50", "p95", "p99.9"])
NUMBERS = st.one_of(st.integers(-1000, 1000), st.floats(-1e6, 1e6))
FACTORS = st.floats(0.01, 100).filter(lambda factor: factor != 1)
SELECTORS = st.sampled_from(["env=prod", "tier!=batch,region=~eu-.*", "agent=a-7", ""])
ROLLUPS = ("trailing_7d", "same_hour_of_week", "previous_window", "fleet_median")


def some(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """A mapping with some of these keys."""
    return st.fixed_dictionaries({}, optional=fields)


def bounds() -> st.SearchStrategy[dict[str, Any]]:
    return st.sampled_from(["above", "below"]).flatmap(lambda key: st.fixed_dictionaries({key: NUMBERS}))


def baselines(kinds: tuple[str, ...] = ROLLUPS) -> st.SearchStrategy[dict[str, Any]]:
    one = st.fixed_dictionaries({"of": st.sampled_from(kinds), "factor": FACTORS}, optional={"min_points": st.integers(1, 500)})
    return one.map(lambda found: {"baseline": found})


def joined(*parts: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    return st.tuples(*parts).map(lambda found: {key: value for part in found for key, value in part.items()})


def terms() -> st.SearchStrategy[dict[str, Any]]:
    metric = st.fixed_dictionaries({"metric": st.one_of(NAMES, st.lists(NAMES, min_size=1, max_size=3)), "aggregation": AGGREGATIONS})
    event = st.fixed_dictionaries({"event": st.sampled_from(["task.failed", "task.completed"])}, optional={"aggregation": AGGREGATIONS})
    return st.one_of(metric, event)


def conditions(*, snapshot: bool = True) -> st.SearchStrategy[dict[str, Any]]:
    points = joined(
        terms(),
        st.fixed_dictionaries({"over": DURATIONS}),
        some(divided_by=terms(), min_points=st.integers(1, 50)),
        st.one_of(bounds(), baselines(), joined(bounds(), some(change=st.sampled_from(["relative", "absolute"])))),
    )
    absent = st.fixed_dictionaries({"absent": st.fixed_dictionaries({"metric": NAMES}), "over": DURATIONS})
    field = joined(
        st.fixed_dictionaries({"field": st.sampled_from(["cpu", "heartbeat_age_s"]), "aggregation": st.sampled_from(["avg", "max"])}),
        st.one_of(bounds(), baselines(("fleet_median",))),
    )
    health = joined(st.fixed_dictionaries({"health": st.lists(st.sampled_from(["red", "yellow", "grey"]), min_size=1)}), bounds())
    rate = joined(st.just({"metric": "task.error_rate"}), st.fixed_dictionaries({"over": DURATIONS}), bounds())
    return st.one_of(points, absent, rate, *((field, health) if snapshot else ()))


PER = st.one_of(
    st.sampled_from(["group", "agent", "tier", "host"]),
    st.lists(st.sampled_from(["tier", "env", "function"]), min_size=1, unique=True),
)


def rules(when: st.SearchStrategy[dict[str, Any]] | None = None) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(
        {"name": st.from_regex(r"[a-z0-9][a-z0-9-]{0,20}", fullmatch=True), "when": when or conditions()},
        optional={
            "description": st.text("abc ", min_size=1, max_size=20),
            "severity": st.sampled_from(["info", "warning", "critical"]),
            "select": SELECTORS,
            "per": PER,
            "for": DURATIONS,
            "keep_firing_for": DURATIONS,
            "no_data": st.sampled_from(["keep", "resolve", "fire"]),
            "missing_series": st.sampled_from(["keep", "resolve", "fire"]),
            "unreadable": st.sampled_from(["keep", "fire"]),
            "labels": st.dictionaries(st.sampled_from(["team", "service"]), st.text("abc", min_size=1)),
            "runbook": st.just("https://runbooks.local/x"),
            "owner": st.just("search"),
            "expires": st.sampled_from(["2027-03-01", "2027-03-01T08:00:00Z"]),
        },
    )


def documents() -> st.SearchStrategy[dict[str, Any]]:
    unique = st.lists(rules(), max_size=3, unique_by=lambda rule: rule["name"])
    return st.one_of(unique.map(lambda found: {"rules": found}), rules())


DOCUMENTS = documents()

JUNK = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-5, 5),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=6),
    st.sampled_from(["5m", "p95", "above", "sum", "tier", "red"]),
    st.lists(st.text(max_size=3), max_size=3),
    st.dictionaries(st.sampled_from(["metric", "event", "of", "factor", "select", "above", "x"]), st.integers(-2, 2), max_size=3),
)


@st.composite
def spoilt(draw: st.DrawFn) -> dict[str, Any]:
    """A sound document with one to three values replaced, removed or added at any depth."""
    document = draw(DOCUMENTS)
    for _ in range(draw(st.integers(1, 3))):
        place: Any = document
        while True:
            keys = list(place) if isinstance(place, dict) else list(range(len(place)))
            deeper = [key for key in keys if isinstance(place[key], dict | list) and place[key]]
            if deeper and draw(st.booleans()):
                place = place[draw(st.sampled_from(deeper))]
                continue
            _spoil(draw, place, keys)
            break
    return document


def _spoil(draw: st.DrawFn, place: Any, keys: list[Any]) -> None:
    if isinstance(place, list):
        if keys:
            place[draw(st.sampled_from(keys))] = draw(JUNK)
        return
    known = ["metric", "event", "field", "over", "above", "below", "baseline", "health", "aggregation", "nmae", "per", "for"]
    key = draw(st.sampled_from([*keys, *known]))
    if key in place and draw(st.booleans()):
        del place[key]
    else:
        place[key] = draw(JUNK)
