"""Writes what `measured` finds into docs/statistics.md: python -m tests.unit.statistics.table."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tests.unit.statistics.measured import BISECTS, DETECTION, FORECASTS

DOCUMENT = Path(__file__).parents[3] / "docs" / "statistics.md"
BEGIN, END = "<!-- tables: python -m tests.unit.statistics.table -->", "<!-- end of tables -->"


def lines() -> Iterator[str]:
    """The tables."""
    yield from _head("what is looked for", "series", "with it", "found", "precision", "recall")
    for measure in DETECTION:
        score = measure.run()
        amounts = score.series, score.labelled, score.found
        yield _row(measure.name, *amounts, _percent(score.precision), _percent(score.recall))
    yield ""
    yield from _head("bisect: work of 10 agents in two weeks", "runs", "right answer", "names a wrong change")
    for naming in BISECTS:
        score = naming.run()
        yield _row(naming.name, score.labelled, _percent(score.recall), _percent(score.wrong))
    yield ""
    yield from _head(
        "forecast of four weeks; weeks known", "forecasts", "within the 80 % interval", "median error", "half an interval, median"
    )
    for row in FORECASTS:
        told = row.run()
        yield _row(row.name, told.forecasts, _percent(told.within), f"{100 * told.error:.1f} %", f"{100 * told.width:.1f} %")


def _head(*cells: str) -> tuple[str, str]:
    return _row(*cells), "|" + "---|" * len(cells)


def _row(*cells: object) -> str:
    return "| " + " | ".join(str(cell) for cell in cells) + " |"


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def written() -> str:
    """The tables as they stand in the document."""
    return DOCUMENT.read_text().split(BEGIN)[1].split(END)[0].strip()


def main() -> None:
    """Write them anew."""
    text = DOCUMENT.read_text()
    before, after = text.split(BEGIN)[0], text.split(END)[1]
    DOCUMENT.write_text(f"{before}{BEGIN}\n{'\n'.join(lines())}\n{END}{after}")


if __name__ == "__main__":
    main()
