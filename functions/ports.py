"""What the use cases need from outside, as small protocols. `tests/contracts/` holds one suite a port.

Adapters translate their store's faults into `functions.domain.errors`; anything else that they raise is a bug.
Workspaces are the first argument everywhere: no call can cross them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from functions.domain.items import AgentInfo as AgentInfo
from functions.domain.items import BatchItem as BatchItem
from functions.domain.items import StoredItem as StoredItem
from functions.domain.raw import RawRecord as RawRecord
from functions.domain.rollup import Rollup

if TYPE_CHECKING:
    from functions.domain.alert import AlertState, Edge
    from functions.domain.alert_rules import Rule

    # Not for the hot path, which imports this module too.
    from functions.domain.approval_link import ApprovalLink
    from functions.domain.channels import Channel, SecretReference
    from functions.domain.delivery import Claimed, Delivery, Thread
    from functions.domain.desired import Desired
    from functions.domain.dispatch import Change
    from functions.domain.incident import Incident
    from functions.domain.notification import Notification, Sent
    from functions.domain.provider_report import ProviderReport
    from functions.domain.report import Report
    from functions.domain.report_record import ReportRecord
    from functions.domain.revision import Revision
    from functions.domain.rollout import Entry, Rollout, Wave
    from functions.domain.rotation import Alias, KeyAnswer, NewKey, Rotation, StoredKey, Usage, VaultState
    from functions.domain.scaling import Decision
    from functions.domain.scaling_state import GroupState


class PutOutcome(Enum):
    """What became of a batch item."""

    WRITTEN = "written"
    DUPLICATE = "duplicate"
    CONFLICT = "conflict"
    """The id is known with other content."""


@dataclass(frozen=True, slots=True)
class LateMark:
    """A sealed minute that got a batch since."""

    minute: int
    bucket: int
    stamp: str


class BatchWriter(Protocol):
    """The hot path's side of the batch store."""

    def put(self, workspace: str, item: BatchItem) -> PutOutcome:
        """Write the item unless its key exists. Raises `StoreUnavailable` when retrying later may help."""
        ...

    def mark_late(self, workspace: str, agent: str, minute: int, stamp: str) -> None:
        """Ask seal to merge the minute of this agent's bucket again."""
        ...


class Slot(NamedTuple):
    """What is remembered of an exporter, and the version to replace; 0 and None when nothing is."""

    version: int = 0
    data: bytes | None = None


class ExporterStore(Protocol):
    """What has to be remembered of exporters of cumulative metrics, one record each."""

    def read(self, workspace: str, agent: str, exporter: str, now: int) -> Slot:
        """The newest record, strongly consistent; without data when it has expired by `now` (ms)."""
        ...

    def write(self, workspace: str, agent: str, exporter: str, data: bytes, *, seen: int, expires: int) -> bool:
        """Replace the record of version `seen` by the next version; tells whether it was still that one. `expires` is ms."""
        ...


class BatchReader(Protocol):
    """Seal's side of the batch store."""

    def read_minute(self, workspace: str, minute: int) -> list[StoredItem]:
        """Every item of the minute over all buckets, strongly consistent; in no particular order."""
        ...

    def late_marks(self, workspace: str, limit: int) -> list[LateMark]:
        """Marks, newest minute first."""
        ...

    def clear_late(self, workspace: str, mark: LateMark) -> bool:
        """Remove the mark unless a newer stamp has replaced it; tells whether it did."""
        ...


class Resolution(Enum):
    """Bucket width of a stored rollup."""

    MINUTE = "m"
    HOUR = "h"


class RollupStore(Protocol):
    """Sealed rollups. `time` is a minute or hour number, as the resolution says."""

    def put_group(self, workspace: str, resolution: Resolution, time: int, rollup: Rollup, expires: int) -> None:
        """Replace the group rollup of one bucket."""
        ...

    def read_group(self, workspace: str, resolution: Resolution, start: int, end: int) -> dict[int, bytes]:
        """Encoded group rollups (`rollup_codec`) of start <= time < end; buckets without one are absent."""
        ...

    def put_agents(self, workspace: str, resolution: Resolution, time: int, rollups: Mapping[str, Rollup], expires: int) -> None:
        """Replace the rollups of many agents in one bucket."""
        ...

    def read_agent(self, workspace: str, agent: str, resolution: Resolution, start: int, end: int) -> dict[int, bytes]:
        """Encoded rollups of one agent, start <= time < end."""
        ...

    def put_matrix(self, workspace: str, resolution: Resolution, time: int, rollup: Rollup, expires: int) -> None:
        """Replace the agent matrix of one bucket: chosen metrics of all agents in one rollup (`domain.alert_matrix`)."""
        ...

    def read_matrix(self, workspace: str, resolution: Resolution, start: int, end: int) -> dict[int, bytes]:
        """Encoded agent matrices of start <= time < end; buckets without one are absent."""
        ...

    def put_usage(self, workspace: str, hour: int, bucket: int, rollup: Rollup, expires: int) -> None:
        """Replace one piece of an hour's usage (`domain.usage`)."""
        ...

    def read_usage(self, workspace: str, start: int, end: int, bucket: int | None = None) -> dict[int, list[bytes]]:
        """Encoded usage of start <= hour < end, all pieces or only one; hours without any are absent."""
        ...

    def put_failures(self, workspace: str, resolution: Resolution, time: int, data: bytes, expires: int) -> None:
        """Replace the encoded groups of failures (`domain.failures`) of one bucket."""
        ...

    def read_failures(self, workspace: str, resolution: Resolution, start: int, end: int) -> dict[int, bytes]:
        """Encoded groups of failures of start <= time < end; buckets without any are absent."""
        ...


class FleetStore(Protocol):
    """Inventory, snapshot, settings."""

    def agents(self, workspace: str) -> dict[str, dict[str, Any]]:
        """Inventory records by agent id (`domain.fleet` gives them meaning)."""
        ...

    def agent(self, workspace: str, agent: str) -> dict[str, Any] | None:
        """One inventory record."""
        ...

    def update_agent(self, workspace: str, agent: str, changes: Mapping[str, Any]) -> dict[str, Any]:
        """Set the named fields (None removes one), create the record if need be; returns the whole record.

        Two writers of different fields do not overwrite each other.
        """
        ...

    def forget_agent(self, workspace: str, agent: str) -> bool:
        """Delete the record; tells whether there was one."""
        ...

    def snapshot(self, workspace: str) -> bytes | None:
        """The newest snapshot, all chunks of one version joined."""
        ...

    def put_snapshot(self, workspace: str, data: bytes) -> None:
        """Replace the snapshot, in chunks under DynamoDB's 400 KB; a reader never sees two versions mixed."""
        ...

    def settings(self, workspace: str, name: str) -> dict[str, Any] | None:
        """One settings document."""
        ...

    def put_settings(self, workspace: str, name: str, document: Mapping[str, Any]) -> None:
        """Replace one settings document."""
        ...

    def replace_settings(self, workspace: str, name: str, document: Mapping[str, Any], seen: Mapping[str, Any] | None) -> bool:
        """Replace one settings document if it still is `seen` (None: there is none yet); tells whether it was."""
        ...


class Lease(Protocol):
    """One holder at a time, until it lets go or its time is up."""

    def acquire(self, workspace: str, name: str, holder: str, now: int, until: int) -> bool:
        """Take the lease if it is free, expired, or already the holder's."""
        ...

    def release(self, workspace: str, name: str, holder: str) -> None:
        """Let go, if still held."""
        ...


class SettingsReader(Protocol):
    """The hot path's side of the fleet store."""

    def settings(self, workspace: str, name: str) -> dict[str, Any] | None:
        """One settings document."""
        ...


class DesiredReader(Protocol):
    """The hot path's side of the desired configurations."""

    def hash_of(self, workspace: str, agent: str) -> str | None:
        """Hash of an agent's desired configuration, None without one. Raises `StoreUnavailable`."""
        ...


class DesiredStore(DesiredReader, Protocol):
    """Desired configurations, one an agent, whether the inventory knows it or not."""

    def hashes(self, workspace: str) -> dict[str, str]:
        """The hash of each that is set, by agent, without reading the documents."""
        ...

    def get(self, workspace: str, agent: str) -> Desired | None:
        """One with its document."""
        ...

    def put(self, workspace: str, agent: str, desired: Desired, seen: str | None) -> bool:
        """Replace the one with the hash `seen` (None: there is none yet); tells whether that was still there."""
        ...

    def drop(self, workspace: str, agent: str, seen: str | None = None) -> bool:
        """Remove the one with the hash `seen` (None: whatever is there); tells whether there was one."""
        ...


class KeyReader(Protocol):
    """The hot path's side of the desired keys."""

    def keys_of(self, workspace: str, agent: str) -> dict[str, str]:
        """Fingerprints of the keys that an agent should use, by provider (`domain.key_fingerprint`). Raises `StoreUnavailable`."""
        ...


class KeyStore(KeyReader, Protocol):
    """Which key each agent should use; the keys themselves are in Vault."""

    def all_keys(self, workspace: str) -> dict[str, dict[str, str]]:
        """Of all agents that should use any: fingerprints by provider, by agent."""
        ...

    def assign(self, workspace: str, agent: str, provider: str, wanted: str | None, seen: str | None) -> bool:
        """Replace the fingerprint `seen` (None: there is none) by the one wanted (None: none any more); tells whether it was still there.

        Two providers of one agent do not overwrite each other.
        """
        ...


class TokenReader(Protocol):
    """The hot path's side of the token store."""

    def get(self, token_id: str) -> dict[str, Any] | None:
        """One record (`domain.token.TokenRecord` as a plain dict; never the secret)."""
        ...


class TokenStore(TokenReader, Protocol):
    """Token records."""

    def put(self, record: Mapping[str, Any]) -> None:
        """Create or replace the record under its `id`."""
        ...

    def list(self, workspace: str) -> Sequence[dict[str, Any]]:
        """All records of the workspace, oldest first."""
        ...


class RawWriter(Protocol):
    """Writes raw history; an upsert by key, so that a retry changes nothing."""

    def write(self, records: Sequence[RawRecord], common: Mapping[str, str]) -> None:
        """Write all, each with the `common` dimensions too.

        Raises `StoreUnavailable` when retrying may help, `RecordsRejected` when it never will; all other records are in then.
        """
        ...


@dataclass(frozen=True, slots=True)
class Page:
    """Some rows, and where to go on."""

    rows: Sequence[Mapping[str, Any]]
    cursor: str | None


class RawReader(Protocol):
    """Reads raw history."""

    def query(self, sql: str, limit: int, cursor: str | None = None) -> Page:
        """At most `limit` typed rows of a statement (times as ms). Raises `InvalidCursor`, `StoreUnavailable`."""
        ...


class Dispatcher(Protocol):
    """Sends seal its ticks."""

    def send(self, messages: Iterable[tuple[Mapping[str, Any], int]]) -> None:
        """Queue each message after its delay in seconds."""
        ...


class DeliveryStore(Protocol):
    """Notifications on their way (`domain.delivery`)."""

    def create(self, workspace: str, delivery: Delivery) -> bool:
        """Put a new delivery; False when its id is known."""
        ...

    def read(self, workspace: str, delivery: str) -> Delivery | None:
        """One delivery, by its id."""
        ...

    def thread(self, workspace: str, delivery: Delivery) -> Thread:
        """The thread of a delivery; an empty one before its first message."""
        ...

    def save(self, workspace: str, after: Claimed) -> bool:
        """Write both, if both still have the versions that `after` was made from; tells whether it did."""
        ...

    def recent(self, workspace: str, since: int) -> list[Delivery]:
        """All deliveries made since a time (ms), oldest first."""
        ...


class SecretReader(Protocol):
    """Secrets by reference."""

    def read(self, reference: SecretReference) -> str:
        """The secret's text. Raises `DeliveryFailed`, which says whether retrying may help and never has the secret."""
        ...


class SecretCache(Protocol):
    """Secrets by reference, remembered for minutes."""

    def read(self, reference: SecretReference, *, fresh: bool = False) -> str:
        """The secret's text; `fresh` asks its store whatever is remembered. Raises `DeliveryFailed`."""
        ...


@dataclass(frozen=True, slots=True)
class Answer:
    """What a web server answered."""

    status: int
    headers: Mapping[str, str]
    """Names in small letters."""
    body: bytes
    """At most its first 64 KB."""


class HttpPoster(Protocol):
    """Sends requests to servers that users name."""

    def send(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """One request, no redirect followed. Raises `DeliveryFailed` without an answer, or for an address that is not allowed."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """All that a channel needs to send a notification."""

    id: str
    """The same for each try."""
    notification: Notification
    channel: Channel
    secret: str
    """Empty for channels without one."""
    thread: str
    """Reference of the incident's first message in this channel; empty before."""
    now: int
    """ms."""


class MessageSender(Protocol):
    """All channels."""

    def send(self, message: Message) -> Sent:
        """Send it through the channel that it names. Raises `DeliveryFailed`."""
        ...


class RuleReader(Protocol):
    """The rules of a workspace: its own, and those that ClawPulse brings."""

    def rules(self, workspace: str) -> Sequence[Rule]:
        """All that can be evaluated, by name. A stored rule that this release cannot read is left out."""
        ...


class AlertStore(Protocol):
    """The memory of alerting: states of alerts, edges that wait to be dispatched, incidents, silences."""

    def states(self, workspace: str) -> list[AlertState]:
        """All states, strongly consistent."""
        ...

    def claim(self, workspace: str, claims: Sequence[tuple[AlertState, Edge | None]]) -> list[bool]:
        """Write each state of version n if the stored one has n - 1, and with it its edge, both or none; tells of each whether it did.

        So of all who see an edge one claims it, and an edge that was claimed is in the outbox.
        """
        ...

    def post(self, workspace: str, edges: Iterable[Edge]) -> None:
        """Put edges that no rule's state stands behind into the outbox. A repeat is harmless: an incident knows its edges by their ids."""
        ...

    def forget(self, workspace: str, state: AlertState) -> bool:
        """Delete a state that still has this version; tells whether it did."""
        ...

    def outbox(self, workspace: str, limit: int) -> list[Edge]:
        """Edges that were claimed and not dispatched yet, oldest first."""
        ...

    def incidents(self, workspace: str) -> list[Incident]:
        """Incidents that are open or closed a short while ago."""
        ...

    def incident(self, workspace: str, incident: str) -> Incident | None:
        """One incident, however old."""
        ...

    def save(self, workspace: str, change: Change) -> bool:
        """Write an incident of version n if the stored one has n - 1, and its deliveries, all or none; tells whether it did."""
        ...

    def amend(self, workspace: str, incident: Incident) -> bool:
        """Write an incident of version n where it is, archived ones too, if the stored one has n - 1; tells whether it did."""
        ...

    def dispatched(self, workspace: str, edges: Iterable[Edge]) -> None:
        """Take edges out of the outbox."""
        ...

    def history(self, workspace: str, since: int) -> list[Incident]:
        """Incidents opened since a time (ms), open ones too, newest first."""
        ...

    def silences(self, workspace: str) -> dict[str, Mapping[str, Any]]:
        """Documents of silences (`domain.silence`) that are not over, by id."""
        ...

    def put_silence(self, workspace: str, silence: str, document: Mapping[str, Any]) -> None:
        """Create or replace one; it goes by itself once it is over."""
        ...

    def drop_silence(self, workspace: str, silence: str) -> bool:
        """Delete one; tells whether there was one."""
        ...

    def baselines(self, workspace: str) -> bytes | None:
        """What was stored of baselines last (`alert_baseline.Baselines`)."""
        ...

    def put_baselines(self, workspace: str, data: bytes) -> None:
        """Replace them. Too many for the store are not stored: they are made again when needed."""
        ...


@dataclass(frozen=True, slots=True)
class Registry:
    """The rollouts that are not over, and a version that each start and each end counts up."""

    version: int
    rollouts: frozenset[str]


class RolloutStore(Protocol):
    """Rollouts with their waves, the documents that they bring, and the audit log."""

    def registry(self, workspace: str) -> Registry:
        """Those that are not over, strongly consistent; version 0 before the first."""
        ...

    def create(
        self,
        workspace: str,
        rollout: Rollout,
        waves: Sequence[Wave],
        documents: Mapping[str, str],
        entries: Sequence[Entry],
        seen: Registry,
    ) -> bool:
        """Put a new rollout and enter it into the registry, if that still has the version seen; tells whether it had.

        `documents` by hash: those that members have (`before`) and shall have (`after`). Whoever looked at all rollouts of `seen` and found
        none of his members knows by True that no agent is in two.
        """
        ...

    def read(self, workspace: str, rollout: str) -> tuple[Rollout, list[Wave]] | None:
        """Head and waves of one version, strongly consistent."""
        ...

    def head(self, workspace: str, rollout: str) -> Rollout | None:
        """The head alone."""
        ...

    def heads(self, workspace: str, limit: int, before: str | None = None) -> list[Rollout]:
        """Heads, newest first (ids sort by time); those before an id."""
        ...

    def save(
        self, workspace: str, rollout: Rollout, waves: Sequence[Wave], entries: Sequence[Entry], joining: Registry | None = None
    ) -> bool:
        """Replace the head of version n - 1 by this of version n, these waves, and append to the audit log: all or none; tells which.

        One that is over and has no notices left leaves the registry with the same write. With agents that are new to it comes `joining`,
        the registry that was seen when none of its rollouts had them: it must still have that version, and counts up, as in `create`.
        At most 90 waves and entries together.
        """
        ...

    def put_documents(self, workspace: str, documents: Mapping[str, str]) -> None:
        """Put documents by hash, before a `save` that brings members who have them or shall have them."""
        ...

    def documents(self, workspace: str, hashes: Iterable[str]) -> dict[str, str]:
        """Texts by hash; unknown ones are absent."""
        ...

    def audit(self, workspace: str, start: int, end: int, rollout: str | None = None) -> list[Entry]:
        """Entries of start <= at < end (ms), oldest first; of one rollout if it is named."""
        ...


class Executions(Protocol):
    """The state machine that steps rollouts, or that which steps rotations."""

    def start(self, workspace: str, id: str, drive: int) -> None:
        """Start the execution of this drive; nothing happens if it has been started. Raises `StoreUnavailable`."""
        ...


class RevisionStore(Protocol):
    """Revisions of the fleet repository that were applied, with all their files."""

    def latest(self, workspace: str) -> Revision | None:
        """The newest one."""
        ...

    def read(self, workspace: str, number: int) -> Revision | None:
        """One of them."""
        ...

    def files(self, workspace: str, revision: Revision) -> dict[str, str]:
        """Texts by path."""
        ...

    def put(self, workspace: str, revision: Revision, files: Mapping[str, str]) -> bool:
        """Put a revision under its number, the next one; False when there is one already."""
        ...

    def update(self, workspace: str, revision: Revision) -> bool:
        """Replace what changes of one (its rollout), if its version is the one before; tells whether it was."""
        ...

    def recent(self, workspace: str, limit: int) -> list[Revision]:
        """Newest first."""
        ...


class LinkStore(Protocol):
    """Approval links (`domain.approval_link`); each goes by itself some days after it expired."""

    def put(self, workspace: str, link: ApprovalLink) -> None:
        """Put a new one."""
        ...

    def read(self, workspace: str, link: str) -> ApprovalLink | None:
        """One by its id, strongly consistent."""
        ...

    def save(self, workspace: str, link: ApprovalLink) -> bool:
        """Replace the one of version n - 1 by this of version n; tells whether it did."""
        ...


class KeyVault(Protocol):
    """Keys of providers in Vault. Methods raise `VaultUnavailable` (sealed, 429, network: retry) or `VaultRefused` (403, misconfigured).

    `shard` is empty for keys of the whole workspace. No error and no log line has a key.
    """

    def state(self, workspace: str, provider: str, shard: str = "") -> VaultState:
        """What lies under the three aliases."""
        ...

    def read(self, workspace: str, provider: str, alias: Alias, shard: str = "") -> StoredKey | None:
        """One of them."""
        ...

    def write(self, workspace: str, provider: str, alias: Alias, key: StoredKey, seen: int, shard: str = "") -> bool:
        """Put a key under an alias if its entry still has the version seen (0: none, or deleted); tells whether it had."""
        ...

    def delete(self, workspace: str, provider: str, alias: Alias, seen: int, shard: str = "") -> bool:
        """Destroy all versions under an alias, if the newest is still the one seen; tells whether it was."""
        ...

    def put_incoming(self, workspace: str, id: str, key: StoredKey) -> bool:
        """Let a key wait for its rotation; tells whether it does (also from an earlier try; False: another key waits under this id)."""
        ...

    def take_incoming(self, workspace: str, id: str) -> StoredKey | None:
        """The key that waits under an id. It stays until it is dropped, so that a crash does not lose it."""
        ...

    def drop_incoming(self, workspace: str, id: str) -> None:
        """Destroy the key that waits under an id; harmless when none does."""
        ...

    def salt(self, workspace: str) -> str:
        """The salt of the workspace's fingerprints (8 hex digits), made when there is none; the same for all who ask at once."""
        ...

    def read_path(self, path: str, field: str) -> str | None:
        """A key that people put elsewhere in Vault (below the same mount), to be rotated in; None when it or its field is not there."""
        ...

    def writable(self, workspace: str, shard: str = "") -> None:
        """Raises unless this workspace's keys, or those of a shard, can be written: tries it."""
        ...


class KeyProvider(Protocol):
    """A provider of API keys. Methods raise `ProviderUnavailable` (network, 429, 5xx: retry) or `ProviderRefused`."""

    def test(self, key: str) -> KeyAnswer:
        """Whether the provider takes a key, by the cheapest live call."""
        ...

    def create(self, name: str) -> NewKey:
        """Make a key. Raises `ProviderRefused` where that is not possible."""
        ...

    def identify(self, key: str) -> str | None:
        """What the provider calls a key that came from elsewhere; None where it does not tell."""
        ...

    def revoke(self, key: str, id: str | None) -> bool:
        """Make a key useless; tells whether it is now (True also when it was before, False where the provider cannot)."""
        ...

    def usage(self, id: str | None, since: int) -> Usage:
        """Whether a key was used since a time (ms)."""
        ...


class ProviderReports(Protocol):
    """A provider's own account of the use that it bills. Raises `ProviderUnavailable` (retry) or `ProviderRefused`."""

    def report(self, first_day: int, last_day: int) -> ProviderReport:
        """Tokens and costs of days (since 1970, UTC), `last_day` not included, at most `provider_report.MAX_DAYS`."""
        ...


class RotationStore(Protocol):
    """Rotations, and the order in which they run."""

    def rotation_queue(self, workspace: str) -> tuple[str, ...]:
        """Ids of those that are not over, in the order of their turns: the first one runs."""
        ...

    def create_rotation(self, workspace: str, rotation: Rotation, entries: Sequence[Entry]) -> bool:
        """Put a new one into the queue, at its place (`rotation_queue.placed`); False when its id is known."""
        ...

    def rotation(self, workspace: str, rotation: str) -> Rotation | None:
        """One of them, strongly consistent."""
        ...

    def rotations(self, workspace: str, limit: int, before: str | None = None) -> list[Rotation]:
        """Newest first; those before an id."""
        ...

    def save_rotation(self, workspace: str, rotation: Rotation, entries: Sequence[Entry]) -> bool:
        """Replace version n - 1 by this of version n and append to the audit log of rollouts; tells whether it did.

        One that is over and has no notices left leaves the queue with the same write.
        """
        ...


class ScalingStore(Protocol):
    """What was decided of groups (`domain.scaling_state`), and the history of it."""

    def scaling_states(self, workspace: str) -> list[GroupState]:
        """Of all groups, strongly consistent, by name."""
        ...

    def scaling_state(self, workspace: str, group: str) -> GroupState | None:
        """Of one group."""
        ...

    def save_scaling(self, workspace: str, state: GroupState, entry: Decision | None = None) -> bool:
        """Replace the state of version n - 1 (of version 1: there is none yet), and add to the history: both or none; tells which."""
        ...

    def forget_scaling(self, workspace: str, state: GroupState) -> bool:
        """Delete a state that still has this version; tells whether it did. Its history stays until it expires."""
        ...

    def scaling_history(self, workspace: str, group: str, start: int, end: int, limit: int, *, changes: bool) -> list[Decision]:
        """The newest decisions of start <= time < end (ms), newest first, without memories: all, or those that did or told something."""
        ...


class ScalingAnnouncer(Protocol):
    """Tells programs of changed decisions."""

    def announce(self, workspace: str, decision: Decision) -> None:
        """Tell all; to be repeated after `StoreUnavailable`. `scaling_state.change_id` tells repeats apart."""
        ...


class ScalingTarget(Protocol):
    """Something whose size can be set. Methods raise `StoreUnavailable` (retry) or `TargetRefused`."""

    def capacity(self, name: str) -> int:
        """How many instances it is to have now."""
        ...

    def set_capacity(self, name: str, capacity: int) -> None:
        """Have it so many instances."""
        ...


class KeptReport(NamedTuple):
    """A report's record as it was read."""

    record: ReportRecord
    seen: str
    """What a write of the next one names."""


class ReportStore(Protocol):
    """Reports: a record and files each. They are kept for 400 days."""

    def create(self, workspace: str, record: ReportRecord) -> bool:
        """Put a new record; False when its id is known."""
        ...

    def read(self, workspace: str, report: str) -> KeptReport | None:
        """One record, strongly consistent."""
        ...

    def save(self, workspace: str, record: ReportRecord, seen: str) -> KeptReport | None:
        """Replace the record that was seen; None when another one is there by now."""
        ...

    def reports(self, workspace: str, limit: int, before: str | None = None) -> list[ReportRecord]:
        """Newest first; those before an id."""
        ...

    def put_file(self, workspace: str, report: str, name: str, text: str, content_type: str) -> None:
        """Put or replace a file of a report."""
        ...

    def link(self, workspace: str, report: str, name: str, seconds: int) -> str:
        """A URL that opens a file for so long, for whoever has it. No request is made."""
        ...


class ReportMaker(Protocol):
    """Decides what a report says."""

    def __call__(self, workspace: str, record: ReportRecord, now: int) -> Report:
        """The report that a record wants. Raises `InvalidInput`, `StoreUnavailable`."""
        ...
