"""Batch items: as ingest writes them, and as seal reads them."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache

import msgspec

from functions.domain.rollup import Rollup
from functions.domain.wire import Config, KeyReport


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentInfo:
    """What an agent says of itself with each batch."""

    tags: Mapping[str, str] = field(default_factory=dict)
    name: str | None = None
    model: str | None = None
    host: str | None = None
    versions: Mapping[str, str] = field(default_factory=dict)
    scope: Mapping[str, str] = field(default_factory=dict)
    """Tag scope of the token it posted with."""
    config: Config | None = None
    """What it says of its configuration; None when it says nothing."""
    keys: Mapping[str, KeyReport] | None = None
    """What it says of its API keys, by provider; None when it says nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchItem:
    """One batch's share of one minute: ledger, data and liveness at once."""

    agent: str
    batch: str
    """`epoch.seq`."""
    minute: int
    received: int
    """Server time, ms."""
    digest: str
    info: AgentInfo
    rollup: Rollup
    failures: bytes = b""
    """Failed tasks by kind, encoded by `failures`; empty for none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredItem:
    """A batch item as the store has it: the rollup stays encoded, so that seal decodes a whole minute's at once."""

    agent: str
    batch: str
    """`epoch.seq`."""
    minute: int
    received: int
    """Server time, ms."""
    info: AgentInfo
    data: bytes
    """The rollup, encoded by `rollup_codec`."""
    failures: bytes = b""
    """Failed tasks by kind, encoded by `failures`; empty for none."""

    @property
    def epoch(self) -> str:
        """The process that cut the batch."""
        return self.batch.rpartition(".")[0]

    @property
    def order(self) -> tuple[int, str, str, int]:
        """The order of coming, the same however the store returns the items."""
        return (self.received, self.agent, self.batch, self.minute)


def bucket_of(agent: str, buckets: int) -> int:
    """The partition of an agent's batches within a minute."""
    return zlib.crc32(agent.encode()) % buckets


def info_to_json(info: AgentInfo) -> bytes:
    """What is stored of an agent's info; absent parts take no room."""
    return msgspec.json.encode({key: value for key in _INFO_FIELDS if (value := getattr(info, key))})


def info_from_json(data: bytes | str) -> AgentInfo:
    """Read `info_to_json` back."""
    return _decoder().decode(data)


@cache
def _decoder() -> msgspec.json.Decoder[AgentInfo]:
    # Seal needs it, ingest does not and starts faster without.
    return msgspec.json.Decoder(AgentInfo)


_INFO_FIELDS = ("tags", "name", "model", "host", "versions", "scope", "config", "keys")
