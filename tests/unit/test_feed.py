"""The statements of the feeds, run by the local Timestream engine: they select what the selector means, whatever the values are."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clawpulse_localstack.timestream.engine import Engine
from functions.adapters.raw import RawQueries, RawWrites
from functions.domain.errors import InvalidInput
from functions.domain.feed import Band, EventFeed, TaskFeed, events_sql, overrides, tasks_sql
from functions.domain.feed_sql import TagColumns, select, text
from functions.domain.fleet import AgentState, effective_tags
from functions.domain.raw import RawRecord
from functions.domain.selector import Matcher, Selector
from tests.api.world import DATABASE, NOW, EngineClient

NASTY = [
    "plain",
    "it's",
    "''",
    "'; SELECT 1 --",
    '" OR ""="',
    "/* */",
    "--",
    "\\",
    "\\'",
    "%_",
    "1m",
    "ago(1h)",
    "x::double",
    "ü€𝄞",
    " padded ",
    "null",
    "${x}",
    "{{x}}",
    "?",
    ":p",
    "a\u00a0b",
]
KEYS = ("env", "tier", "note")
"""Two dimensions and an attribute."""


def records() -> Iterator[tuple[dict[str, str], RawRecord]]:
    """Events with every nasty value in every place."""
    for number, (key, value) in enumerate(itertools.product(KEYS, NASTY)):
        tags = {key: value, "env": NASTY[number % 3]} if key != "env" else {key: value}
        dimensions = {name: tags[name] for name in ("env", "tier") if name in tags}
        note = tags.get("note")
        values: dict[str, Any] = {"task_id": f"t{number}", "payload": '{"n":1}'}
        if note is not None:
            values["attributes"] = _json(note)
        yield tags, RawRecord(table="events", measure="e", time_us=(NOW - 1000 * number) * 1000, dimensions=dimensions, values=values)


def _json(note: str) -> str:
    escaped = note.replace("\\", "\\\\").replace('"', '\\"')
    return f'{{"note":"{escaped}"}}'


POSTED = list(records())
COLUMNS = TagColumns(frozenset(("agent", "batch", "env", "tier", "task_id", "payload", "attributes")), frozenset(("env", "tier", "team")))


@pytest.fixture(scope="module")
def queries(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RawQueries]:
    engine = Engine(str(tmp_path_factory.mktemp("feed") / "raw.duckdb"), "http://127.0.0.1:1", clock=lambda: NOW * 1_000_000)
    try:
        engine.dispatch("timestream-write", "CreateDatabase", {"DatabaseName": DATABASE})
        for table in ("tasks", "events"):
            engine.dispatch("timestream-write", "CreateTable", {"DatabaseName": DATABASE, "TableName": table})
        client: Any = EngineClient(engine)
        for workspace in ("team", "o'ther"):
            common = {"workspace": workspace, "agent": "a1", "batch": "e.0"}
            RawWrites(client, DATABASE).write([record for _, record in POSTED], common)
        yield RawQueries(client)
    finally:
        engine.close()


def feed(selector: Selector, **more: Any) -> EventFeed:
    defaults: dict[str, Any] = {"workspace": "team", "database": DATABASE, "start": NOW - 3_600_000, "end": NOW + 1, "limit": 500}
    return EventFeed(**defaults | {"selector": selector} | more)


def ids(queries: RawQueries, asked: EventFeed, columns: TagColumns = COLUMNS) -> list[str]:
    return [row["task_id"] for row in queries.query(events_sql(asked, columns), 1000).rows]


VALUES = st.sampled_from(NASTY) | st.just("") | st.text(st.characters(exclude_categories=("Cc", "Cs")), max_size=12)
EQUALS = st.builds(Matcher, st.sampled_from([*KEYS, "team", "no.such", "agent"]), st.sampled_from(["=", "!="]), VALUES)
PATTERNS = st.builds(
    Matcher, st.sampled_from(KEYS), st.sampled_from(["=~", "!~"]), st.sampled_from(["", ".*", "it.s", "[a-z]+", "a|--", r"\d+m", r"\\'?"])
)


@given(st.lists(EQUALS | PATTERNS, min_size=1, max_size=3))
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_events_are_those_that_the_selector_means(queries: RawQueries, matchers: list[Matcher]) -> None:
    selector = Selector(tuple(matchers))
    expected = [record.values["task_id"] for tags, record in POSTED if selector.matches({"agent": "a1", **tags})]
    assert ids(queries, feed(selector)) == expected


@given(st.text(max_size=40))
def test_a_literal_is_closed_or_refused(value: str) -> None:
    try:
        literal = text(value)
    except InvalidInput:
        assert any(ord(c) < 32 or 127 <= ord(c) < 160 or 0xD800 <= ord(c) < 0xE000 for c in value)
        return
    assert literal[0] == literal[-1] == "'"
    assert literal[1:-1].replace("''", "").count("'") == 0
    assert literal[1:-1].replace("''", "'") == value


@pytest.mark.parametrize("where", ["workspace", "agent", "names"])
@pytest.mark.parametrize("value", NASTY)
def test_no_text_gets_out_of_its_place(queries: RawQueries, where: str, value: str) -> None:
    assert ids(queries, feed(Selector(), **{where: (value,) if where == "names" else value})) == []


@pytest.mark.parametrize("value", NASTY)
def test_a_page_goes_on_after_any_place(queries: RawQueries, value: str) -> None:
    """The first event lies at the place's time: it follows if its agent does."""
    every = [record.values["task_id"] for _, record in POSTED]
    assert ids(queries, feed(Selector(), after=(NOW * 1_000_000, value, value, value))) == (every if value < "a1" else every[1:])


def test_another_workspace_is_another(queries: RawQueries) -> None:
    assert len(ids(queries, feed(Selector(), workspace="o'ther"))) == len(POSTED)


@pytest.mark.parametrize("pattern", [r"\pL", r"a{,3}", "[[a]", "[a&&b]", r"\Z", "[]a]"])
def test_patterns_that_mean_something_else_to_the_store_are_refused(pattern: str) -> None:
    with pytest.raises(InvalidInput, match="not possible for raw history"):
        events_sql(feed(Selector((Matcher("env", "=~", pattern),))), COLUMNS)


def state(name: str, local: dict[str, str], remote: dict[str, str]) -> AgentState:
    return AgentState(id=name, name=name, local_tags=local, remote_tags=remote, tags=effective_tags(local, remote, {}))


def test_what_agents_have_but_their_records_lack() -> None:
    agents = [
        state("a1", {"env": "prod"}, {"env": "canary"}),
        state("a2", {"env": "prod"}, {}),
        state("a3", {"host": "h"}, {}),
        state("a4", {"host": "h"}, {}),
    ]
    found = overrides(Selector.parse("env=x,host=y"), ("env",), agents)
    assert [(each.effective, each.own, each.agents) for each in found["env"]] == [("canary", "prod", ("a1",))]
    assert [(each.effective, each.own, each.agents) for each in found["host"]] == [("h", "", ("a3", "a4"))]


def test_a_remote_tag_replaces_the_agents_own_but_not_a_points(queries: RawQueries) -> None:
    selector = Selector.parse("env=moved")
    columns = TagColumns(
        COLUMNS.columns, COLUMNS.dimensions, overrides(selector, ("env",), [state("a1", {"env": "plain"}, {"env": "moved"})])
    )
    expected = [record.values["task_id"] for tags, record in POSTED if tags.get("env", "") in ("", "plain")]
    assert ids(queries, feed(selector), columns) == expected


@pytest.mark.parametrize(("written", "low", "high"), [("p0-p50", 0, 0.5), ("p95-p99.9", 0.95, 0.999), ("p99-p100", 0.99, 1)])
def test_bands(written: str, low: float, high: float) -> None:
    assert (Band.parse(written).low, Band.parse(written).high) == (pytest.approx(low), pytest.approx(high))


@pytest.mark.parametrize("written", ["p99-p95", "p95", "p95-p95", "p101-p102", "95-99", "p95-p99;"])
def test_bands_that_cannot_be(written: str) -> None:
    with pytest.raises(InvalidInput):
        Band.parse(written)


@pytest.mark.parametrize(("start", "end"), [(NOW, NOW), (NOW, NOW - 1), (NOW - 36 * 86_400_000, NOW)])
def test_ranges_that_cannot_be(start: int, end: int) -> None:
    with pytest.raises(InvalidInput):
        feed(Selector(), start=start, end=end)


def test_columns_that_no_record_has_yet_are_not_named(queries: RawQueries) -> None:
    bare = TagColumns(frozenset(("agent", "task_id")), frozenset(("env",)))
    asked = TaskFeed(workspace="team", database=DATABASE, start=NOW - 1, end=NOW, limit=1, selector=Selector.parse("env=x,host=y"))
    statement = tasks_sql(asked, bare)
    assert '"env"' not in statement
    assert "json_extract" not in statement


def test_a_select_has_its_clauses_in_order() -> None:
    made = select(["a", "b"], "t", ["x = 1", "y = 2"], group_by="a", order_by="b DESC", limit="3")
    assert made == "SELECT a, b FROM t WHERE x = 1 AND y = 2 GROUP BY a ORDER BY b DESC LIMIT 3"
