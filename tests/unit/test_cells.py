"""Cells: where a point belongs, and what happens to a flood."""

from hypothesis import given
from hypothesis import strategies as st

from functions.domain.cells import KEEP_HOURS, MAX_CELLS, MAX_TAG_VALUES, Cells
from functions.domain.dimensions import OTHER

DIMENSIONS = ("env", "tier", "shard")


def cells(hour: int = 1000, values=None, known=None, dimensions=DIMENSIONS) -> Cells:
    return Cells(dimensions, hour, {} if values is None else values, {} if known is None else known)


def test_own_tags_win_over_the_agents_and_the_scope_over_both():
    base = cells().restrict({"tier": "fast", "shard": "a", "env": "prod", "color": "red"})
    assert base == (("env", "prod"), ("shard", "a"), ("tier", "fast"))
    placed = cells().place(base, (("shard", "b"), ("task", "x"), ("tier", "smart")), (("shard", "c"),))
    assert placed == (("env", "prod"), ("shard", "c"), ("tier", "smart"))


def test_values_beyond_the_limit_are_other_and_known_ones_stay():
    values: dict = {}
    some = cells(values=values)
    placed = [dict(some.place((), (("tier", f"t{n}"),)))["tier"] for n in range(MAX_TAG_VALUES + 5)]
    assert placed == [f"t{n}" for n in range(MAX_TAG_VALUES)] + [OTHER] * 5
    assert some.warnings() == [f"dimension tier has more than {MAX_TAG_VALUES} values: the rest counts as {OTHER}"]
    again = cells(values=values)
    assert dict(again.place((), (("tier", "new"),)))["tier"] == OTHER
    assert dict(again.place((), (("tier", "t7"),)))["tier"] == "t7"


def test_other_itself_takes_no_place():
    values: dict = {}
    assert cells(values=values).place((), (("tier", OTHER),)) == (("tier", OTHER),)
    assert values == {"tier": {}}


def test_combinations_beyond_the_limit_are_other_in_every_dimension():
    known: dict = {}
    some = cells(known=known)
    placed = [some.place((("env", f"e{n % 50}"),), (("tier", f"t{n // 50}"),)) for n in range(MAX_CELLS + 50)]
    assert len(set(placed[:MAX_CELLS])) == MAX_CELLS
    assert set(placed[MAX_CELLS:]) == {(("env", OTHER), ("tier", OTHER))}
    assert some.warnings() == [f"more than {MAX_CELLS} combinations of dimension values: the rest counts as {OTHER}"]
    assert cells(known=known).place((("env", "e3"),), (("tier", "t2"),)) == (("env", "e3"), ("tier", "t2"))


def test_what_nobody_uses_any_more_makes_room():
    values: dict = {"tier": {f"t{n}": 1000 for n in range(MAX_TAG_VALUES)}}
    known: dict = {}
    cells(1000 + KEEP_HOURS, values, known).place((), (("tier", "t3"),))
    later = cells(1000 + KEEP_HOURS + 1, values, known)
    assert set(values["tier"]) == {"t3"}
    assert later.place((), (("tier", "new"),)) == (("tier", "new"),)
    assert later.warnings() == []


def test_a_dimension_that_is_none_any_more_is_dropped():
    values: dict = {"team": {"x": 1000}, "env": {"prod": 1000}}
    assert cells(values=values).place((), (("team", "x"), ("env", "prod"))) == (("env", "prod"),)
    assert values == {"env": {"prod": 1000}}


@given(st.lists(st.dictionaries(st.sampled_from(["env", "tier", "color"]), st.sampled_from("abc"), max_size=3), max_size=30))
def test_a_point_keeps_its_cell_whenever_it_is_placed(tags):
    values: dict = {}
    known: dict = {}
    first, second = cells(values=values, known=known), None
    places = [first.place((), tuple(sorted(some.items()))) for some in tags]
    second = cells(hour=1001, values=values, known=known)
    assert [second.place((), tuple(sorted(some.items()))) for some in reversed(tags)] == places[::-1]
