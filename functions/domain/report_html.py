"""A report as one HTML page: self-contained, light and dark, without scripts; prints well.

Whatever the report's texts are, they are escaped; the page's own policy lets nothing be loaded or run.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from html import escape

from functions.domain.notification_text import line
from functions.domain.report import Cell, Chart, Column, Finding, Report, Section, Severity, Stat, Table, Unit
from functions.domain.report_style import STYLE
from functions.domain.report_svg import drawn
from functions.domain.report_text import UNKNOWN, change, highlights, moment, period, remark, shown, verdict

CONTENT_TYPE = "text/html; charset=utf-8"
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
_FIRST = 5
"""So many findings stand before all sections."""
_ABOUT = 12
_SIGNS = {Severity.GOOD: "✓", Severity.INFO: "i", Severity.WARNING: "▲", Severity.CRITICAL: "■"}
"""Beside the word and the colour."""
_VERDICTS = {Severity.GOOD: " (better)", Severity.WARNING: " (worse)"}
_THEMES = (("auto", "as the system", " checked"), ("light", "light", ""), ("dark", "dark", ""))


def render(report: Report) -> str:
    """The page."""
    return "".join(
        [
            '<!doctype html><html lang="en"><head><meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
            '<meta name="viewport" content="width=device-width,initial-scale=1"><meta name="referrer" content="no-referrer">',
            f"<title>{_text(report.title)}, {_text(period(report))}</title><style>{STYLE}</style></head><body>",
            _header(report),
            "<main>",
            *_first(report),
            _contents(report),
            *(_section(section) for section in report.sections),
            "</main>",
            _footer(report),
            "</body></html>\n",
        ]
    )


def _header(report: Report) -> str:
    whose = f"Workspace {_text(report.workspace)}, {'agents ' + _text(report.tags) if report.tags else 'all agents'}"
    themes = "".join(f'<label><input type="radio" name="theme" id="theme-{id}"{on}>{name}</label>' for id, name, on in _THEMES)
    return (
        f'<header><fieldset class="theme"><legend>Theme</legend>{themes}</fieldset>'
        f'<h1>{_text(report.title)}</h1><p class="about">{_text(period(report))} · {whose}</p>'
        f'<p class="lead">{_text(report.summary)}</p>{_stats(report.headline)}</header>'
    )


def _first(report: Report) -> Iterator[str]:
    """What must not be missed, as links to where it is told."""
    found = highlights(report, _FIRST)
    if found:
        items = "".join(f'<li><a href="#{_id(id)}">{_text(one.title)}</a>{_worth(one)}</li>' for id, one in found)
        yield f'<section class="first" aria-labelledby="first"><h2 id="first">Look at this first</h2><ol>{items}</ol></section>'


def _worth(finding: Finding) -> str:
    return f": {_text(shown(finding.usd_per_month, Unit.USD_PER_MONTH))}" if finding.usd_per_month else ""


def _contents(report: Report) -> str:
    links = "".join(f'<li><a href="#{_id(section.id)}">{_text(section.title)}</a></li>' for section in report.sections)
    return f'<nav aria-label="Sections"><ul>{links}</ul></nav>' if links else ""


def _section(section: Section) -> str:
    id = _id(section.id)
    return "".join(
        [
            f'<section id="{id}" aria-labelledby="{id}-title"><h2 id="{id}-title">{_text(section.title)}</h2>',
            f"<p>{_text(section.summary)}</p>" if section.summary else "",
            _stats(section.stats),
            *(_finding(finding) for finding in section.findings),
            *(_figure(chart, f"{id}-chart-{number}") for number, chart in enumerate(section.charts, 1)),
            *(_table(table) for table in section.tables),
            _notes(section.notes),
            "</section>",
        ]
    )


def _stats(stats: Iterable[Stat]) -> str:
    made = "".join(map(_stat, stats))
    return f'<dl class="stats">{made}</dl>' if made else ""


def _stat(stat: Stat) -> str:
    value = shown(stat.value, stat.unit)
    note = f'<dd class="note">{_text(stat.note)}</dd>' if stat.note else ""
    return (
        f'<div class="stat"><dt>{_text(stat.label)}</dt>'
        f'<dd class="value{" unknown" if value == UNKNOWN else ""}">{_text(value)}</dd>{_change(stat)}{note}</div>'
    )


def _change(stat: Stat) -> str:
    if stat.before is None:
        return ""
    before = f"before: {_text(shown(stat.before, stat.unit))}"
    if stat.change is None:
        return f'<dd class="change">{before}</dd>'
    found = verdict(stat)
    kind, word = (f' class="{found.value}"', _VERDICTS[found]) if found else ("", "")
    return f'<dd class="change"><span{kind}>{change(stat.change)}{word}</span>, {before}</dd>'


def _finding(finding: Finding) -> str:
    kind = finding.severity.value
    worth = f'<span class="worth">{_text(shown(finding.usd_per_month, Unit.USD_PER_MONTH))}</span>' if finding.usd_per_month else ""
    return "".join(
        [
            f'<div class="finding is-{kind}">{worth}',
            f'<h3><span class="badge {kind}">{_SIGNS[finding.severity]} {kind}</span>{_text(finding.title)}</h3>',
            f"<p>{_text(finding.evidence)}</p>" if finding.evidence else "",
            f'<p class="remark">{_text(_about(finding))}</p>' if finding.about else "",
            f"<p><b>Do:</b> {_action(finding.action)}</p>" if finding.action else "",
            "</div>",
        ]
    )


def _about(finding: Finding) -> str:
    left = len(finding.about) - _ABOUT
    return ", ".join(finding.about[:_ABOUT]) + (f" and {left} more" if left > 0 else "")


def _action(action: str) -> str:
    return f"<code>{_text(action)}</code>" if action.startswith("clawpulse ") else _text(action)


def _figure(chart: Chart, id: str) -> str:
    note = f"<figcaption>{_text(chart.note)}</figcaption>" if chart.note else ""
    return f'<figure><h3>{_text(chart.title)}</h3><div class="scroll">{drawn(chart, id)}</div>{note}</figure>'


def _table(table: Table) -> str:
    title = _text(table.title)
    if not table.rows:
        return f'<h3>{title}</h3><p class="remark">{_text(table.empty)}</p>'
    head = "".join(f'<th scope="col"{_number(column)}>{_text(column.label)}</th>' for column in table.columns)
    rows = "".join(f"<tr>{''.join(_cells(table, row))}</tr>" for row in table.rows)
    words = remark(table)
    below = f'<p class="remark">{_text(words)}</p>' if words else ""
    return (
        f'<div class="scroll" role="region" aria-label="{title}" tabindex="0">'
        f"<table><caption>{title}</caption><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>{below}"
    )


def _cells(table: Table, row: Iterable[Cell]) -> Iterator[str]:
    for place, (column, cell) in enumerate(zip(table.columns, row, strict=True)):
        words = change(cell) if column.change and not isinstance(cell, str) else shown(cell, column.unit)
        if place == 0:
            yield f'<th scope="row">{_text(words)}</th>'
        elif cell is None:
            yield f'<td class="unknown{" number" if _number(column) else ""}">{UNKNOWN}</td>'
        else:
            yield f"<td{_number(column)}>{_text(words)}</td>"


def _number(column: Column) -> str:
    return "" if column.unit in (Unit.TEXT, Unit.TIME) and not column.change else ' class="number"'


def _notes(notes: Iterable[str]) -> str:
    items = "".join(f"<li>{_text(note)}</li>" for note in notes)
    return f'<ul class="notes">{items}</ul>' if items else ""


def _footer(report: Report) -> str:
    made = f"Made by ClawPulse on {moment(report.made)}. “{UNKNOWN.capitalize()}” is not 0: nobody reported it."
    return f"<footer>{_notes(report.notes)}<p>{_text(made)} Report {_text(report.id)}.</p></footer>"


def _text(words: str) -> str:
    return escape(line(words))


def _id(section: str) -> str:
    """As an anchor: what HTML and links take without quoting."""
    return "s-" + "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in section)
