"""API keys of agents: what is known of them, the providers' settings, and the one route that hands a key out.

A key goes from Vault to the agent whose assigned fingerprint it has, and nowhere else: it is in no list, log, problem or ETag.
"""

from __future__ import annotations

from typing import Any

from pydantic import Field

from functions.api import documents
from functions.api.desired import IfMatch
from functions.api.documents import Document, Kind
from functions.api.endpoint import Call, Noun, Reply
from functions.api.fleet_view import known_tags, view
from functions.api.key_view import AllKeys, Stock, own_shards, provider_keys, use_of
from functions.api.models import AgentId, Asked
from functions.domain.alert_faults import InvalidDocument
from functions.domain.errors import NotAllowed, NotFound, VaultRefused, VaultUnavailable
from functions.domain.key_fingerprint import PROVIDER_PATTERN
from functions.domain.key_settings import DOCUMENT, ProviderSettings, parse_key_settings, provider_settings
from functions.domain.rotation import Alias
from functions.domain.rotation_fleet import SHARD_TAG
from functions.domain.selector import parse_tags
from functions.domain.token import Scope
from functions.rotation_launch import may_be_apart
from functions.runtime.observability import logger

noun = Noun("keys")

_ALIASES = (Alias.CURRENT, Alias.NEXT, Alias.OLD)
_ROTATIONS = 200
"""Newest ones that are looked through for the last of each provider."""


class KeyAsked(Asked):
    """Which key."""

    provider: str = Field(max_length=32, pattern=rf"^{PROVIDER_PATTERN}$", description="Whose key: `anthropic`.")
    agent: AgentId


class KeySettings(Document):
    """Providers by name: `{"openai": {"kind": "openai", "admin": {"vault": "…", "key": "…"}, "max_age_days": 60}}`.

    Secrets are named, never sent.
    """


@noun.endpoint("GET", "/api/keys", scope=Scope.READ, answers=AllKeys)
def listing(call: Call) -> AllKeys:
    """Each provider's keys in Vault by fingerprint, with their age and who uses which; what is due, and the last rotation."""
    call.caller.need_whole_workspace("the keys")
    workspace = call.caller.workspace
    fleet = view(call)
    assigned = call.services.keys.all_keys(workspace)
    rotations = call.services.rotations.rotations(workspace, _ROTATIONS)
    settings = _settings(call)
    named = {one.provider for one in rotations} | {name for state in fleet.agents for name in (*state.keys, *assigned.get(state.id, {}))}
    return AllKeys.model_construct(
        providers=[
            provider_keys(
                name,
                settings.get(name) or provider_settings(None, workspace, name),
                _stock(call, name, own_shards(name, rotations)),
                use_of(name, fleet.agents, assigned),
                rotations,
                call.now,
            )
            for name in sorted({*settings, *named})
        ]
    )


@noun.endpoint("GET", "/api/key-settings", scope=Scope.READ, answers=KeySettings)
def settings(call: Call) -> Reply:
    """The providers of keys: how their keys are tried, made and revoked, how old they may get, when they are rotated by themselves."""
    return documents.read(call, _KIND)


@noun.endpoint("PUT", "/api/key-settings", scope=Scope.OPERATE, heeds=IfMatch, takes=KeySettings, answers=KeySettings)
def replace_settings(call: Call, heeded: IfMatch, body: KeySettings) -> Reply:
    """Replace them."""
    return documents.replace(call, _KIND, heeded, body)


@noun.endpoint("GET", "/v1/keys/{provider}", scope=Scope.KEYS, asks=KeyAsked, content_type="text/plain; charset=utf-8", secret=True)
def fetch(call: Call, asked: KeyAsked) -> Reply:
    """For agents: the key that an agent is to use, as `desiredKeys` names it to it; 404 when none is."""
    tags = _tags_inside(call, asked.agent)
    workspace = call.caller.workspace
    wanted = call.services.keys.keys_of(workspace, asked.agent).get(asked.provider)
    if wanted is None:
        raise NotFound(f"no key of {asked.provider} is assigned to the agent {asked.agent}")
    shard = tags.get(SHARD_TAG, "")
    for place in dict.fromkeys((shard if may_be_apart(shard) else "", "")):
        for alias in (Alias.NEXT, Alias.CURRENT, Alias.OLD):
            key = call.services.vault.read(workspace, asked.provider, alias, place)
            if key is not None and key.fingerprint == wanted:
                logger("api").info("key fetched", extra={"agent": asked.agent, "provider": asked.provider, "fingerprint": wanted})
                return Reply(body=key.key)
    raise NotFound(f"the key {wanted} of {asked.provider}, which the agent {asked.agent} is to use, is not in Vault")


def settings_of(call: Call, provider: str) -> ProviderSettings | None:
    """One provider's settings; None for one that nobody named."""
    return provider_settings(call.services.fleet.settings(call.caller.workspace, DOCUMENT), call.caller.workspace, provider)


def _settings(call: Call) -> dict[str, ProviderSettings]:
    """All that can be read: a document of a later release hides no other provider."""
    workspace = call.caller.workspace
    document = call.services.fleet.settings(workspace, DOCUMENT) or {}
    found: dict[str, ProviderSettings] = {}
    for name in document:
        try:
            found |= parse_key_settings({name: document[name]}, workspace)
        except InvalidDocument:
            continue
    return found


def _stock(call: Call, provider: str, shards: list[str]) -> Stock:
    vault, workspace = call.services.vault, call.caller.workspace
    try:
        found = [(shard, alias, vault.read(workspace, provider, alias, shard)) for shard in ("", *shards) for alias in _ALIASES]
    except (VaultUnavailable, VaultRefused) as error:
        return Stock(fault=str(error))
    return Stock([(shard, alias, key) for shard, alias, key in found if key is not None])


def _tags_inside(call: Call, agent: str) -> dict[str, str]:
    """Effective tags of an agent. Raises `NotAllowed` for one that does not have what the token is limited to, or is not known at all."""
    tags = known_tags(call, agent) or {}
    for key, value in parse_tags(call.caller.scope_text).items():
        if tags.get(key) != value:
            raise NotAllowed(f"the agent {agent} is not known to have {key}={value}, which the token is limited to")
    return tags


def _check(call: Call, document: Any) -> object:
    return parse_key_settings(document, call.caller.workspace)


_KIND = Kind(name=DOCUMENT, title="the providers of keys", check=_check)
