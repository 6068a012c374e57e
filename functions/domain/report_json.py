"""A report as JSON, for programs: every number as it is, times in RFC 3339, null for what is not known.

`v` counts up when a member changes its meaning or goes; new members come without that.
"""

from __future__ import annotations

import json
import math
from typing import Any

from functions.domain.notification_text import iso
from functions.domain.report import Cell, Chart, Column, Finding, Report, Section, Stat, Table, Unit

CONTENT_TYPE = "application/json"
VERSION = 1


def render(report: Report) -> str:
    """The document's text."""
    return json.dumps(document(report), ensure_ascii=False, allow_nan=False, indent=1) + "\n"


def document(report: Report) -> dict[str, Any]:
    """The document."""
    return {
        "v": VERSION,
        "id": report.id,
        "workspace": report.workspace,
        "tags": report.tags,
        "title": report.title,
        "start": iso(report.start),
        "end": iso(report.end),
        "made": iso(report.made),
        "summary": report.summary,
        "headline": [_stat(stat) for stat in report.headline],
        "sections": [_section(section) for section in report.sections],
        "notes": list(report.notes),
    }


def _section(section: Section) -> dict[str, Any]:
    return {
        "id": section.id,
        "title": section.title,
        "summary": section.summary,
        "stats": [_stat(stat) for stat in section.stats],
        "findings": [_finding(finding) for finding in section.findings],
        "charts": [_chart(chart) for chart in section.charts],
        "tables": [_table(table) for table in section.tables],
        "notes": list(section.notes),
    }


def _stat(stat: Stat) -> dict[str, Any]:
    return {
        "label": stat.label,
        "value": _cell(stat.value, stat.unit),
        "unit": stat.unit.value,
        "before": _cell(stat.before, stat.unit),
        "change": _cell(stat.change, Unit.FRACTION),
        "better": stat.better or None,
        "note": stat.note,
    }


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "severity": finding.severity.value,
        "title": finding.title,
        "evidence": finding.evidence,
        "about": list(finding.about),
        "usdPerMonth": _cell(finding.usd_per_month, Unit.USD_PER_MONTH),
        "action": finding.action,
    }


def _chart(chart: Chart) -> dict[str, Any]:
    return {
        "title": chart.title,
        "kind": chart.kind.value,
        "unit": chart.unit.value,
        "times": [iso(time) for time in chart.times],
        "labels": list(chart.labels),
        "lines": [{"name": one.name, "points": [_cell(point, chart.unit) for point in one.points]} for one in chart.lines],
        "marks": [{"time": iso(mark.time), "label": mark.label} for mark in chart.marks],
        "note": chart.note,
    }


def _table(table: Table) -> dict[str, Any]:
    return {
        "title": table.title,
        "columns": [_column(column) for column in table.columns],
        "rows": [[_cell(cell, column.unit) for column, cell in zip(table.columns, row, strict=True)] for row in table.rows],
        "note": table.note,
        "more": table.more,
    }


def _column(column: Column) -> dict[str, Any]:
    return {"label": column.label, "unit": column.unit.value, "change": column.change}


def _cell(cell: Cell, unit: Unit) -> Cell:
    if cell is None or isinstance(cell, str):
        return cell
    if not math.isfinite(cell):
        # JSON knows no infinity.
        return None
    return iso(round(cell)) if unit is Unit.TIME else cell
