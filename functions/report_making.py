"""Makes a report: reads, then decides what it says. What becomes of it is the caller's business."""

from __future__ import annotations

from functions.domain.report import Report
from functions.domain.report_contents import contents
from functions.domain.selector import Selector
from functions.report_reading import Parts as Parts
from functions.report_reading import read_report_data


def make_report(parts: Parts, workspace: str, selector: Selector, start: int, end: int, now: int, id: str) -> Report:
    """The report of the agents that a selector means (the scope of who asks is part of it), of start <= time < end.

    Times are ms. A start within an hour is that of the hour, an end within one that of the next; hours that are not over are left
    out. Raises `InvalidInput` when no hour is left, `StoreUnavailable` when trying again may help.
    """
    return contents(read_report_data(parts, workspace, selector, start, end, now), id)
