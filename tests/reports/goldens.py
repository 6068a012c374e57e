"""The golden reports: `python -m tests.reports.goldens` renders them anew, to be looked at in a browser, in both themes."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from functions.domain.report import Report
from functions.domain.report_files import RENDERINGS
from tests.reports.sample import sample
from tests.reports.weeks import FIRST, HALF, LAST, WEEK, Weeks, Worker

FOLDER = Path(__file__).parent / "golden"
_FORMATS = {"blocks": ("html", "markdown", "json"), "troubled": ("html", "markdown")}
"""`blocks` has every kind of block in it; `troubled` is the real report of a fleet with known troubles."""

NAMES = tuple(f"{name}.{RENDERINGS[format].name.rpartition('.')[2]}" for name, formats in _FORMATS.items() for format in formats)


def troubled() -> Report:
    """24 agents of three tenants: one leaks, one has an expensive night, one fails, one is often red, one does nothing."""
    night = range(LAST - 30, LAST - 24)
    tenants = ("acme", "globex", "initech")
    calm = [Worker(id=f"agent-{number:02}", tier=("fast", "smart")[number % 2], tenant=tenants[number % 3]) for number in range(19)]
    return Weeks(
        [
            *calm,
            Worker(id="leaky", tenant="acme", memory=lambda hour: 30 + (hour - FIRST) * 60 / (2 * WEEK)),
            Worker(id="wild", tenant="globex", tier="smart", usd=lambda hour: 0.2 if hour in night else 0.01),
            Worker(id="failing", tenant="initech", failing=lambda hour: 2 if hour >= HALF else 0),
            Worker(id="sick", tenant="acme", red=lambda hour: 0.5 if hour >= HALF else 0.0),
            Worker(id="idle", tenant="globex", tasks=lambda hour: 0),
        ]
    ).report()


@cache
def rendered() -> dict[str, str]:
    """Texts by file name."""
    reports = {"blocks": sample(), "troubled": troubled()}
    wanted = [(name, format) for name, formats in _FORMATS.items() for format in formats]
    return {file: RENDERINGS[format].render(reports[name]) for file, (name, format) in zip(NAMES, wanted, strict=True)}


if __name__ == "__main__":
    for name, text in rendered().items():
        (FOLDER / name).write_text(text, encoding="utf-8")
        print(FOLDER / name)
