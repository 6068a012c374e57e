"""Requests to servers that users name: checked addresses only, TLS verified, no redirects, bounded in time and size.

A name is looked up once, every address it has is checked, and the connection goes to a checked address: a name that points elsewhere a
moment later (DNS rebinding) gains nothing. What is refused: loopback, link-local (with it the metadata services), private and all other
addresses that are not public, unless the stage allows it (the local cloud and tests).
"""

from __future__ import annotations

import http.client
import ipaddress
import socket
import ssl
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from threading import Event, Timer
from typing import Any
from urllib.parse import SplitResult, urlsplit

from functions.domain.notification import DeliveryFailed
from functions.ports import Answer

CONNECT_S = 3.0
TOTAL_S = 8.0
"""For the exchange, whatever the server does: one that answers a byte at a time does not hold us."""
MAX_ANSWER = 65_536
USER_AGENT = "ClawPulse/1 (+alerts)"
_SLICE = 8192

type Resolve = Callable[[str, int], list[str]]


def resolve(host: str, port: int) -> list[str]:
    """The addresses of a host."""
    return list(dict.fromkeys(str(found[4][0]) for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)))


class WebPoster:
    """`HttpPoster`."""

    def __init__(
        self,
        *,
        private: bool = False,
        resolve: Resolve = resolve,
        context: ssl.SSLContext | None = None,
        total_s: float = TOTAL_S,
        max_answer: int = MAX_ANSWER,
    ) -> None:
        """`private` allows plain http and addresses that are not public; of an answer the first `max_answer` bytes are read."""
        self._private = private
        self._resolve = resolve
        self._context = context or ssl.create_default_context()
        self._total_s = total_s
        self._max_answer = max_answer

    def send(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """One request. Raises `DeliveryFailed` without an answer, or for an address that is not allowed.

        Of the URL, which may be a secret, errors tell the host only.
        """
        parts = self._checked(url)
        host, target = parts.hostname or "", (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection = self._connect(parts, self._addresses(host, parts.port or _PORTS[parts.scheme]))
        with _deadline(connection.sock, self._total_s) as late:
            try:
                connection.request(method, target, body or None, {"User-Agent": USER_AGENT, "Accept": "application/json", **headers})
                response = connection.getresponse()
                answer = Answer(
                    response.status, {name.lower(): value for name, value in response.getheaders()}, _read(response, self._max_answer)
                )
            except (OSError, http.client.HTTPException) as error:
                words = f"nothing within {self._total_s:.0f} s" if late.is_set() or isinstance(error, TimeoutError) else _words(error)
                raise DeliveryFailed(f"no answer from {host}: {words}", retryable=True) from None
            finally:
                connection.close()
        if late.is_set():
            # A socket that was shut looks like an answer that ended early.
            raise DeliveryFailed(f"no whole answer from {host} within {self._total_s:.0f} s", retryable=True)
        return answer

    def _checked(self, url: str) -> SplitResult:
        try:
            parts = urlsplit(url)
            fine = parts.scheme in _PORTS and bool(parts.hostname) and (parts.port is None or parts.port > 0) and "@" not in parts.netloc
        except ValueError:
            fine = False
        if not fine or not url.isascii() or not url.isprintable() or " " in url:
            raise DeliveryFailed("the URL is not one that requests can be sent to", retryable=False)
        if parts.scheme == "http" and not self._private:
            raise DeliveryFailed("the URL must begin with https://", retryable=False)
        return parts

    def _addresses(self, host: str, port: int) -> list[str]:
        try:
            found = self._resolve(host, port)
        except (OSError, UnicodeError) as error:
            raise DeliveryFailed(f"the name {host} cannot be looked up: {_words(error)}", retryable=True) from None
        refused = [address for address in found if not is_public(address)]
        if refused and not self._private:
            raise DeliveryFailed(f"{host} has the address {refused[0]}: channels reach public addresses only", retryable=False)
        return found

    def _connect(self, parts: SplitResult, addresses: list[str]) -> http.client.HTTPConnection:
        """A connection to the first address that takes one."""
        host, port = parts.hostname or "", parts.port or _PORTS[parts.scheme]
        fault: OSError = OSError("it has no address")
        for address in addresses[:3]:
            try:
                plain = socket.create_connection((address, port), timeout=CONNECT_S)
            except OSError as error:
                fault = error
                continue
            plain.settimeout(self._total_s)
            return self._over(plain, parts.scheme, host, port)
        raise DeliveryFailed(f"no connection to {host}: {_words(fault)}", retryable=True)

    def _over(self, plain: socket.socket, scheme: str, host: str, port: int) -> http.client.HTTPConnection:
        """The connection over an open socket."""
        connection: Any = http.client.HTTPSConnection(host, port) if scheme == "https" else http.client.HTTPConnection(host, port)
        try:
            connection.sock = self._context.wrap_socket(plain, server_hostname=host) if scheme == "https" else plain
        except ssl.SSLCertVerificationError as error:
            plain.close()
            # A wrong certificate does not mend itself in minutes, and whoever has it must not get our secrets.
            raise DeliveryFailed(f"the certificate of {host} is not valid: {error.verify_message}", retryable=False) from None
        except OSError as error:
            plain.close()
            raise DeliveryFailed(f"no TLS connection to {host}: {_words(error)}", retryable=True) from None
        made: http.client.HTTPConnection = connection
        return made


_PORTS = {"https": 443, "http": 80}


def is_public(address: str) -> bool:
    """Whether an IP address is one of the public internet, also when it is written within an IPv6 address."""
    found = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(found, ipaddress.IPv6Address):
        inner = found.ipv4_mapped or found.sixtofour or (found.teredo[1] if found.teredo else None)
        # 64:ff9b::/96 is how IPv4 is reached where there is only IPv6.
        inner = ipaddress.IPv4Address(int(found) & 0xFFFFFFFF) if found in _NAT64 else inner
        if inner is not None:
            return is_public(str(inner))
    return found.is_global and not found.is_multicast and not found.is_reserved


_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


@contextmanager
def _deadline(sock: socket.socket, seconds: float) -> Iterator[Event]:
    """Shuts the socket when the time is up, whoever waits on it; the event tells that it did."""
    late = Event()

    def shut() -> None:
        late.set()
        with suppress(OSError):
            # The plain socket's own method: TLS must not say goodbye while another thread reads.
            socket.socket.shutdown(sock, socket.SHUT_RDWR)

    timer = Timer(seconds, shut)
    timer.daemon = True
    timer.start()
    try:
        yield late
    finally:
        timer.cancel()


def _read(response: http.client.HTTPResponse, most: int) -> bytes:
    """The answer's beginning."""
    found = bytearray()
    while len(found) < most and (piece := response.read1(_SLICE)):
        found += piece
    if len(found) < most and response.length:
        raise http.client.IncompleteRead(bytes(found), response.length)
    return bytes(found[:most])


def _words(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
