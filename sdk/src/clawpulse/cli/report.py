"""`clawpulse report`: reports on the fleet; made, listed, opened, and made by the clock."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click
from rich.text import Text

from clawpulse.cli import _output as out
from clawpulse.cli._api import Api, CommandError, segment
from clawpulse.cli._options import api_of, as_json, limit, selector
from clawpulse.cli._rollout_documents import document_command

FORMATS = ("html", "markdown", "json")
LATEST = "latest"
_LOOK_S = 1.0
_PAGE = 200
_STATES = {"queued": ("○", "bright_black"), "running": ("▶", "yellow"), "done": ("●", "green"), "failed": ("■", "red")}
"""Symbol and colour: never colour alone."""


@click.group()
def report() -> None:
    """Make, list and open reports on the fleet; `schedule` has them made by themselves."""


@report.command(name="run")
@selector
@click.option("--range", "span", default="7d", show_default=True, metavar="LENGTH", help="How far back from the end: 24h, 7d, 30d.")
@click.option("--start", metavar="TIME", help="From when on, instead of --range: 2026-11-01T00:00:00Z")
@click.option("--end", metavar="TIME", help="Until when; the last full hour unless given.")
@click.option("--format", "formats", type=click.Choice(FORMATS), multiple=True, help="Only these; all unless given.")
@click.option("--channel", "channels", multiple=True, metavar="NAME", help="A channel that is told of it.")
@click.option("--wait", type=click.FloatRange(0, 3_600), default=300.0, show_default=True, help="Seconds to wait until it is made.")
@as_json
@click.pass_context
def run_(
    context: click.Context,
    tags: str | None,
    span: str,
    start: str | None,
    end: str | None,
    formats: tuple[str, ...],
    channels: tuple[str, ...],
    wait: float,
    as_json: bool,
) -> None:
    """Have a report made, and show where it is. The links open it for 15 minutes; `report open` gives new ones."""
    api = api_of(context)
    wanted: dict[str, Any] = {"tags": tags or "", **({"start": start} if start else {"range": span}), **({"end": end} if end else {})}
    wanted.update({name: list(value) for name, value in (("formats", formats), ("channels", channels)) if value})
    made = _waited(api, api.send("POST", "api/reports", wanted), wait)
    if as_json:
        out.print_json(made)
    else:
        _show(made)
    if made["state"] == "failed":
        raise CommandError(f"the report {made['id']} was not made: {made['reason']}")


@report.command(name="list")
@click.option("--schedule", metavar="NAME", help="Only those of this schedule.")
@limit
@as_json
@click.pass_context
def list_(context: click.Context, schedule: str | None, limit: int, as_json: bool) -> None:
    """List reports, newest first."""
    answer = api_of(context).collect("api/reports", "reports", limit, _PAGE, schedule=schedule)
    if as_json:
        out.print_json(answer)
        return
    if not answer["reports"]:
        out.print_line("No report was made yet: clawpulse report run makes one.")
        return
    table = out.table("report", "state", "period (UTC)", "agents", "wanted by", "title")
    for one in answer["reports"]:
        period = f"{_hour(one['start'])} to {_hour(one['end'])}"
        title = one["title"] or one["reason"] or out.MISSING
        out.add_row(table, (one["id"], _state(one["state"]), period, one["tags"] or "(all)", one["schedule"] or one["by"], title))
    out.console().print(table)


@report.command(name="open")
@click.argument("id", metavar="[REPORT]", default=LATEST)
@click.option("--format", "format", type=click.Choice(FORMATS), default="html", show_default=True, help="Which of its files.")
@click.option("--out", "target", metavar="FILE", help="Write it there instead; - for standard output.")
@click.option("--url", "only_url", is_flag=True, help="Only show the link: it opens the report for 15 minutes, for whoever has it.")
@click.pass_context
def open_(context: click.Context, id: str, format: str, target: str | None, only_url: bool) -> None:
    """Open a report in the browser, or write it to a file; the newest one unless another is named."""
    api = api_of(context)
    found = api.get(f"api/reports/{segment(_newest(api) if id == LATEST else id)}")
    url = next((file["url"] for file in found["files"] if file["format"] == format), None)
    if url is None:
        raise CommandError(f"the report {found['id']} is {found['state']} and has no {format}" + _why(found))
    if target is not None:
        _write(_download(url), target)
    elif only_url or click.launch(url) != 0:
        print(out.plain(url))
    else:
        out.print_line(f"{found['title']}: opened in the browser")


report.add_command(
    document_command(
        "schedule",
        "api/report-schedule",
        "Show when reports come by themselves, and who is told; with FILE, replace it.",
    )
)
report.add_command(
    document_command(
        "slos",
        "api/slos",
        "Show the objectives (SLOs) that reports measure; with FILE, replace them.",
        "nothing is set: the defaults of docs/report-contents.md hold",
    )
)


def _waited(api: Api, made: Any, seconds: float) -> Any:
    """The report once it is made or has failed, or as it is when the time is up."""
    end = time.monotonic() + seconds
    while made["state"] in ("queued", "running") and time.monotonic() < end:
        time.sleep(min(_LOOK_S, max(0.0, end - time.monotonic())))
        made = api.get(f"api/reports/{segment(made['id'])}")
    return made


def _show(made: Any) -> None:
    out.print_line(f"{made['id']}: {made['state']}{_why(made)}")
    if made["title"]:
        out.print_line(made["title"])
        out.print_line(made["summary"] or "")
    for file in made["files"]:
        print(f"{out.plain(file['format'])}: {out.plain(file['url'])}")


def _why(made: Any) -> str:
    return f": {made['reason']}" if made["reason"] else ""


def _newest(api: Api) -> str:
    found = api.get("api/reports", state="done", limit=1)["reports"]
    if not found:
        raise CommandError("no report was made yet: clawpulse report run makes one")
    return str(found[0]["id"])


def _download(url: str) -> str:
    # The link is all that opens it: the token goes to the API alone.
    parts = urlsplit(url)
    return Api(f"{parts.scheme}://{parts.netloc}", None).text(f"{parts.path.lstrip('/')}?{parts.query}")


def _write(text: str, target: str) -> None:
    if target == "-":
        print(text, end="")
        return
    Path(target).write_text(text, encoding="utf-8")
    out.print_line(f"written: {target}")


def _state(state: str) -> Text:
    symbol, style = _STATES.get(state, (out.MISSING, ""))
    return Text(f"{symbol} {out.plain(state)}", style=style)


def _hour(value: Any) -> str:
    return out.clock(value)[:16]
