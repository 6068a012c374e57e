"""How good detection has to stay, and that the document tells it as it is."""

from __future__ import annotations

import re

import pytest

from tests.unit.statistics.measured import BISECTS, DETECTION, FORECASTS, Forecasts, Measure, Naming
from tests.unit.statistics.table import lines, written


@pytest.mark.parametrize("measure", DETECTION, ids=lambda measure: measure.name)
def test_precision_and_recall_stay(measure: Measure) -> None:
    score = measure.run()
    assert score.precision >= measure.precision
    assert score.recall >= measure.recall


@pytest.mark.parametrize("naming", BISECTS, ids=lambda naming: naming.name)
def test_the_likeliest_change_is_the_right_one(naming: Naming) -> None:
    score = naming.run()
    assert score.recall >= naming.right
    assert score.wrong <= naming.wrong


@pytest.mark.parametrize("row", FORECASTS, ids=lambda row: row.name)
def test_forecasts_come_true(row: Forecasts) -> None:
    told = row.run()
    assert told.within >= row.within
    assert told.error <= row.error


def test_the_document_has_these_figures() -> None:
    told, measured = written().splitlines(), list(lines())
    assert len(told) == len(measured)
    for one, other in zip(told, measured, strict=True):
        cells, fresh = one.split("|"), other.split("|")
        assert cells[:2] == fresh[:2]
        # Another processor rounds differently, which decides about what is on the edge.
        assert [_number(cell) for cell in cells[2:]] == [pytest.approx(_number(cell), abs=3) for cell in fresh[2:]]


def _number(cell: str) -> float:
    found = re.fullmatch(r"\s*([\d.]+)( %)?\s*", cell)
    return float(found[1]) if found else 0.0
