"""Lambda behind the notify queue: each message is one delivery of one workspace."""

from __future__ import annotations

import json
import random
import uuid
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from functions.adapters.channels import Channels
from functions.adapters.channels.tools import Tools
from functions.adapters.deliveries import Deliveries
from functions.adapters.fleet import Fleet
from functions.adapters.http_poster import WebPoster
from functions.adapters.secrets import Secrets
from functions.adapters.secrets_manager import SecretsManager
from functions.adapters.secrets_vault import Vault
from functions.adapters.sqs import QueueDispatcher
from functions.notify.service import NotifyService, Outcome
from functions.ports import SecretReader
from functions.runtime.observability import logger
from functions.runtime.settings import Settings
from functions.runtime.vault_settings import VaultSettings
from functions.runtime.wiring import client, now_ms

type Log = Callable[[Mapping[str, str], Outcome | Exception], None]
"""Is told the message, and what became of it."""

NEEDED_MS = 30_000
"""What one delivery may take; with less time left, the rest of a batch goes back to the queue."""


@cache
def service() -> NotifyService:
    """The use case on the deployed stores; raises `MissingSetting`."""
    shared = Settings.from_env()
    stores: dict[str, SecretReader] = {
        "secretsmanager": SecretsManager(client("secretsmanager")),
        "vault": Vault(VaultSettings.from_env().entries()),
    }
    return NotifyService(
        Deliveries(client("dynamodb"), shared.alerts_table),
        Fleet(client("dynamodb"), shared.fleet_table),
        Secrets(stores, now_ms),
        Channels(Tools(WebPoster(private=shared.reaches_private), regional)),
        QueueDispatcher(client("sqs"), shared.notify_queue_url),
    )


@cache
def regional(name: str, region: str) -> Any:
    """The boto3 client of a service in a region. It is called once: whether to try again is decided by the delivery."""
    import boto3
    from botocore.config import Config

    make: Any = boto3.client
    config = Config(connect_timeout=3, read_timeout=8, retries={"mode": "standard", "total_max_attempts": 1})
    return make(name, region_name=region or None, config=config)


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Work off an SQS event; messages that could not be worked off come back one by one."""
    return run(event, service(), now_ms, lambda: context.get_remaining_time_in_millis() > NEEDED_MS, _log)


def run(
    event: dict[str, Any],
    notify: NotifyService,
    now: Callable[[], int],
    has_time: Callable[[], bool],
    log: Log,
) -> dict[str, Any]:
    """One delivery a message `{"workspace", "delivery"}`; the answer names those that failed (`ReportBatchItemFailures`)."""
    failed = [record["messageId"] for record in event["Records"] if not (has_time() and _delivered(record, notify, now, log))]
    return {"batchItemFailures": [{"itemIdentifier": message} for message in failed]}


def _delivered(record: dict[str, Any], notify: NotifyService, now: Callable[[], int], log: Log) -> bool:
    """Whether the message may go."""
    message = json.loads(record["body"])
    try:
        outcome = notify.run(message["workspace"], message["delivery"], now(), uuid.uuid4().hex, random.random())
    except Exception as error:
        # One that fails must not bring back the others of its batch; it comes back itself, and ends in the dead letters.
        log(message, error)
        return False
    log(message, outcome)
    return True


def _log(message: Mapping[str, str], outcome: Outcome | Exception) -> None:
    log, extra = logger("notify"), dict(message)
    if isinstance(outcome, Exception):
        log.error(f"delivery failed: {type(outcome).__name__}: {outcome}", extra=extra, exc_info=outcome)
    elif outcome.state in ("undelivered", "retry"):
        log.warning(f"{outcome.state}: {outcome.text}", extra=extra)
    elif outcome.state in ("sent", "superseded"):
        log.info(outcome.state, extra=extra)
