"""What the tests of the API share: a workspace of agents in memory, raw history on the local Timestream engine, and a client."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha512
from pathlib import Path
from typing import Any

from werkzeug.test import Client, TestResponse

from clawpulse_localstack.timestream.engine import Engine
from functions.adapters.raw import RawQueries, RawWrites
from functions.api.app import ENDPOINTS, build_app
from functions.api.openapi import describe
from functions.authorizer.service import Authorizer
from functions.domain.fleet import AgentState, Gauges, Health, Percentiles, Rates, Snapshot, Status, effective_tags, encode_snapshot
from functions.domain.raw import RawRecord
from functions.domain.rollup import Aggregate, Rollup, SeriesKey
from functions.domain.times import MINUTE_MS
from functions.domain.token import RANDOM_BYTES, create
from functions.ports import ProviderReports, Resolution
from functions.runtime.rule_book import RuleBook
from functions.runtime.wiring import Services
from tests.api.bridge import Gateway
from tests.fakes.alerts import MemoryAlerts
from tests.fakes.deliveries import MemoryDeliveries
from tests.fakes.desired import MemoryDesired
from tests.fakes.dispatcher import MemoryDispatcher
from tests.fakes.executions import MemoryExecutions
from tests.fakes.fleet import MemoryFleet
from tests.fakes.key_provider import MemoryKeyProvider
from tests.fakes.key_vault import MemoryVault
from tests.fakes.keys import MemoryKeys
from tests.fakes.lease import MemoryLease
from tests.fakes.links import MemoryLinks
from tests.fakes.provider_reports import MemoryReports
from tests.fakes.reports import MemoryReportStore
from tests.fakes.revisions import MemoryRevisions
from tests.fakes.rollouts import MemoryRollouts
from tests.fakes.rollups import MemoryRollups
from tests.fakes.rotations import MemoryRotations
from tests.fakes.scaling import MemoryScaling
from tests.fakes.tokens import MemoryTokens

NOW = 1_795_464_030_000
"""2026-11-23 20:00:30 UTC."""
MINUTE = NOW // MINUTE_MS - 1
"""The last complete minute."""
DATABASE = "clawpulse-test"


class CountingFleet(MemoryFleet):
    """Counts how often the whole inventory is read, which is what costs."""

    inventory_reads = 0

    def agents(self, workspace: str) -> dict[str, dict[str, Any]]:
        self.inventory_reads += 1
        return super().agents(workspace)


@dataclass(frozen=True)
class EngineClient:
    """The part of a boto3 client that the raw adapters use."""

    engine: Engine

    def query(self, **request: Any) -> dict[str, Any]:
        return self.engine.dispatch("timestream-query", "Query", request)

    def write_records(self, **request: Any) -> dict[str, Any]:
        return self.engine.dispatch("timestream-write", "WriteRecords", request)


class World:
    """A workspace `team` (and whatever a test adds), its stores, and HTTP clients with tokens."""

    def __init__(
        self,
        engine: Engine | None = None,
        bundle: Path = Path("no-such-folder"),
        desired: MemoryDesired | None = None,
        rotations: MemoryRotations | None = None,
    ) -> None:
        self.now = NOW
        self.fleet, self.rollups, self.tokens = CountingFleet(), MemoryRollups(lambda: -1.0), MemoryTokens()
        self.desired = desired or MemoryDesired()
        self.keys, self.lease = MemoryKeys(), MemoryLease()
        self.alerts, self.deliveries, self.notify = MemoryAlerts(lambda: self.now / 1000), MemoryDeliveries(), MemoryDispatcher()
        self.rollouts, self.executions, self.links = MemoryRollouts(), MemoryExecutions(), MemoryLinks()
        self.revisions = MemoryRevisions()
        self.rotations, self.rotation_executions = rotations or MemoryRotations(self.rollouts.log), MemoryExecutions()
        self.scaling = MemoryScaling()
        self.vault = MemoryVault()
        self.report_store, self.report_queue = MemoryReportStore(), MemoryDispatcher()
        self.providers: dict[str, MemoryKeyProvider] = defaultdict(MemoryKeyProvider)
        self.provider_reports: dict[str, ProviderReports] = defaultdict(MemoryReports)
        self.while_waiting: Callable[[], object] = lambda: None
        self.engine = engine
        self._made = 0
        self.services = Services(
            fleet=self.fleet,
            desired=self.desired,
            keys=self.keys,
            rollups=self.rollups,
            newest_rollups=self.rollups,
            lease=self.lease,
            tokens=self.tokens,
            rules=RuleBook(self.fleet),
            alerts=self.alerts,
            deliveries=self.deliveries,
            rollouts=self.rollouts,
            executions=self.executions,
            rotations=self.rotations,
            rotation_executions=self.rotation_executions,
            scaling=self.scaling,
            vault=self.vault,
            key_provider=lambda settings: self.providers[settings.name],
            provider_reports=lambda settings: self.provider_reports[settings.name],
            revisions=self.revisions,
            links=self.links,
            notify=self.notify,
            reports=self.report_store,
            report_queue=self.report_queue,
            raw=RawQueries(EngineClient(engine)) if engine else None,  # type: ignore[arg-type]
            raw_database=DATABASE,
            now=lambda: self.now,
            random=self._random,
            sleep=self._sleep,
        )
        self.app = build_app(lambda: self.services, bundle)
        public = frozenset(endpoint.path for endpoint in ENDPOINTS if endpoint.scope is None)
        self.wsgi = Gateway(self.app, self._authorize, public)
        self.openapi = describe(ENDPOINTS)

    def _random(self, size: int) -> bytes:
        self._made += 1
        return sha512(str(self._made).encode()).digest()[:size]

    def _sleep(self, seconds: float) -> None:
        self.now += round(seconds * 1000)
        self.while_waiting()

    def _authorize(self, authorization: str) -> dict[str, str] | None:
        # A new one each time: it remembers tokens for some seconds.
        found = Authorizer(self.tokens).identify(authorization, self.now)
        return found.context() if found else None

    def token(self, *scopes: str, tags: str = "", workspace: str = "team", expires: int | None = None) -> str:
        record, text = create(
            workspace=workspace, name="test", scopes=scopes, tags=tags, now=1, expires=expires, random=self._random(RANDOM_BYTES)
        )
        self.tokens.put(record.document())
        return text

    def client(self, *scopes: str, tags: str = "", workspace: str = "team") -> ApiClient:
        return ApiClient(Client(self.wsgi), self.token(*scopes or ("admin",), tags=tags, workspace=workspace))

    def seal(self, *agents: AgentState, workspace: str = "team", time: int | None = None, **more: Any) -> None:
        """Put a snapshot of these agents, and their records."""
        at = self.now - 5000 if time is None else time
        snapshot = Snapshot(workspace=workspace, time=at, agents={state.id: state for state in agents}, rates_minute=MINUTE, **more)
        snapshot.sealed_until = MINUTE + 1
        self.fleet.put_snapshot(workspace, encode_snapshot(snapshot))
        for state in agents:
            record = {
                "first_seen": state.first_seen,
                "local_tags": state.local_tags,
                "remote_tags": state.remote_tags,
                "scope": state.scope,
            }
            self.fleet.update_agent(workspace, state.id, record)

    def group(self, points: Mapping[tuple[str, str], Sequence[float]], *, minute: int = MINUTE, workspace: str = "team") -> None:
        """Put the group rollup of a minute: (metric, tags as text) to values."""
        self.rollups.put_group(workspace, Resolution.MINUTE, minute, rollup(points, minute), 0)

    def agent_minute(self, agent: str, points: Mapping[tuple[str, str], Sequence[float]], *, minute: int = MINUTE) -> None:
        """Put the rollup of one agent's minute."""
        self.rollups.put_agents("team", Resolution.MINUTE, minute, {agent: rollup(points, minute)}, 0)

    def write_raw(self, records: Sequence[RawRecord], common: Mapping[str, str]) -> None:
        """Write raw records as ingest does."""
        RawWrites(EngineClient(self.engine), DATABASE).write(records, common)  # type: ignore[arg-type]


@dataclass(frozen=True)
class ApiClient:
    """Calls with a token."""

    http: Client
    token: str | None

    def call(self, method: str, path: str, *, headers: Mapping[str, str] | None = None, **options: Any) -> TestResponse:
        given = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        return self.http.open(path, method=method, headers={**given, **(headers or {})}, **options)

    def get(self, path: str, **query: Any) -> Any:
        """The JSON of a GET that must succeed."""
        answer = self.call("GET", path, query_string=query)
        assert answer.status_code == 200, answer.text
        return answer.json

    def problem(self, status: int, method: str, path: str, **options: Any) -> dict[str, Any]:
        """The problem of a call that must fail."""
        answer = self.call(method, path, **options)
        assert answer.status_code == status, (answer.status_code, answer.text)
        assert answer.headers["Content-Type"] == "application/problem+json"
        found: dict[str, Any] = answer.get_json(force=True)
        assert found["status"] == status
        return found

    def without_token(self) -> ApiClient:
        return replace(self, token=None)


def agent(name: str, tags: str = "", *, status: Status = Status.GREEN, **more: Any) -> AgentState:
    """An agent that was heard a second ago."""
    local = dict(pair.split("=") for pair in tags.split(",") if pair)
    state = AgentState(
        id=name,
        name=name,
        local_tags=local,
        health=Health(status, f"is {status}", NOW - 60_000),
        first_seen=NOW - 3_600_000,
        last_seen=NOW - 1000,
        **more,
    )
    state.tags = effective_tags(state.local_tags, state.remote_tags, state.scope)
    return state


def rates(tasks: int = 10, errors: int = 1, cost: float | None = 0.5) -> Rates:
    return Rates(5, tasks, errors, 1000.0, 500.0, cost, tasks if cost is not None else 0, Percentiles(100.0, 200.0, 300.0))


def gauges(queue: float | None = None, active: float | None = None, most: float | None = None) -> Gauges:
    return Gauges(queue_depth=queue, active_workers=active, max_workers=most)


def rollup(points: Mapping[tuple[str, str], Sequence[float]], minute: int) -> Rollup:
    made: Rollup = {}
    for (name, tags), values in points.items():
        pairs = tuple(sorted(tuple(pair.split("=")) for pair in tags.split(",") if pair))
        aggregate = made.setdefault(SeriesKey(name, pairs), Aggregate())  # type: ignore[arg-type]
        for offset, value in enumerate(values):
            aggregate.add(value, minute * MINUTE_MS + offset)
    return made
