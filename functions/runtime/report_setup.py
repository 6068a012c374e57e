"""Reports on the deployed stores."""

from __future__ import annotations

from functools import cache
from typing import Any

from functions.adapters.reports import Reports
from functions.adapters.sqs import QueueDispatcher
from functions.runtime.settings import Settings
from functions.runtime.wiring import client


@cache
def report_store() -> Reports:
    """The bucket; raises `MissingSetting`. Its links are of signature version 4: the only one that all regions take."""
    import boto3
    from botocore.config import Config

    make: Any = boto3.client
    config = Config(signature_version="s3v4", connect_timeout=2, read_timeout=10, retries={"mode": "standard"}, max_pool_connections=16)
    return Reports(make("s3", config=config), Settings.from_env().reports_bucket)


@cache
def report_queue() -> QueueDispatcher:
    """Where reports to be made are queued; raises `MissingSetting`."""
    return QueueDispatcher(client("sqs"), Settings.from_env().report_queue_url)
