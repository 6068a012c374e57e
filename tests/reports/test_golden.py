"""Reports look as they did when somebody last looked: `python -m tests.reports.goldens` renders them anew after a wanted change.

The files stand here to be opened in a browser. A difference is no fault by itself: look at it in both themes, then render anew.
"""

from __future__ import annotations

import pytest

from tests.reports.goldens import FOLDER, NAMES, rendered


@pytest.mark.parametrize("name", NAMES)
def test_the_report_is_as_it_was_looked_at(name: str) -> None:
    assert rendered()[name] == (FOLDER / name).read_text(encoding="utf-8"), f"look at {name}, then: python -m tests.reports.goldens"


def test_nothing_else_lies_there() -> None:
    assert {path.name for path in FOLDER.iterdir()} == set(NAMES)
