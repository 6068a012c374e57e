"""A report as Markdown, as GitHub, GitLab and Obsidian show it; texts are escaped, so that they mark nothing up."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from functions.domain.notification_text import line
from functions.domain.report import Cell, Chart, Column, Finding, Report, Section, Severity, Stat, Table, Unit
from functions.domain.report_text import UNKNOWN, change, highlights, moment, period, remark, shown

CONTENT_TYPE = "text/markdown; charset=utf-8"
_MARKUP = re.compile(r"([\\`*_{}\[\]<>#|~$])")
# What makes a list, a heading or a rule only at the start of a line.
_OPENING = re.compile(r"^([-+=]|\d+[.)])(?=\s|$|[-=])")
_LINKS = re.compile(r"(?i)\b(https?|ftp)://|\bwww\.|(?<=\w)@(?=\w)")
_BARS = "▁▂▃▄▅▆▇█"
_WIDEST = 56
_FIRST = 5
_SIGNS = {Severity.GOOD: "🟢", Severity.INFO: "🔵", Severity.WARNING: "🟠", Severity.CRITICAL: "🔴"}


def render(report: Report) -> str:
    """The document."""
    return "\n".join(_lines(report)).rstrip("\n") + "\n"


def _lines(report: Report) -> Iterator[str]:
    whose = f"agents `{_code(report.tags)}`" if report.tags else "all agents"
    yield from (f"# {_text(report.title)}", "", f"{_text(period(report))} · workspace {_text(report.workspace)}, {whose}", "")
    yield from (_text(report.summary), "", *_stats(report.headline))
    first = highlights(report, _FIRST)
    if first:
        yield from ("**Look at this first**", "")
        yield from (f"{place}. {_SIGNS[one.severity]} {_text(one.title)}{_worth(one)}" for place, (_, one) in enumerate(first, 1))
        yield ""
    for section in report.sections:
        yield from _section(section)
    yield from ("", "---", "", *_notes(report.notes), "")
    yield f"Made by ClawPulse on {_text(moment(report.made))}. “{UNKNOWN.capitalize()}” is not 0: nobody reported it. Report {report.id}."


def _section(section: Section) -> Iterator[str]:
    yield from (f"## {_text(section.title)}", "", _text(section.summary), "", *_stats(section.stats))
    for finding in section.findings:
        yield from _finding(finding)
    for chart in section.charts:
        yield from _chart(chart)
    for table in section.tables:
        yield from _table(table)
    yield from _notes(section.notes)
    if section.notes:
        yield ""


def _stats(stats: Iterable[Stat]) -> Iterator[str]:
    rows = [(stat.label, shown(stat.value, stat.unit), _before(stat), stat.note) for stat in stats]
    if rows:
        yield from ("|  | now | before |  |", "|:--|--:|--:|:--|", *(_row(row) for row in rows), "")


def _before(stat: Stat) -> str:
    if stat.before is None:
        return ""
    return shown(stat.before, stat.unit) + ("" if stat.change is None else f" ({change(stat.change)})")


def _worth(finding: Finding) -> str:
    return f": **{_text(shown(finding.usd_per_month, Unit.USD_PER_MONTH))}**" if finding.usd_per_month else ""


def _finding(finding: Finding) -> Iterator[str]:
    yield f"- {_SIGNS[finding.severity]} **{_text(finding.title)}** ({finding.severity.value}){_worth(finding)}  "
    if finding.evidence:
        yield f"  {_text(finding.evidence)}  "
    if finding.about:
        yield f"  {_text(', '.join(finding.about))}  "
    if finding.action:
        yield f"  Do: `{_code(finding.action)}`" if finding.action.startswith("clawpulse ") else f"  Do: {_text(finding.action)}"
    yield ""


def _chart(chart: Chart) -> Iterator[str]:
    yield f"**{_text(chart.title)}**"
    yield ""
    if chart.labels:
        columns = [Column(label=""), *(Column(label=one.name, unit=chart.unit) for one in chart.lines)]
        rows: list[list[Cell]] = [[label, *(one.points[row] for one in chart.lines)] for row, label in enumerate(chart.labels)]
        yield from _grid(columns, rows)
    else:
        yield from ("|  | course | lowest | highest | last |", "|:--|:--|--:|--:|--:|")
        for one in chart.lines:
            known = [point for point in one.points if point is not None]
            ends = (min(known), max(known), known[-1]) if known else (None, None, None)
            yield _row([one.name, sparkline(one.points), *(shown(value, chart.unit) for value in ends)])
    yield ""
    for mark in chart.marks:
        yield f"- {_text(moment(mark.time))}: {_text(mark.label)}"
    yield from (["", _text(chart.note), ""] if chart.note else [""] if chart.marks else [])


def sparkline(points: Iterable[float | None]) -> str:
    """A line of small bars from 0 up, at most 56: of neighbours that share one the mean; a dot where nothing is known."""
    given = list(points)
    wide = max(1, -(-len(given) // _WIDEST))
    means = []
    for start in range(0, len(given), wide):
        known = [point for point in given[start : start + wide] if point is not None]
        means.append(sum(known) / len(known) if known else None)
    top = max((value for value in means if value is not None), default=0.0)
    steps = len(_BARS) - 1
    return "".join("·" if value is None else _BARS[round(max(value, 0) / top * steps) if top > 0 else 0] for value in means)


def _table(table: Table) -> Iterator[str]:
    yield from (f"**{_text(table.title)}**", "")
    if not table.rows:
        yield from (_text(table.empty), "")
        return
    yield from _grid(table.columns, table.rows)
    yield ""
    if words := remark(table):
        yield from (_text(words), "")


def _grid(columns: Iterable[Column], rows: Iterable[Iterable[Cell]]) -> Iterator[str]:
    known = list(columns)
    yield _row([column.label for column in known])
    yield "|" + "|".join(":--" if column.unit is Unit.TEXT and not column.change else "--:" for column in known) + "|"
    for row in rows:
        yield _row([_cell(column, cell) for column, cell in zip(known, row, strict=True)])


def _cell(column: Column, cell: Cell) -> str:
    return change(cell) if column.change and not isinstance(cell, str) else shown(cell, column.unit)


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(map(_text, cells))} |"


def _notes(notes: Iterable[str]) -> Iterator[str]:
    yield from (f"- {_text(note)}" for note in notes)


def _text(words: str) -> str:
    """One line that marks nothing up, links to nothing and mentions nobody."""
    escaped = _MARKUP.sub(r"\\\1", line(words))
    plain = _LINKS.sub(lambda found: found[0].replace(":", "&#58;").replace(".", "&#46;").replace("@", "&#64;"), escaped)
    return _OPENING.sub(lambda found: found[1][:-1] + "\\" + found[1][-1], plain)


def _code(words: str) -> str:
    """What stands between backticks: none of its own, no end of a cell."""
    return line(words).replace("`", "'").replace("|", "¦")
