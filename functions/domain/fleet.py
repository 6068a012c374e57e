"""The fleet: the inventory record of an agent, and the snapshot of all agents as of seal's last tick.

An **inventory record** is a plain dict (`ports.FleetStore`), one an agent, with two kinds of fields that never share a writer:

edited by operators (API), read by seal
    `remote_tags`  dict, set remotely, win over the agent's own
    `owner`        str
    `name`         str, shown instead of the name that the agent gives itself
    `retired`      bool, out of service on purpose: grey, never alerts
    `expected`     bool: True: known and wanted; False: known and not wanted (shadow); absent: nobody said

observed by seal, read by everyone; written only when one of them changes (`OBSERVED`), with `last_seen` as of then
    `first_seen`   int ms
    `last_seen`    int ms; the snapshot has the current value
    `reported_name`, `model`, `host`   str
    `local_tags`   dict, what the agent says of itself
    `scope`        dict, tag scope of the tokens it posts with; forced, wins over everything
    `versions`     dict, component to version
    `config_written`, `config_applied`, `config_error`   str, what the agent last said of its configuration
    `status`, `status_reason`, `status_since`   health as of its last change

The **snapshot** is derived: losing it loses nothing that a few ticks do not bring back.
Its wire form grows at the end of each struct only, so that readers and writers of neighbouring releases understand each other.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import msgspec

from functions.domain.errors import StoreError
from functions.domain.fleet_changes import FleetChange
from functions.domain.wire import KeyReport

EDITED = ("remote_tags", "owner", "name", "retired", "expected")
CONFIG = ("config_written", "config_applied", "config_error")
OBSERVED = (
    *("first_seen", "reported_name", "model", "host", "local_tags", "scope", "versions", "status", "status_reason", "status_since"),
    *CONFIG,
)

_VERSION = b"\x01"


class SnapshotUnreadable(StoreError):
    """The stored snapshot is damaged or of a release that this one cannot read."""


class Status(StrEnum):
    """The colours of health."""

    GREEN = "green"
    YELLOW = "yellow"
    RED = "red"
    GREY = "grey"
    """Unknown, silent for long, or retired: no judgement."""


class Health(msgspec.Struct, frozen=True, array_like=True, omit_defaults=True):
    """A colour, why, and since when (ms). `evidence` holds the figures that the reason was made from."""

    status: Status = Status.GREY
    reason: str = "never seen"
    since: int = 0
    evidence: dict[str, float | int | str] = {}


class Percentiles(msgspec.Struct, frozen=True, array_like=True):
    """Quantiles of task latency in ms, 1 % relative error."""

    p50: float
    p95: float
    p99: float


class Rates(msgspec.Struct, frozen=True, array_like=True):
    """What an agent did in some minutes."""

    minutes: int
    """How many minutes these figures span."""
    tasks: int
    """Tasks that finished, well or not."""
    errors: int
    """Tasks that failed."""
    tokens_in: float
    tokens_out: float
    cost_usd: float | None
    """None when no task reported a price; compare `priced` with `tasks` when some did."""
    priced: int
    """Tasks that reported a price."""
    latency: Percentiles | None
    """None without a measured task."""

    @property
    def error_rate(self) -> float | None:
        """Failed over finished tasks; None without tasks."""
        return self.errors / self.tasks if self.tasks else None


class Gauges(msgspec.Struct, array_like=True):
    """Newest values; None when the agent never reported one."""

    queue_depth: float | None = None
    active_workers: float | None = None
    max_workers: float | None = None
    cpu: float | None = None
    memory: float | None = None


class Work(msgspec.Struct, array_like=True):
    """What one process (epoch) of an agent started since a task of the agent last finished."""

    heard: int
    """When its last batch came in, ms."""
    starts: dict[str, tuple[int, int, int]] = {}
    """By batch item: when it came in (ms), when its last task started (ms by the agent's clock), how many it started."""


class Progress(msgspec.Struct, array_like=True):
    """Whether an agent with work gets on with it. Times are receive times (ms): the clocks of agents are not to be trusted."""

    last_progress: int | None = None
    """When a finished task was last reported; None when none ever was."""
    work_since: int | None = None
    """Since when it has work: the first task started since then, or a gauge above zero; None while it has none."""
    open_tasks: int = 0
    """Tasks started since the last one finished."""
    last_task: int | None = None
    """When a task was last reported as started or finished."""
    finished_at: int = 0
    """When that last finished task finished by the agent's own clock, which orders what came in one batch."""
    busy_since: int | None = None
    """Since when its gauges (queue depth, active workers) say that there is work; None while they do not."""


class AgentState(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One agent as of a tick. All times in ms."""

    id: str
    name: str
    """The operator's name for it, else its own, else its id."""
    tags: dict[str, str] = {}
    """Effective: the agent's own, overlaid by remote ones, overlaid by its token's scope."""
    local_tags: dict[str, str] = {}
    remote_tags: dict[str, str] = {}
    scope: dict[str, str] = {}
    given_name: str | None = None
    """The operator's name for it."""
    reported_name: str | None = None
    """The name it gives itself."""
    owner: str | None = None
    model: str | None = None
    host: str | None = None
    versions: dict[str, str] = {}
    first_seen: int | None = None
    """None for an agent that is expected and never came."""
    last_seen: int | None = None
    health: Health = Health()
    retired: bool = False
    expected: bool | None = None
    shadow: str | None = None
    """Why this agent is a shadow, or None when it is not one."""
    last_minute: Rates | None = None
    """Of `Snapshot.rates_minute`; None when the agent sent nothing in it."""
    last_5_minutes: Rates | None = None
    """Of the five minutes up to and with `Snapshot.rates_minute`; None when the agent sent nothing in them."""
    gauges: Gauges = msgspec.field(default_factory=Gauges)
    progress: Progress = msgspec.field(default_factory=Progress)
    gauge_origins: dict[str, tuple[int, str]] = {}
    """When and by which process each gauge was measured (seal's, to keep the newest)."""
    watched_since: int = 0
    """Since when the snapshots know it (ms): later than `first_seen` when they were lost, and with them when it last had a task."""
    recorded: bool = False
    """Whether the inventory has a record of it; when that is gone later, an operator forgot the agent (seal's)."""
    work: dict[str, Work] = {}
    """Work by process (seal's, `progress` is made from it)."""
    config_written: str | None = None
    """Hash of the desired configuration that it has on disk; None when it never told."""
    config_applied: str | None = None
    """Hash of the one that is in force."""
    config_error: str | None = None
    """Why the desired one could not be written or applied."""
    keys: dict[str, KeyReport] = {}
    """What it last said of its API keys, by provider."""


class Snapshot(msgspec.Struct, kw_only=True, omit_defaults=True):
    """The fleet as of a tick."""

    workspace: str
    time: int
    """The tick's time, ms."""
    agents: dict[str, AgentState] = {}
    sealed_until: int | None = None
    """Every minute before this one is sealed; None before the first seal."""
    rates_minute: int | None = None
    """The minute that `last_minute` speaks of."""
    warnings: list[str] = []
    """What operators should know: cardinality limits, agent ids in conflict, a backlog. Sentences."""
    known_values: dict[str, dict[str, int]] = {}
    """Values of each dimension in the order of their coming, with the hour of their last (seal's, for the cardinality limit)."""
    known_cells: dict[int, int] = {}
    """Likewise the cells, by a hash."""
    window: dict[int, bytes] = {}
    """Task figures of the last minutes, by minute (seal's; opaque to readers)."""
    due_until: int | None = None
    """Minutes from this one on were not past their grace at this tick (seal's)."""
    unsealed: list[tuple[int, int]] = []
    """Ranges of minutes before `due_until`, end not included, that are not sealed yet (seal's)."""
    due_hours: dict[int, list[str]] = {}
    """Hours whose rollups must be built (again), and of which agents; an empty id is the group (seal's)."""
    forgotten: dict[str, int] = {}
    """Agents that operators forgot, and the receive time (ms) up to which their batches do not bring them back (seal's)."""
    reopened: dict[str, int] = {}
    """Rollups of sealed minutes (`m29798`) and built hours (`h496`) that were written again lately, and the tick's time (ms): who keeps
    them in memory must read them anew."""
    known_failures: dict[str, tuple[int, int]] = {}
    """Kinds of failure by fingerprint (`domain.failures`), when each was first and last seen (ms); seal's, to tell new ones."""
    changes: list[FleetChange] = []
    """What was changed in the fleet in the last day, oldest first."""
    health_hour: int | None = None
    """The hour that `health_ticks` count (seal's)."""
    health_ticks: dict[str, tuple[int, int, int]] = {}
    """How many of its ticks found each agent green, yellow, red (`health_hours`; seal's)."""

    def seal_lag_s(self, now: int) -> float:
        """Age of this snapshot at `now`, in seconds: well above 15 means that seal does not run."""
        return max(0.0, (now - self.time) / 1000)


_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(Snapshot)


def encode_snapshot(snapshot: Snapshot) -> bytes:
    """The stored form: a version byte, then zlib over msgpack."""
    return _VERSION + zlib.compress(_ENCODER.encode(snapshot), 1)


def decode_snapshot(data: bytes) -> Snapshot:
    """Read the stored form; raises `SnapshotUnreadable`."""
    if data[:1] != _VERSION:
        raise SnapshotUnreadable(f"snapshot of version {data[:1].hex() or 'none'}, this release reads {_VERSION.hex()}")
    try:
        return _DECODER.decode(zlib.decompress(data[1:]))
    except (zlib.error, msgspec.DecodeError) as error:
        raise SnapshotUnreadable(f"damaged snapshot: {error}") from error


def effective_tags(local: Mapping[str, str], remote: Mapping[str, str], scope: Mapping[str, str]) -> dict[str, str]:
    """An agent's tags: remote ones win over its own, its token's scope over both. Sorted by key."""
    return dict(sorted({**local, **remote, **scope}.items()))


def state_of(agent: str, record: Mapping[str, Any]) -> AgentState:
    """What the inventory alone tells of an agent: the state of one that no snapshot knows yet."""
    state = AgentState(id=agent, name=agent)
    apply_record(state, record)
    state.first_seen, state.last_seen = record.get("first_seen"), record.get("last_seen")
    if "status" in record:
        state.health = Health(Status(record["status"]), record.get("status_reason", ""), record.get("status_since", 0))
    return state


def apply_record(state: AgentState, record: Mapping[str, Any]) -> None:
    """Bring what operators edited, and what is observed of the agent's identity, into its state."""
    state.local_tags, state.remote_tags = dict(record.get("local_tags", {})), dict(record.get("remote_tags", {}))
    state.scope = dict(record.get("scope", {}))
    state.tags = effective_tags(state.local_tags, state.remote_tags, state.scope)
    state.given_name, state.reported_name = record.get("name"), record.get("reported_name")
    state.name = state.given_name or state.reported_name or state.id
    state.owner = record.get("owner")
    state.model, state.host = record.get("model"), record.get("host")
    state.versions = dict(record.get("versions", {}))
    state.retired, state.expected = bool(record.get("retired", False)), record.get("expected")
    for name in CONFIG:
        setattr(state, name, record.get(name))
