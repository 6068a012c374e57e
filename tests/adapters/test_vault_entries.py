"""Logging in to Vault, and what answers of Vault, of proxies and of other programs mean; against a server that answers as it is told to."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import hvac
import pytest

from functions.adapters.vault_entries import Entries, connector
from functions.domain.errors import VaultRefused, VaultUnavailable

TOKEN = {"VAULT_TOKEN": "s.XYZZY"}
MOUNT = {"data": {"type": "kv", "options": {"version": "2"}}}
STORED = {"data": {"data": {"a": "b"}, "metadata": {"created_time": "2026-11-26T16:00:00.123456789Z", "version": 3}}}

type Answer = tuple[int, dict[str, str], bytes]


def answer(status: int, document: Any = None, **headers: str) -> Answer:
    body = document if isinstance(document, bytes) else json.dumps(document or {"errors": []}).encode()
    return status, {"Content-Type": "application/json", **{name.replace("_", "-"): text for name, text in headers.items()}}, body


class Server:
    """Answers by path; a path that it does not know with the fault."""

    def __init__(self, answers: dict[str, Answer], fault: Answer) -> None:
        self.requests: list[tuple[str, dict[str, str], bytes]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                outer.requests.append((self.path, dict(self.headers), body))
                status, headers, text = answers.get(self.path, fault)
                self.send_response(status)
                for name, value in {**headers, "Content-Length": str(len(text))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(text)

            def do_POST(self) -> None:
                self.do_GET()

            def log_message(self, *_args: Any) -> None:
                """Quiet."""

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}"


@contextmanager
def serving(answers: dict[str, Answer], fault: Answer | None = None) -> Iterator[Server]:
    server = Server(answers, fault or answer(500))
    thread = threading.Thread(target=server.http.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.http.shutdown()
        server.http.server_close()
        thread.join()


MOUNTED = {"/v1/sys/internal/ui/mounts/secret": answer(200, MOUNT)}


@pytest.mark.parametrize(
    ("fault", "kind", "words"),
    [
        (answer(400), VaultRefused, r"will not read a \(400\)"),
        (answer(400, {"errors": ["... will be unavailable for a brief period and will resume"]}), VaultUnavailable, "wait for a moment"),
        (answer(401), VaultRefused, r"\(401\)"),
        (answer(403, {"errors": ["permission denied"]}), VaultRefused, r"does not let us read a \(403\)"),
        (answer(404, {"errors": ['no handler for route "secret/data/a"']}), VaultRefused, "no mount 'secret'"),
        (answer(404, b"<html>", Content_Type="text/html"), VaultRefused, "no mount 'secret'"),
        (answer(405), VaultRefused, "405"),
        (answer(412), VaultUnavailable, "not caught up"),
        (answer(413), VaultRefused, "413"),
        (answer(429), VaultUnavailable, "no more requests"),
        (answer(473), VaultUnavailable, "standby"),
        (answer(500, {"errors": ["local node not active but active cluster node not found"]}), VaultUnavailable, "500"),
        (answer(501), VaultUnavailable, "not initialised"),
        (answer(502, b"<html>", Content_Type="text/html"), VaultUnavailable, "502"),
        (answer(503, {"errors": ["Vault is sealed"]}), VaultUnavailable, "sealed"),
        (answer(504), VaultUnavailable, "504"),
        (answer(200, b"<html>", Content_Type="text/html"), VaultRefused, "no Vault"),
        (answer(200, b"[]"), VaultRefused, "no Vault"),
        (answer(307, Location="/v1/secret/data/a"), VaultUnavailable, "cannot be reached"),
    ],
)
def test_each_answer_is_retried_or_told(fault: Answer, kind: type[Exception], words: str) -> None:
    with serving(MOUNTED, fault) as server:
        with pytest.raises(kind, match=words) as raised:
            Entries(connector(server.url, "", TOKEN)).read("a")
        assert "XYZZY" not in str(raised.value)


@pytest.mark.parametrize(
    ("text", "seconds"), [("17", 17), ("86400", 60), ("0", 1), ("", 5), ("Thu, 26 Nov 2026 16:00:00 GMT", 5), ("²", 5)]
)
def test_waits_as_long_as_vault_says_within_a_minute(text: str, seconds: int) -> None:
    said = answer(429, Retry_After=text.encode().decode("latin-1"))
    with serving(MOUNTED, said) as server, pytest.raises(VaultUnavailable) as raised:
        Entries(connector(server.url, "", TOKEN)).read("a")
    assert raised.value.retry_after_s == seconds


def test_an_entry_is_read_and_its_content_is_not_in_what_is_printed() -> None:
    with serving({**MOUNTED, "/v1/secret/data/a": answer(200, STORED)}) as server:
        found = Entries(connector(server.url, "", TOKEN)).read("a")
    assert (found.data, found.version, found.created) == ({"a": "b"}, 3, 1_795_708_800_123)
    assert "'b'" not in repr(found)


@pytest.mark.parametrize(
    ("address", "kind", "words"),
    [
        ("", VaultRefused, "CLAWPULSE_VAULT_ADDRESS is empty"),
        ("http://127.0.0.1:9", VaultUnavailable, "cannot be reached"),
        ("vault.example", VaultRefused, "no URL"),
        ("http://[", VaultRefused, "no URL"),
    ],
)
def test_an_address_where_no_vault_is(address: str, kind: type[Exception], words: str) -> None:
    with pytest.raises(kind, match=words):
        Entries(connector(address, "", TOKEN)).read("a")


def test_an_address_whose_certificate_is_not_trusted() -> None:
    with serving(MOUNTED) as server, pytest.raises(VaultRefused, match="certificate"):
        Entries(connector(server.url.replace("http:", "https:"), "", TOKEN)).read("a")


def test_a_server_that_says_nothing_is_not_waited_for_for_ever() -> None:
    with serving({}) as server:
        server.http.shutdown()  # it listens, and accepts nobody

        def hurried(_watch: Any) -> Any:
            return hvac.Client(url=server.url, token="s.x", timeout=0.2)

        with pytest.raises(VaultUnavailable, match="in time"):
            Entries(hurried).read("a")


def test_a_function_logs_in_with_its_aws_role_in_its_namespace() -> None:
    env = {"AWS_ACCESS_KEY_ID": "AKIAX", "AWS_SECRET_ACCESS_KEY": "secret-XYZZY", "AWS_SESSION_TOKEN": "session"}
    answers = {"/v1/auth/aws/login": answer(200, {"auth": {"client_token": "s.mine"}}), **MOUNTED, "/v1/secret/data/a": answer(200, STORED)}
    with serving(answers) as server:
        entries = Entries(connector(server.url, "clawpulse", env, "team"))
        assert [entries.read("a").version for _ in range(2)] == [3, 3]
    paths = [path for path, _, _ in server.requests]
    assert paths == ["/v1/auth/aws/login", "/v1/sys/internal/ui/mounts/secret", "/v1/secret/data/a", "/v1/secret/data/a"]
    assert {headers["X-Vault-Namespace"] for _, headers, _ in server.requests} == {"team"}
    assert [headers.get("X-Vault-Token") for _, headers, _ in server.requests] == [None, "s.mine", "s.mine", "s.mine"]
    sent = json.loads(server.requests[0][2])
    headers = json.loads(base64.b64decode(sent["iam_request_headers"]))
    assert sent["role"] == "clawpulse"
    assert headers["X-Amz-Security-Token"] == ["session"]
    assert "Credential=AKIAX/" in headers["Authorization"][0]
    assert b"XYZZY" not in server.requests[0][2]


@pytest.mark.parametrize(
    ("login", "kind", "words"),
    [
        (answer(400, {"errors": ["entry for role not found"]}), VaultRefused, "log in"),
        (answer(403), VaultRefused, "log in"),
        (answer(503), VaultUnavailable, "sealed"),
        (answer(200, b"<html>", Content_Type="text/html"), VaultRefused, "no Vault"),
        (answer(200, {"auth": None}), VaultRefused, "no Vault"),
    ],
)
def test_a_login_that_fails(login: Answer, kind: type[Exception], words: str) -> None:
    with serving({"/v1/auth/aws/login": login}) as server, pytest.raises(kind, match=words):
        Entries(connector(server.url, "clawpulse", {})).read("a")


@pytest.mark.parametrize(
    "mount",
    [
        {"data": {"type": "kv", "options": None}},
        {"data": {"type": "pki", "options": {}}},
        {"data": {"type": "kv", "options": {"version": "1"}}},
    ],
)
def test_a_mount_of_another_kind_is_refused(mount: Any) -> None:
    with serving({"/v1/sys/internal/ui/mounts/secret": answer(200, mount)}) as server:
        with pytest.raises(VaultRefused, match="version 2"):
            Entries(connector(server.url, "", TOKEN)).write("a", {"key": "x"}, 0)
        assert len(server.requests) == 1
