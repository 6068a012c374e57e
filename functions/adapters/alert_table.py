"""How the memory of alerting looks in the alerts table.

p                   s            d
{ws}|state          alert        AlertState, msgpack; `v` its version
{ws}|outbox         time|edge    Edge, msgpack; goes when it is dispatched
{ws}|incident       incident     Incident (`domain.incident`); open, or closed within the hour
{ws}|archive        incident     likewise, once over for long; kept 400 days
{ws}|silence        silence      JSON; goes when it is over
{ws}|baselines      -            Baselines, zlib over msgpack
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from typing import Any

import msgspec

from functions.domain.alert import AlertState, Edge, series_id
from functions.domain.incident import Incident, encode_incident
from functions.domain.times import DAY_MS, SECOND_MS

type Attributes = dict[str, dict[str, Any]]

ARCHIVE_KEPT_MS = 400 * DAY_MS
OUTBOX_KEPT_MS = 7 * DAY_MS
"""An edge that was not dispatched for so long is no news."""
_ENCODER = msgspec.msgpack.Encoder()
_STATE = msgspec.msgpack.Decoder(AlertState)
_EDGE = msgspec.msgpack.Decoder(Edge)


def states(workspace: str) -> str:
    """Partition of the states of alerts."""
    return f"{workspace}|state"


def outbox(workspace: str) -> str:
    """Partition of edges that wait."""
    return f"{workspace}|outbox"


def incidents(workspace: str) -> str:
    """Partition of the incidents at hand."""
    return f"{workspace}|incident"


def archive(workspace: str) -> str:
    """Partition of the incidents that are over."""
    return f"{workspace}|archive"


def silences(workspace: str) -> str:
    """Partition of silences."""
    return f"{workspace}|silence"


def key(partition: str, sort: str) -> Attributes:
    """A key."""
    return {"p": {"S": partition}, "s": {"S": sort}}


def state_key(workspace: str, state: AlertState) -> Attributes:
    """The key of an alert's state."""
    return key(states(workspace), series_id(state.rule, state.series))


def state_item(workspace: str, state: AlertState) -> Attributes:
    """A state as an item."""
    return state_key(workspace, state) | {"d": {"B": _ENCODER.encode(state)}, "v": {"N": str(state.version)}}


def state_of(item: Mapping[str, Any]) -> AlertState:
    """The state of an item."""
    return _STATE.decode(item["d"]["B"])


def edge_key(workspace: str, edge: Edge) -> Attributes:
    """The key of an edge; keys ascend with time."""
    return key(outbox(workspace), f"{edge.at:011x}|{edge.id}")


def edge_item(workspace: str, edge: Edge) -> Attributes:
    """An edge as an item."""
    expires = {"x": {"N": str((edge.at + OUTBOX_KEPT_MS) // SECOND_MS)}}
    return edge_key(workspace, edge) | {"d": {"B": _ENCODER.encode(edge)}} | expires


def edge_of(item: Mapping[str, Any]) -> Edge:
    """The edge of an item."""
    return _EDGE.decode(item["d"]["B"])


def incident_item(partition: str, incident: Incident) -> Attributes:
    """An incident as an item of either partition."""
    expires = {"x": {"N": str((incident.closed + ARCHIVE_KEPT_MS) // SECOND_MS)}} if incident.closed is not None else {}
    return key(partition, incident.id) | {"d": {"B": encode_incident(incident)}, "v": {"N": str(incident.version)}} | expires


def first_incident(since: int) -> str:
    """No incident opened from then on has an id before this one."""
    return f"{max(since, 0):011x}"


def silence_item(workspace: str, silence: str, document: Mapping[str, Any]) -> Attributes:
    """A silence as an item."""
    expires = {"x": {"N": str(int(document["ends"]) // SECOND_MS)}}
    return key(silences(workspace), silence) | {"d": {"S": json.dumps(document, ensure_ascii=False)}} | expires


def document_of(item: Mapping[str, Any]) -> dict[str, Any]:
    """The document of an item."""
    found: dict[str, Any] = json.loads(item["d"]["S"])
    return found


def baselines_key(workspace: str) -> Attributes:
    """The key of the stored baselines."""
    return key(f"{workspace}|baselines", "-")


def baselines_item(workspace: str, data: bytes) -> Attributes:
    """Baselines as an item."""
    return baselines_key(workspace) | {"d": {"B": zlib.compress(data, 6)}}


def baselines_of(item: Mapping[str, Any]) -> bytes:
    """The baselines of an item."""
    return zlib.decompress(item["d"]["B"])
