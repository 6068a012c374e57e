"""A report's files, by format."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from functions.domain import report_html, report_json, report_markdown
from functions.domain.report import Report


class Rendering(NamedTuple):
    """How a format is made."""

    name: str
    """Of the file."""
    content_type: str
    render: Callable[[Report], str]


RENDERINGS: Mapping[str, Rendering] = {
    "html": Rendering("report.html", report_html.CONTENT_TYPE, report_html.render),
    "markdown": Rendering("report.md", report_markdown.CONTENT_TYPE, report_markdown.render),
    "json": Rendering("report.json", report_json.CONTENT_TYPE, report_json.render),
}
