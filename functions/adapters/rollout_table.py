"""How rollouts look in the rollouts table.

p                    s               d
{ws}|rollouts        rollout         Rollout, zlib over msgpack; `v` its version
{ws}|rollout|{id}|t  wave|number     Wave, likewise; `v` the version of the rollout that wrote it, `t` when that was created
{ws}|documents       hash            canonical text of a document, zlib
{ws}|registry        -               `r` ids of the rollouts that are not over, `v` how often that has changed
{ws}|audit           at|rollout|n    Entry, msgpack; also of rotations (`rotations`)
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from functions.domain.errors import InvalidInput, StoreUnavailable
from functions.domain.rollout import FINAL, Entry, Rollout, Wave
from functions.domain.times import DAY_MS, SECOND_MS
from functions.ports import Registry

type Attributes = dict[str, dict[str, Any]]

KEPT_MS = 400 * DAY_MS
"""Of rollouts that are over, their documents, and the audit log."""
SPARE_MS = 60 * DAY_MS
"""What a rollout needs is written before its end: kept so much longer."""
LARGEST = 280_000
"""Bytes of a wave; DynamoDB takes 400 KB an item, the local cloud counts them as base64."""
LARGEST_NEW = 200_000
_SHORT = 40
_ENCODER = msgspec.msgpack.Encoder()
_ROLLOUT = msgspec.msgpack.Decoder(Rollout)
_WAVE = msgspec.msgpack.Decoder(Wave)
_ENTRY = msgspec.msgpack.Decoder(Entry)


def heads(workspace: str) -> str:
    """Partition of the heads."""
    return f"{workspace}|rollouts"


def waves(workspace: str, rollout: Rollout) -> str:
    """Partition of the waves of one rollout; of two that are started under one id, each has its own, whichever comes to be."""
    return f"{workspace}|rollout|{rollout.id}|{rollout.created}"


def documents(workspace: str) -> str:
    """Partition of documents."""
    return f"{workspace}|documents"


def audit(workspace: str) -> str:
    """Partition of the audit log."""
    return f"{workspace}|audit"


def key(partition: str, sort: str) -> Attributes:
    """A key."""
    return {"p": {"S": partition}, "s": {"S": sort}}


def registry_key(workspace: str) -> Attributes:
    """The key of the registry."""
    return key(f"{workspace}|registry", "-")


def registry_of(item: Mapping[str, Any] | None) -> Registry:
    """The registry of an item, or of none."""
    if not item:
        return Registry(version=0, rollouts=frozenset())
    return Registry(version=int(item["v"]["N"]), rollouts=frozenset(item.get("r", {}).get("SS", [])))


def registry_item(workspace: str, registry: Registry) -> Attributes:
    """A registry that is not empty as an item."""
    return registry_key(workspace) | {"r": {"SS": sorted(registry.rollouts)}, "v": {"N": str(registry.version)}}


def head_item(workspace: str, rollout: Rollout) -> Attributes:
    """A head as an item; one that is over goes by itself, later."""
    expires = {"x": _expiry(rollout.since + KEPT_MS)} if rollout.phase in FINAL else {}
    return key(heads(workspace), rollout.id) | {"d": _packed(rollout), "v": {"N": str(rollout.version)}} | expires


def head_of(item: Mapping[str, Any]) -> Rollout:
    """The head of an item; raises `StoreUnavailable` for one that this release cannot read."""
    return _unpacked(_ROLLOUT, item)


def wave_sort(number: int) -> str:
    """The sort key of a wave."""
    return f"wave|{number:04d}"


def wave_item(workspace: str, rollout: Rollout, wave: Wave, now: int, *, spare: bool = False) -> Attributes:
    """A wave as an item; `spare` leaves room for what it will learn, and raises `InvalidInput` for one that is too large.

    Later the details that its members report may be too much: they are cut then, for a rollout that cannot be written would never end.
    """
    data = _packed(wave)
    if spare and len(data["B"]) > LARGEST_NEW:
        raise InvalidInput(f"wave {wave.number + 1} has {len(wave.members)} agents with too many tags to be stored: use smaller waves")
    for length in (_SHORT, 0):
        if len(data["B"]) > LARGEST:
            data = _packed(_cut(wave, length))
    version = {"v": {"N": str(rollout.version)}, "x": _expiry(now + KEPT_MS + SPARE_MS)}
    return key(waves(workspace, rollout), wave_sort(wave.number)) | {"d": data} | version


def wave_of(item: Mapping[str, Any]) -> Wave:
    """The wave of an item; raises `StoreUnavailable` for one that this release cannot read."""
    return _unpacked(_WAVE, item)


def document_item(workspace: str, hash: str, text: str, now: int) -> Attributes:
    """A document as an item."""
    data = {"B": zlib.compress(text.encode())}
    return key(documents(workspace), hash) | {"d": data, "x": _expiry(now + KEPT_MS + SPARE_MS)}


def document_of(item: Mapping[str, Any]) -> str:
    """The text of an item."""
    return zlib.decompress(item["d"]["B"]).decode()


def audit_sort(at: int) -> str:
    """No entry made from then on has a sort key before this one."""
    return f"{max(at, 0):013d}"


def audit_items(workspace: str, version: int, entries: Sequence[Entry]) -> list[Attributes]:
    """Entries as items; those of one write, of a rollout's or rotation's `version`, have keys of their own."""
    return [
        key(audit(workspace), f"{audit_sort(entry.at)}|{entry.rollout}|{version:06d}.{number:02d}")
        | {"d": {"B": _ENCODER.encode(entry)}, "x": _expiry(entry.at + KEPT_MS)}
        for number, entry in enumerate(entries)
    ]


def entry_of(item: Mapping[str, Any]) -> Entry:
    """The entry of an item; raises `msgspec.DecodeError`."""
    return _ENTRY.decode(item["d"]["B"])


def _cut(wave: Wave, length: int) -> Wave:
    members = [msgspec.structs.replace(member, detail=member.detail[:length]) for member in wave.members]
    return msgspec.structs.replace(wave, members=members)


def _packed(value: object) -> dict[str, bytes]:
    return {"B": zlib.compress(_ENCODER.encode(value))}


def _unpacked[T](decoder: msgspec.msgpack.Decoder[T], item: Mapping[str, Any]) -> T:
    try:
        return decoder.decode(zlib.decompress(item["d"]["B"]))
    except (msgspec.DecodeError, zlib.error) as error:
        raise StoreUnavailable(f"rollouts table: {item['p']['S']} {item['s']['S']} cannot be read: {error}") from error


def _expiry(at: int) -> dict[str, str]:
    return {"N": str(at // SECOND_MS)}
