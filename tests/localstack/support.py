"""Small functions, tables and APIs for the tests of the local cloud."""

from __future__ import annotations

import io
import json
import textwrap
import time
import uuid
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.cloud import BareCloud

ROLE = "arn:aws:iam::000000000000:role/test"


def fresh(prefix: str) -> str:
    """A name that nothing else has."""
    return f"{prefix}-{uuid.uuid4().hex[:8]}"


def eventually[T](look: Callable[[], T], *, seconds: float = 20) -> T:
    """What `look` returns as soon as it is true; fails with its last answer when that takes too long."""
    deadline = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < deadline, f"not within {seconds} s: {found!r}"
        time.sleep(0.05)
    return found


def zipped(files: Mapping[str, str]) -> bytes:
    """A zip file with texts."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, textwrap.dedent(text))
    return buffer.getvalue()


@dataclass(frozen=True)
class Answer:
    payload: Any
    failed: bool
    log: str


@dataclass(frozen=True)
class Function:
    """A deployed Lambda function."""

    cloud: BareCloud
    name: str
    arn: str

    def invoke(self, event: Any = None) -> Answer:
        import base64

        found = self.cloud.client("lambda").invoke(FunctionName=self.name, Payload=json.dumps(event).encode(), LogType="Tail")
        log = base64.b64decode(found.get("LogResult", "")).decode()
        return Answer(json.loads(found["Payload"].read()), "FunctionError" in found, log)

    @property
    def log_file(self) -> Path:
        return self.cloud.local.settings.logs / "functions" / f"{self.name}.log"


def function(
    cloud: BareCloud, source: str, *, timeout: int = 10, layers: list[str] | None = None, env: Mapping[str, str] | None = None
) -> Function:
    """Deploy a module whose function `handler` is the function."""
    client, name = cloud.client("lambda"), fresh("fn")
    made = client.create_function(
        FunctionName=name,
        Runtime="python3.13",
        Handler="module.handler",
        Role=ROLE,
        Timeout=timeout,
        Code={"ZipFile": zipped({"module.py": source})},
        Layers=layers or [],
        Environment={"Variables": dict(env or {})},
    )
    client.get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig={"Delay": 0.1, "MaxAttempts": 100})
    return Function(cloud, name, made["FunctionArn"])


def table(cloud: BareCloud, *, ttl: bool = False) -> str:
    """A table with keys `p` and `s`."""
    client, name = cloud.client("dynamodb"), fresh("table")
    keys = {"p": "HASH", "s": "RANGE"}
    client.create_table(
        TableName=name,
        KeySchema=[{"AttributeName": key, "KeyType": kind} for key, kind in keys.items()],
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in keys],
        BillingMode="PAY_PER_REQUEST",
    )
    if ttl:
        client.update_time_to_live(TableName=name, TimeToLiveSpecification={"Enabled": True, "AttributeName": "x"})
    return name
