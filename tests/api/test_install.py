from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.api.address import public_url
from functions.api.install import FOLDER
from functions.api.validation import BadRequest
from tests.api.world import ApiClient, World

AGENT = "#!/usr/bin/env bash\nVERSION=1.2.3\necho agent\n"
SUM = hashlib.sha256(AGENT.encode()).hexdigest()
TEMPLATE = """#!/usr/bin/env bash
url='@URL@' version=@VERSION@ sum=@SHA256@
printf '%s|' "$url" "$version" "$sum" "@URL@"
"""


def write_bundle(folder: Path) -> Path:
    """What `cdk.build` puts into the code asset."""
    folder.mkdir()
    (folder / "install.sh").write_text(TEMPLATE)
    (folder / "clawpulse-agent").write_text(AGENT)
    (folder / "clawpulse.sh").write_text("cp_metric() { :; }\n")
    (folder / "clawpulse-agent.sha256").write_text(f"{SUM}  clawpulse-agent\n")
    return folder


@pytest.fixture
def visitor(tmp_path: Path) -> ApiClient:
    return World(bundle=write_bundle(tmp_path / "agent")).client().without_token()


def test_the_installer_knows_where_it_came_from_and_what_it_fetches(visitor: ApiClient) -> None:
    answer = visitor.call("GET", "/install.sh", base_url="https://a1b2c3.execute-api.eu-west-1.amazonaws.com")
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/plain; charset=utf-8")
    assert answer.headers["Vary"] == "Host"
    run = subprocess.run(["bash"], input=answer.data, capture_output=True, check=True, timeout=20)
    url = "https://a1b2c3.execute-api.eu-west-1.amazonaws.com/live"
    assert run.stdout.decode().split("|") == [url, "1.2.3", SUM, "@URL@", ""]


@pytest.mark.parametrize("file", ["clawpulse-agent", "clawpulse.sh", "clawpulse-agent.sha256"])
def test_the_agents_files_are_served_as_they_are(visitor: ApiClient, tmp_path: Path, file: str) -> None:
    answer = visitor.call("GET", f"/agent/{file}")
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/plain; charset=utf-8")
    assert answer.data == (tmp_path / "agent" / file).read_bytes()
    assert visitor.call("GET", f"/agent/{file}", headers={"If-None-Match": answer.headers["ETag"]}).status_code == 304


def test_the_checksum_is_one_that_sha256sum_takes(visitor: ApiClient, tmp_path: Path) -> None:
    for file in ("clawpulse-agent", "clawpulse-agent.sha256"):
        (tmp_path / file).write_bytes(visitor.call("GET", f"/agent/{file}").data)
    subprocess.run(["sha256sum", "--check", "clawpulse-agent.sha256"], cwd=tmp_path, check=True, capture_output=True, timeout=20)


@pytest.mark.parametrize("file", ["install.sh", "build", "..%2ffunctions%2fports.py", "%2e%2e", ".env", "clawpulse-agent%00"])
def test_nothing_else_is_served(visitor: ApiClient, file: str) -> None:
    assert visitor.call("GET", f"/agent/{file}").status_code in (400, 404)


@pytest.mark.parametrize("missing", ["install.sh", "clawpulse-agent", "clawpulse.sh", "clawpulse-agent.sha256", ""])
def test_without_a_whole_bundle_a_problem_says_what_to_do(tmp_path: Path, missing: str) -> None:
    folder = write_bundle(tmp_path / "agent")
    (folder / missing).unlink() if missing else shutil.rmtree(folder)
    visitor = World(bundle=folder).client().without_token()
    for path in ("/install.sh", "/agent/clawpulse-agent"):
        assert "python -m cdk.build" in visitor.problem(404, "GET", path)["detail"]


def test_the_sources_are_no_bundle() -> None:
    visitor = World(bundle=FOLDER).client().without_token()
    visitor.problem(404, "GET", "/install.sh")


def context(host: str, path: str = "/live/install.sh") -> dict[str, Any]:
    return {"apiId": "clawpulse", "domainName": host, "path": path}


HTTPS, HTTP = {"x-forwarded-proto": "https"}, {"x-forwarded-proto": "http"}


@pytest.mark.parametrize(
    ("host", "path", "headers", "url"),
    [
        (
            "clawpulse.execute-api.eu-west-1.amazonaws.com",
            "/live/install.sh",
            HTTPS,
            "https://clawpulse.execute-api.eu-west-1.amazonaws.com/live",
        ),
        ("pulse.example.org", "/install.sh", HTTPS, "https://pulse.example.org"),
        ("pulse.example.org", "/base/install.sh", {}, "https://pulse.example.org/base"),
        ("127.0.0.1:4566", "/live/install.sh", HTTP, "http://127.0.0.1:4566/_aws/execute-api/clawpulse/live"),
        ("localhost:4566", "/live/install.sh", {"x-forwarded-proto": "HTTP"}, "http://localhost:4566/_aws/execute-api/clawpulse/live"),
        ("clawpulse.execute-api.localhost:4566", "/live/install.sh", HTTP, "http://clawpulse.execute-api.localhost:4566/live"),
    ],
)
def test_the_address_is_the_one_that_was_called(host: str, path: str, headers: dict[str, str], url: str) -> None:
    assert public_url(context(host, path), headers, "/install.sh") == url


@pytest.mark.parametrize(
    "host", ["", "evil.org;id", "a b", "$(id)", "`id`", "x'", 'x"', "x\n", "x/y", "x@y", "-x", "x:1:2", "x:", "ü.org", "\\"]
)
def test_a_host_that_is_none_is_refused(host: str) -> None:
    with pytest.raises(BadRequest, match="no address") as caught:
        public_url(context(host), HTTPS, "/install.sh")
    assert caught.value.field == "Host"


ANY = st.text(max_size=40) | st.text("ab.-:/$`'\"\\;& \n1", max_size=20)


@given(host=ANY, path=ANY, scheme=ANY | st.sampled_from(["http", "https"]))
def test_whatever_is_sent_only_plain_addresses_come_out(host: str, path: str, scheme: str) -> None:
    try:
        url = public_url(context(host, path), {"x-forwarded-proto": scheme}, "/install.sh")
    except BadRequest:
        return
    assert re.fullmatch(r"https?://[A-Za-z0-9.:/_~-]+", url)


def test_a_hostile_host_gets_a_problem(visitor: ApiClient) -> None:
    assert visitor.problem(400, "GET", "/install.sh", headers={"Host": "x$(id)"})["field"] == "Host"
