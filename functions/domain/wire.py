"""What an agent posts, decoded: gunzip with a bound, JSON into typed columns.

A good batch is decoded in one go. One that does not fit is decoded again, series by series and cell by cell, so that whatever is
good in it can be kept (`domain.batch`). Only a batch whose head cannot be read raises.
"""

from __future__ import annotations

import re
import zlib
from typing import Annotated, Literal, NamedTuple

import msgspec

from functions.domain.errors import InvalidInput, TooLarge
from functions.domain.key_fingerprint import MAX_PROVIDERS, PATTERN, PROVIDER_PATTERN

MAX_BYTES = 1_048_576
"""Of the JSON text."""
MAX_TAGS = 20
MAX_TEXT = 256
MAX_VALUE = 1e290
"""Magnitude of a value: so a sum of many stays finite."""
_GZIP = b"\x1f\x8b"
_NO_CONTROL = r"^[^\x00-\x1f\x7f-\x9f]*\Z"

Value = Annotated[float, msgspec.Meta(ge=-MAX_VALUE, le=MAX_VALUE)]
Attribute = Annotated[str, msgspec.Meta(max_length=MAX_TEXT)] | None
Attributes = dict[str, list[Attribute]]
_Text = Annotated[str, msgspec.Meta(max_length=MAX_TEXT, pattern=_NO_CONTROL)]
_Time = Annotated[int, msgspec.Meta(ge=0, le=10**14)]
_Tags = Annotated[dict[str, str], msgspec.Meta(max_length=MAX_TAGS)]
_Hash = Annotated[str, msgspec.Meta(max_length=64, pattern=r"^[A-Za-z0-9._:-]+\Z")] | None


class Config(msgspec.Struct, gc=False, forbid_unknown_fields=True, omit_defaults=True):
    """What an agent says of its configuration: each report replaces the one before it as a whole."""

    written: _Hash = None
    """Hash of the desired configuration that it has on disk."""
    applied: _Hash = None
    """Hash of the one that is in force."""
    error: Attribute = None
    """Why the desired one could not be written or applied."""


class KeyReport(msgspec.Struct, gc=False, forbid_unknown_fields=True, omit_defaults=True):
    """What an agent says of its key for one provider: each report replaces the one before it as a whole."""

    fingerprint: Annotated[str, msgspec.Meta(pattern=rf"^{PATTERN}\Z")] | None = None
    """Of the key in force (`key_fingerprint`)."""
    error: Attribute = None
    """Why the desired one is not in force."""
    used: _Time | None = None
    """When the provider last took it, ms of the agent's clock."""


class Info(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    """What an agent says of itself."""

    name: _Text | None = None
    model: _Text | None = None
    host: _Text | None = None
    versions: Annotated[dict[_Text, _Text], msgspec.Meta(max_length=MAX_TAGS)] = {}
    config: msgspec.Raw = msgspec.Raw()
    """A `Config`, read apart (`read_config`): a fault in it loses no points."""
    keys: msgspec.Raw = msgspec.Raw()
    """`KeyReport` by provider, read apart likewise (`read_keys`)."""


class Series(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    """Points of one metric with the same tags, in columns."""

    name: str
    times: list[int]
    values: list[Value]
    tags: _Tags = {}
    attributes: Attributes = {}


class Events(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    """Events of one name with the same tags, in columns."""

    name: str
    times: list[int]
    tags: _Tags = {}
    attributes: Attributes = {}
    payloads: list[msgspec.Raw] | None = None


class Sketched(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    """What a client aggregated itself."""

    name: str
    time: int
    last: Value
    sketch: bytes
    tags: _Tags = {}


class Head(msgspec.Struct, gc=False, forbid_unknown_fields=True, kw_only=True):
    """What must be right for a batch to be read at all."""

    v: Literal[1]
    agent: Annotated[str, msgspec.Meta(max_length=128, pattern=r"^[A-Za-z0-9][A-Za-z0-9._:@-]*\Z")]
    epoch: Annotated[str, msgspec.Meta(max_length=32, pattern=r"^[A-Za-z0-9][A-Za-z0-9._:@-]*\Z")]
    seq: Annotated[int, msgspec.Meta(ge=0, le=2**53)]
    time: _Time
    tags: _Tags = {}
    info: Info = msgspec.field(default_factory=Info)


class Batch(Head, gc=False, forbid_unknown_fields=True, kw_only=True):
    """A batch that fits."""

    series: list[Series] = []
    sketches: list[Sketched] = []
    events: list[Events] = []


class LooseBatch(Head, gc=False, forbid_unknown_fields=True, kw_only=True):
    """A batch with a good head."""

    series: list[msgspec.Raw] = []
    sketches: list[msgspec.Raw] = []
    events: list[msgspec.Raw] = []


class LooseSeries(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    """A series that does not fit, in cells to be decoded one by one."""

    name: str
    times: list[msgspec.Raw]
    values: list[msgspec.Raw]
    tags: _Tags = {}
    attributes: dict[str, list[msgspec.Raw]] = {}


class LooseEvents(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    """Events that do not fit, in cells."""

    name: str
    times: list[msgspec.Raw]
    tags: _Tags = {}
    attributes: dict[str, list[msgspec.Raw]] = {}
    payloads: list[msgspec.Raw] | None = None


class _Size(msgspec.Struct, gc=False):
    times: list[msgspec.Raw] = []
    values: list[msgspec.Raw] = []


class Fault(NamedTuple):
    """Why something could not be decoded."""

    reason: str
    path: str
    """Like `series[0].name`; empty for the whole."""

    @property
    def text(self) -> str:
        """Both in one."""
        return f"{self.path}: {self.reason}" if self.path else self.reason


_FAULTS = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
_BATCH = msgspec.json.Decoder(Batch)
_LOOSE = msgspec.json.Decoder(LooseBatch)
_SIZE = msgspec.json.Decoder(_Size)
_CONFIG = msgspec.json.Decoder(Config | None)
_MEMBERS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_KEY_REPORT = msgspec.json.Decoder(KeyReport)
_PROVIDER = re.compile(PROVIDER_PATTERN)
_MEMBER: dict[str, msgspec.json.Decoder[str | None]] = {
    "written": msgspec.json.Decoder(_Hash),
    "applied": msgspec.json.Decoder(_Hash),
    "error": msgspec.json.Decoder(Attribute),
}
_PATH = re.compile(r"(.*) - at `(?:key in )?\$\.?(.*)`", re.DOTALL)


def decompress(body: bytes, encoding: str = "", limit: int = MAX_BYTES) -> bytes:
    """What a request's body holds; gzip is recognised by its first bytes too. Raises `InvalidInput`, `TooLarge`."""
    if body[:2] == _GZIP or encoding == "gzip":
        body = _gunzip(body, limit)
    elif encoding not in ("", "identity"):
        raise InvalidInput(f"content encoding {encoding!r} is not possible; send gzip or none")
    if len(body) > limit:
        raise TooLarge(f"a batch has at most {limit} bytes")
    return body


def _gunzip(body: bytes, limit: int) -> bytes:
    stream = zlib.decompressobj(wbits=31)
    try:
        plain = stream.decompress(body, limit + 1)
    except zlib.error as error:
        raise InvalidInput(f"the gzip stream is damaged: {error}") from None
    if len(plain) > limit:
        raise TooLarge(f"a batch has at most {limit} bytes after gunzip")
    if not stream.eof or stream.unused_data:
        raise InvalidInput("the gzip stream is cut short" if not stream.eof else "there are bytes after the end of the gzip stream")
    return plain


def decode(text: bytes) -> Batch | LooseBatch:
    """The batch, or what can be read of one with faults. Raises `InvalidInput` naming the field at fault in its head."""
    try:
        return _BATCH.decode(text)
    except _FAULTS:
        pass
    try:
        return _LOOSE.decode(text)
    except _FAULTS as error:
        fault = fault_of(error)
        raise InvalidInput(fault.reason, fault.path or None) from None


def read_config(raw: msgspec.Raw) -> tuple[Config | None, list[str]]:
    """What an agent reports of its configuration, and the reasons why parts of that cannot be taken. None: it has said nothing."""
    if not bytes(raw):
        return None, []
    whole = try_decode(raw, _CONFIG)
    if not isinstance(whole, Fault):
        return whole, []
    members = try_decode(raw, _MEMBERS)
    if isinstance(members, Fault):
        return Config(), [f"config: {members.reason}"]
    read = {name: _member(name, cell) for name, cell in members.items()}
    good = {name: value for name, value in read.items() if not isinstance(value, Fault)}
    return Config(**good), [f"config.{name[:64]}: {value.reason}" for name, value in read.items() if isinstance(value, Fault)]


def read_keys(raw: msgspec.Raw) -> tuple[dict[str, KeyReport] | None, list[str]]:
    """What an agent reports of its keys, and the reasons why parts of that cannot be taken. None: it has said nothing."""
    if bytes(raw) in (b"", b"null"):
        return None, []
    members = try_decode(raw, _MEMBERS)
    if isinstance(members, Fault):
        return {}, [f"keys: {members.reason}"]
    good, faults = {}, []
    for number, (provider, cell) in enumerate(members.items()):
        read = _key_report(provider, cell, number)
        if isinstance(read, Fault):
            faults.append(f"keys.{provider[:64]}: {read.reason}")
        else:
            good[provider] = read
    return good, faults


def _key_report(provider: str, cell: msgspec.Raw, number: int) -> KeyReport | Fault:
    if not _PROVIDER.fullmatch(provider):
        return Fault(f"a provider's name is like {PROVIDER_PATTERN}", "")
    if number >= MAX_PROVIDERS:
        return Fault(f"an agent has keys of at most {MAX_PROVIDERS} providers", "")
    return try_decode(cell, _KEY_REPORT)


def _member(name: str, cell: msgspec.Raw) -> str | Fault | None:
    if name not in _MEMBER:
        return Fault("is not known; known are written, applied, error", "")
    found: str | Fault | None = try_decode(cell, _MEMBER[name])
    return found


def size_of(raw: msgspec.Raw) -> int:
    """How many points a series or events would have had that cannot be used: at least one, so that none goes uncounted."""
    try:
        size = _SIZE.decode(raw)
    except _FAULTS:
        return 1
    return max(1, len(size.times), len(size.values))


def try_decode[T](raw: msgspec.Raw, decoder: msgspec.json.Decoder[T]) -> T | Fault:
    """What the bytes hold, or why they hold none."""
    try:
        return decoder.decode(raw)
    except _FAULTS as error:
        return fault_of(error)


def fault_of(error: BaseException) -> Fault:
    """What a decoder complains of, in words for people who write JSON."""
    if isinstance(error, UnicodeDecodeError):
        return Fault("is not UTF-8", "")
    if isinstance(error, RecursionError):
        return Fault("is nested too deeply", "")
    found = _PATH.fullmatch(str(error))
    reason, path = (found[1], found[2]) if found else (str(error), "")
    return Fault("has characters that are not possible there" if "matching regex" in reason else reason, path)
