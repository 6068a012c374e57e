"""API Gateway's token authorizer."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from functions.adapters.fast_client import DYNAMODB, FastClient
from functions.adapters.reads_fast import FastTokens
from functions.authorizer.service import Authorizer, Identity
from functions.domain.errors import StoreError
from functions.domain.times import SECOND_MS
from functions.runtime.fault_log import log_fault
from functions.runtime.settings import Settings

SERVICE = "authorizer"


class Unauthorized(Exception):
    """API Gateway answers 401 to an error with exactly this text, and 500 to any other."""

    def __init__(self) -> None:
        super().__init__("Unauthorized")


def handler(event: Mapping[str, Any], _context: object) -> dict[str, Any]:
    """Entry point of the function."""
    return handle(event, _authorizer(), _settings().usage_key, int(time.time() * SECOND_MS))


def handle(event: Mapping[str, Any], authorizer: Authorizer, usage_key: Callable[[str], str], now: int) -> dict[str, Any]:
    """The policy for a request, counted on the workspace's usage key; raises `Unauthorized` for what is no token of ours."""
    try:
        identity = authorizer.identify(str(event.get("authorizationToken") or ""), now)
    except StoreError as error:
        log_fault(SERVICE, "tokens cannot be read", error)
        raise
    if identity is None:
        raise Unauthorized
    return _allow(identity, event["methodArn"], usage_key(identity.workspace))


def _allow(identity: Identity, method_arn: str, usage_key: str) -> dict[str, Any]:
    """A policy for the whole API: the gateway keeps it for every route, and the functions look at scopes and state."""
    api = "/".join(method_arn.split("/", 2)[:2])
    statement = {"Action": "execute-api:Invoke", "Effect": "Allow", "Resource": f"{api}/*"}
    return {
        "principalId": identity.token_id,
        "policyDocument": {"Version": "2012-10-17", "Statement": [statement]},
        "context": identity.context(),
        "usageIdentifierKey": usage_key,
    }


@cache
def _authorizer() -> Authorizer:
    return Authorizer(FastTokens(FastClient(DYNAMODB), _settings().tokens_table))


@cache
def _settings() -> Settings:
    return Settings.from_env()
