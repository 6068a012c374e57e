"""What somebody asks of a new rotation: the request, where its key is, and the rotation that it means."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, SecretStr

from functions.api.endpoint import Call
from functions.api.fleet_view import view
from functions.api.models import Body, SelectorText
from functions.domain.alert_faults import InvalidDocument
from functions.domain.errors import InvalidInput
from functions.domain.key_fingerprint import PROVIDER_PATTERN
from functions.domain.rollout_plan import new_id
from functions.domain.rotation import Rotation, RotationPolicy
from functions.domain.rotation_fleet import SHARD_TAG
from functions.domain.rotation_policy import parse_policy
from functions.domain.selector import Selector
from functions.domain.summary import select
from functions.rotation_launch import SHARD_PATTERN
from functions.rotation_source import MAX_KEY, Source, Wanted

_ID_BYTES = 2
_SOURCES: Mapping[str, Source] = {"key": Source.STDIN, "vault": Source.VAULT, "provider": Source.PROVIDER}
type FieldName = Annotated[str, Field(min_length=1, max_length=256, pattern=r"^[^\x00-\x1f\x7f]+$")]


class RotationWanted(Body):
    """A new key for a provider, and how the agents are brought to it."""

    provider: str = Field(max_length=32, pattern=rf"^{PROVIDER_PATTERN}$", description="`anthropic`, `openai`, or one of key-settings.")
    source: Literal["key", "vault", "provider"] = Field(description="Where the new key is: in `key`, in Vault, or made by the provider.")
    key: SecretStr | None = Field(None, max_length=MAX_KEY, description="Of the source `key`. It goes into Vault, and nowhere else.")
    path: str | None = Field(None, max_length=256, description="Of the source `vault`: below the mount.")
    field: FieldName | None = Field(None, description="Of the source `vault`; `key` unless given.")
    policy: dict[str, Any] = Field({}, description="What goes otherwise than usual: `wave_size`, `cooldown_s`, `abort_above` …")
    tags: SelectorText = Field("", description="Which of the agents that use the provider; empty: all.")
    shard: str = Field("", pattern=rf"^({SHARD_PATTERN})?$", description="Of a shard with keys of its own; empty: the workspace's key.")
    dry_run: bool = Field(False, description="End after preflight; the key is tried, and nothing is changed.")
    emergency: bool = Field(False, description="The key in use has leaked: it is revoked first, and all agents change at once.")
    confirm: bool = Field(False, description="Of an emergency: its consequences, which `409` lists without this, are known.")


def source_of(body: RotationWanted) -> Wanted:
    """Where the new key is; raises `InvalidInput` for what belongs to another source."""
    needed = {"key": "key", "vault": "path"}.get(body.source)
    given = {"key": body.key, "path": body.path, "field": body.field}
    for name, value in given.items():
        if value is None and name == needed:
            raise InvalidInput(f"is missing: the source {body.source} needs it", name)
        if value is not None and name != needed and (name, body.source) != ("field", "vault"):
            raise InvalidInput(f"is not for the source {body.source}", name)
    if body.source == "provider" and body.dry_run:
        raise InvalidInput("a dry run makes no key at the provider: give one to try", "dryRun")
    return Wanted(
        source=_SOURCES[body.source],
        key=body.key.get_secret_value() if body.key else "",
        path=body.path or "",
        field=body.field or "key",
    )


def rotation_of(call: Call, body: RotationWanted) -> Rotation:
    """The rotation, without the key's fingerprint. Raises `InvalidInput` when no agent is meant, `InvalidDocument` below `policy`."""
    selector = Selector.parse(body.tags)
    _need_agents(call, selector, body.shard)
    return Rotation(
        id=f"k{new_id(call.now, call.services.random(_ID_BYTES))[1:]}",
        provider=body.provider,
        created=call.now,
        by=call.caller.token_id,
        selector=str(selector),
        shard=body.shard,
        policy=_policy(body.policy),
        source=_SOURCES[body.source].value,
        new="",
        dry_run=body.dry_run,
        emergency=body.emergency,
    )


def _need_agents(call: Call, selector: Selector, shard: str) -> None:
    """A selector or shard that means nobody is a slip of the pen."""
    if not str(selector) and not shard:
        return
    agents = [state for state in select(view(call).agents, selector) if not state.retired]
    if not agents:
        raise InvalidInput("no agent matches", "tags")
    if shard and not any(state.tags.get(SHARD_TAG) == shard for state in agents):
        raise InvalidInput(f"no agent {'that matches ' if str(selector) else ''}has {SHARD_TAG}={shard}", "shard")


def _policy(given: Mapping[str, Any]) -> RotationPolicy:
    try:
        return parse_policy(given)
    except InvalidDocument as error:
        raise error.below("policy") from None
