"""The first token of a workspace: invoked by whoever may invoke it, which AWS's IAM decides; not behind the gateway.

Takes `{"workspace": "…", "name": "…"}`, gives `{"token": "cp_…"}`, a token with the scope `admin`.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from contextlib import closing
from typing import Any

from functions.adapters.fast_client import DYNAMODB, FastClient
from functions.adapters.reads_fast import FastTokens
from functions.domain.errors import InvalidInput
from functions.domain.times import SECOND_MS
from functions.domain.token import RANDOM_BYTES, Scope, create
from functions.runtime.settings import Settings


def handler(event: Mapping[str, Any], _context: object) -> dict[str, str]:
    """Make and store the token. Raises `InvalidInput`, `StoreUnavailable`."""
    settings = Settings.from_env()
    workspace = str(event.get("workspace") or "")
    if workspace not in settings.workspace_names:
        raise InvalidInput(f"{workspace!r} is none of this stage's: {', '.join(settings.workspace_names)}", "workspace")
    name = str(event.get("name") or "bootstrap")
    now = int(time.time() * SECOND_MS)
    record, text = create(workspace=workspace, name=name, scopes=[Scope.ADMIN], now=now, random=os.urandom(RANDOM_BYTES))
    with closing(FastClient(DYNAMODB)) as client:
        FastTokens(client, settings.tokens_table).put(record.document())
    return {"token": text}
