"""Requests to servers that users name: what is refused, and what a server cannot do to us."""

from __future__ import annotations

import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from functions.adapters.http_poster import MAX_ANSWER, WebPoster, is_public
from functions.domain.notification import DeliveryFailed


def send(poster: WebPoster, url: str) -> int:
    return poster.send("POST", url, {}, b"{}").status


def refusal(poster: WebPoster, url: str) -> DeliveryFailed:
    with pytest.raises(DeliveryFailed) as failed:
        poster.send("POST", url, {}, b"{}")
    return failed.value


PRIVATE = [
    "127.0.0.1",
    "10.0.0.7",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "169.254.170.2",
    "100.64.0.1",
    "0.0.0.0",
    "224.0.0.1",
    "255.255.255.255",
    "::1",
    "::",
    "fe80::1%eth0",
    "fd00:ec2::254",
    "ff02::1",
    "::ffff:127.0.0.1",
    "::127.0.0.1",
    "64:ff9b::a9fe:a9fe",
    "2002:7f00:1::",
]


@pytest.mark.parametrize("address", PRIVATE)
def test_addresses_that_are_not_public_are_refused_whatever_the_name(address: str) -> None:
    poster = WebPoster(resolve=lambda _host, _port: ["93.184.216.34", address])
    fault = refusal(poster, "https://innocent.example.com/hook/secret-path")
    assert "public addresses only" in fault.reason
    assert not fault.retryable
    assert "secret-path" not in fault.reason


def test_public_addresses_are_fine() -> None:
    assert all(map(is_public, ["93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946", "64:ff9b::5db8:d822"]))


@pytest.mark.parametrize(
    "url",
    ["http://127.1:80/", "https://127.0.0.1/", "https://2130706433/", "https://[::1]/", "https://localhost/", "https://[::ffff:7f00:1]/"],
)
def test_other_ways_to_write_loopback_are_refused_too(url: str) -> None:
    assert not refusal(WebPoster(), url).retryable


@pytest.mark.parametrize(
    "url",
    [
        "",
        "ftp://example.com/",
        "https://",
        "https://user:word@example.com/",
        "https://example.com:99999/",
        "https://exa mple.com/",
        "https://example.com/\r\nX: y",
        "https://exämple.com/",
        "file:///etc/passwd",
        "https://[::1",
    ],
)
def test_what_is_no_url_is_refused(url: str) -> None:
    assert not refusal(WebPoster(private=True), url).retryable


def test_plain_http_is_refused_where_only_public_addresses_are_allowed() -> None:
    assert "https://" in refusal(WebPoster(resolve=lambda _host, _port: ["93.184.216.34"]), "http://example.com/").reason


def test_a_name_is_looked_up_once_and_the_checked_address_is_the_one_that_is_connected_to() -> None:
    answers = [["127.0.0.1"], ["10.0.0.1"]]
    with tcp(lambda peer: peer.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")) as port:
        assert send(WebPoster(private=True, resolve=lambda _host, _port: answers.pop(0)), f"http://pulse.example.com:{port}/") == 204
    assert len(answers) == 1


def test_an_unknown_name_may_be_known_later() -> None:
    def unknown(_host: str, _port: int) -> list[str]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    fault = refusal(WebPoster(resolve=unknown), "https://nobody.example.com/")
    assert fault.retryable
    assert "nobody.example.com cannot be looked up: Name or service not known" in fault.reason


def test_nobody_there_may_pass() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    fault = refusal(WebPoster(private=True), f"http://127.0.0.1:{port}/")
    assert fault.retryable
    assert "Connection refused" in fault.reason


def test_a_server_that_answers_a_byte_at_a_time_does_not_hold_us() -> None:
    def drip(peer: socket.socket) -> None:
        peer.sendall(b"HTTP/1.1 200 OK\r\n")
        for _ in range(200):
            peer.sendall(b"X: y\r\n")
            time.sleep(0.05)

    with tcp(drip) as port:
        fault = refusal(WebPoster(private=True, total_s=0.4), f"http://127.0.0.1:{port}/")
    assert fault.retryable
    assert "within 0 s" in fault.reason


def test_of_an_endless_answer_only_the_beginning_is_read() -> None:
    def endless(peer: socket.socket) -> None:
        peer.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            peer.sendall(b"x" * 65_536)

    with tcp(endless) as port:
        answer = WebPoster(private=True).send("POST", f"http://127.0.0.1:{port}/", {}, b"{}")
    assert len(answer.body) == MAX_ANSWER


@pytest.mark.parametrize(
    "reply",
    [
        b"",
        b"garbage\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ],
)
def test_an_answer_that_is_no_http_may_pass(reply: bytes) -> None:
    with tcp(lambda peer: peer.sendall(reply)) as port:
        fault = refusal(WebPoster(private=True), f"http://127.0.0.1:{port}/")
    assert fault.retryable
    assert "no answer from 127.0.0.1" in fault.reason


def test_a_certificate_that_nobody_vouches_for_is_refused_before_anything_is_sent(tmp_path: Path) -> None:
    got: list[bytes] = []
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(*certificate(tmp_path))

    def greet(peer: socket.socket) -> None:
        with server.wrap_socket(peer, server_side=True) as stream:
            got.append(stream.recv(1000))

    with tcp(greet) as port:
        fault = refusal(WebPoster(private=True), f"https://localhost:{port}/hook")
    assert "certificate of localhost is not valid" in fault.reason
    assert not fault.retryable
    assert got == []


def test_a_trusted_certificate_is_accepted_for_its_own_name_only(tmp_path: Path) -> None:
    chain = certificate(tmp_path)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(*chain)
    trusting = ssl.create_default_context(cafile=str(chain[0]))

    def answer(peer: socket.socket) -> None:
        with server.wrap_socket(peer, server_side=True) as stream:
            stream.recv(1000)
            stream.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")

    poster = WebPoster(private=True, context=trusting, resolve=lambda _host, _port: ["127.0.0.1"])
    with tcp(answer) as port:
        assert send(poster, f"https://localhost:{port}/hook") == 204
        assert "not valid" in refusal(poster, f"https://other.example.com:{port}/hook").reason


@contextmanager
def tcp(behave: Callable[[socket.socket], None]) -> Iterator[int]:
    """A server on loopback that behaves so to every connection."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve(peer: socket.socket) -> None:
            with peer:
                try:
                    peer.settimeout(5)
                    if behave.__name__ not in ("greet", "answer"):
                        peer.recv(65_536)
                    behave(peer)
                except OSError:
                    pass

        def accept() -> None:
            while True:
                try:
                    peer, _ = listener.accept()
                except OSError:
                    return
                threading.Thread(target=serve, args=(peer,), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)


def certificate(folder: Path) -> tuple[Path, Path]:
    """A self-signed certificate for localhost, and its key."""
    chain, key = folder / "chain.pem", folder / "key.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", chain, "-days", "2"]
    command += ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    subprocess.run(command, check=True, capture_output=True)
    return chain, key
