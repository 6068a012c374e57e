from __future__ import annotations

import re

import pytest

from functions.api.page import FOLDER
from tests.api.world import World


@pytest.fixture
def visitor(world: World):
    return world.client().without_token()


def test_the_page_loads_and_so_does_all_it_names(visitor) -> None:
    page = visitor.call("GET", "/")
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    named = re.findall(r'(?:src|href)="(assets/[^"]+)"', page.text)
    assert named
    for path in named:
        assert visitor.call("GET", f"/{path}").status_code == 200, path


def test_nothing_foreign_may_run_in_the_page(visitor) -> None:
    headers = visitor.call("GET", "/").headers
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("file", sorted(path.name for path in FOLDER.iterdir() if path.suffix in (".js", ".css", ".svg")))
def test_files_have_their_type_and_an_etag(visitor, file: str) -> None:
    answer = visitor.call("GET", f"/assets/{file}")
    kind = {"js": "text/javascript; charset=utf-8", "css": "text/css; charset=utf-8", "svg": "image/svg+xml"}[file.rsplit(".")[-1]]
    assert answer.headers["Content-Type"] == kind
    assert answer.text == (FOLDER / file).read_text()
    assert visitor.call("GET", f"/assets/{file}", headers={"If-None-Match": answer.headers["ETag"]}).status_code == 304


@pytest.mark.parametrize(
    "file", ["..%2fapi%2fapp.py", "%2e%2e%2f%2e%2e%2fports.py", "..", ".env", "index.html", "none.js", "a%00.js", "__init__.py"]
)
def test_nothing_else_is_served(visitor, file: str) -> None:
    assert visitor.call("GET", f"/assets/{file}").status_code in (400, 404)


@pytest.mark.parametrize(
    ("query", "location"),
    [(None, "live/"), ({"tags": ["env=prod,tier!=x"], "by": ["tier"], "ref": ["mail"]}, "live/?tags=env%3Dprod%2Ctier%21%3Dx&by=tier")],
)
def test_an_address_without_its_slash_leads_to_the_page_as_it_was_shared(world: World, query, location: str) -> None:
    context = {"resourcePath": "/", "httpMethod": "GET", "path": "/live"}
    event = {"headers": {}, "multiValueQueryStringParameters": query, "pathParameters": None, "body": None, "stageVariables": None}
    answer = world.app({**event, "requestContext": context}, None)
    assert (answer["statusCode"], answer["headers"]["Location"]) == (308, location)


def test_the_page_is_served_whatever_its_address_carries(visitor) -> None:
    assert visitor.call("GET", "/?tags=oops&by=tier&health=red&utm_source=mail").text == (FOLDER / "index.html").read_text()


def test_it_says_that_it_lives(visitor) -> None:
    assert visitor.get("/healthz") == {"status": "ok"}
