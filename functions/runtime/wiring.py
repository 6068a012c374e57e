"""Puts adapters behind the ports, from `Settings`. Nothing is made, and no AWS library imported, before it is needed.

Not for ingest and the authorizer: they start without boto3, and wire themselves.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from functions.ports import (
    AlertStore,
    DeliveryStore,
    DesiredStore,
    Dispatcher,
    Executions,
    FleetStore,
    KeyProvider,
    KeyStore,
    KeyVault,
    Lease,
    LinkStore,
    ProviderReports,
    RawReader,
    ReportStore,
    RevisionStore,
    RolloutStore,
    RollupStore,
    RotationStore,
    ScalingStore,
    TokenStore,
)
from functions.runtime.settings import Settings

if TYPE_CHECKING:
    from functions.domain.key_settings import ProviderSettings

    # Not for the functions that only want a client: it reads YAML.
    from functions.runtime.rule_book import RuleBook


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """What the API needs from outside."""

    fleet: FleetStore
    desired: DesiredStore
    keys: KeyStore
    rollups: RollupStore
    newest_rollups: RollupStore
    """The same, strongly consistent: for those who write what they have read."""
    lease: Lease
    """That of seal, who writes what repricing writes."""
    tokens: TokenStore
    rules: RuleBook
    alerts: AlertStore
    deliveries: DeliveryStore
    rollouts: RolloutStore
    executions: Executions
    """Of rollouts."""
    rotations: RotationStore
    rotation_executions: Executions
    scaling: ScalingStore
    vault: KeyVault
    key_provider: Callable[[ProviderSettings], KeyProvider]
    provider_reports: Callable[[ProviderSettings], ProviderReports]
    revisions: RevisionStore
    links: LinkStore
    notify: Dispatcher
    """Takes `{"workspace", "delivery"}`."""
    reports: ReportStore
    report_queue: Dispatcher
    """Takes `{"workspace", "report"}`."""
    raw: RawReader | None
    """None on a stage that keeps no raw history."""
    raw_database: str
    now: Callable[[], int]
    """ms."""
    random: Callable[[int], bytes]
    """So many unpredictable bytes."""
    sleep: Callable[[float], None]
    """Waits so many seconds."""


def now_ms() -> int:
    """The time."""
    return time.time_ns() // 1_000_000


@cache
def client(service: str) -> Any:
    """The boto3 client of a service; one a process, for making one takes longer than most requests."""
    return _make(service, connect_timeout=2, read_timeout=10, retries={"mode": "standard"})


@cache
def hurried_client(service: str) -> Any:
    """One that gives up within 12 s: for writes that must not come late."""
    return _make(service, connect_timeout=1, read_timeout=4, retries={"mode": "standard", "total_max_attempts": 2})


def _make(service: str, **options: Any) -> Any:
    import boto3
    from botocore.config import Config

    # The stubs know only literal names of services.
    make: Any = boto3.client
    return make(service, config=Config(max_pool_connections=16, **options))


@cache
def services() -> Services:
    """The API's services, as the environment says; raises `MissingSetting`."""
    from functions.adapters.alerts import Alerts
    from functions.adapters.approval_links import ApprovalLinks
    from functions.adapters.deliveries import Deliveries
    from functions.adapters.desired import DesiredConfigs
    from functions.adapters.executions import StateMachine
    from functions.adapters.fleet import Fleet
    from functions.adapters.keys import DesiredKeys
    from functions.adapters.lease import Leases
    from functions.adapters.raw import RawQueries
    from functions.adapters.revisions import Revisions
    from functions.adapters.rollouts import RolloutTable
    from functions.adapters.rollups import Rollups
    from functions.adapters.rotations import Rotations
    from functions.adapters.scaling import ScalingTable
    from functions.adapters.sqs import QueueDispatcher
    from functions.adapters.tokens import Tokens
    from functions.runtime.key_setup import key_providers, key_vault, provider_accounts
    from functions.runtime.report_setup import report_queue, report_store
    from functions.runtime.rule_book import RuleBook

    settings = Settings.from_env()
    dynamodb = client("dynamodb")
    fleet = Fleet(dynamodb, settings.fleet_table)
    return Services(
        fleet=fleet,
        desired=DesiredConfigs(dynamodb, settings.fleet_table),
        keys=DesiredKeys(dynamodb, settings.fleet_table),
        rollups=Rollups(dynamodb, settings.rollups_table),
        newest_rollups=Rollups(dynamodb, settings.rollups_table, consistent=True),
        lease=Leases(dynamodb, settings.fleet_table),
        tokens=Tokens(dynamodb, settings.tokens_table),
        rules=RuleBook(fleet),
        alerts=Alerts(dynamodb, settings.alerts_table),
        deliveries=Deliveries(dynamodb, settings.alerts_table),
        rollouts=RolloutTable(dynamodb, settings.rollouts_table),
        executions=StateMachine(client("stepfunctions"), settings.rollout_machine_arn),
        rotations=Rotations(dynamodb, settings.rollouts_table),
        rotation_executions=StateMachine(client("stepfunctions"), settings.rotation_machine_arn, "rotation"),
        scaling=ScalingTable(dynamodb, settings.alerts_table),
        vault=key_vault(),
        key_provider=key_providers(settings),
        provider_reports=provider_accounts(settings),
        revisions=Revisions(dynamodb, settings.rollouts_table),
        links=ApprovalLinks(dynamodb, settings.rollouts_table),
        notify=QueueDispatcher(client("sqs"), settings.notify_queue_url),
        reports=report_store(),
        report_queue=report_queue(),
        raw=RawQueries(client("timestream-query")) if settings.raw_history else None,
        raw_database=settings.raw_database,
        now=now_ms,
        random=secrets.token_bytes,
        sleep=time.sleep,
    )
