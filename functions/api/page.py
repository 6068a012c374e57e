"""The page and its files, and whether the API lives. Open to everybody: none of it tells of a workspace."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from urllib.parse import urlencode

from pydantic import ConfigDict, Field

from functions.api.endpoint import Noun, Reply, Visit
from functions.api.models import Answer, Asked
from functions.domain.errors import NotFound
from functions.domain.selector import MAX_TEXT

noun = Noun("page")

FOLDER = Path(__file__).parent.parent / "dashboard"
"""Bundled there by `cdk/dashboard.py`."""
INDEX = "index.html"
TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".json": "application/json",
    ".txt": "text/plain; charset=utf-8",
}
"""What is served; texts only, which pass every gateway as they are."""

SECURITY = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self';"
    " base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "Strict-Transport-Security": "max-age=31536000",
    "X-Frame-Options": "DENY",
}
CACHE = {"Cache-Control": "public, no-cache"}
FOREVER = {"Cache-Control": "public, max-age=31536000, immutable"}
_HASHED = re.compile(r"-[A-Z0-9]{8}\.(js|css)")
"""How the names of files end that never change: the bundler puts a hash of their content there."""


class FileAsked(Asked):
    """Which file."""

    file: str = Field(max_length=128, pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]*$")


class PageAsked(Asked):
    """What the page shows: its address is shared with these. The page reads and explains them, and whatever else an address may carry."""

    model_config = ConfigDict(extra="ignore")

    tags: str = Field("", max_length=MAX_TEXT, description="A selector.")
    by: str = Field("", max_length=64, description="A tag to group by.")
    health: str = Field("", max_length=64, description="Colours, separated by commas.")


class Alive(Answer):
    """That the API answers."""

    status: str


@noun.endpoint("GET", "/", scope=None, asks=PageAsked, content_type=TYPES[".html"])
def home(visit: Visit, asked: PageAsked) -> Reply:
    """The page."""
    if not visit.path.endswith("/"):
        # The page's links are relative to its address, which then must end with a slash.
        query = urlencode(asked.model_dump(exclude_unset=True))
        return Reply(
            body=None, status=308, headers={"Location": visit.path.rsplit("/", 1)[-1] + "/" + ("?" + query if query else ""), **CACHE}
        )
    return Reply(body=_files()[INDEX], headers=SECURITY | CACHE)


@noun.endpoint("GET", "/assets/{file}", scope=None, asks=FileAsked, content_type="*/*")
def asset(visit: Visit, asked: FileAsked) -> Reply:
    """A file of the page."""
    text = _files().get(asked.file)
    if text is None or asked.file == INDEX:
        raise NotFound(f"no file {asked.file}")
    kept = FOREVER if _HASHED.search(asked.file) else CACHE
    return Reply(body=text, headers={"Content-Type": TYPES[Path(asked.file).suffix], **SECURITY, **kept})


@noun.endpoint("GET", "/healthz", scope=None, answers=Alive)
def healthz(visit: Visit) -> Alive:
    """Whether the API answers at all; it touches no store."""
    return Alive(status="ok")


@cache
def _files() -> dict[str, str]:
    """Every file that may be served, by name: what is asked for is looked up here, and never becomes a path."""
    return {path.name: path.read_text("utf-8") for path in FOLDER.iterdir() if path.is_file() and path.suffix in TYPES}
