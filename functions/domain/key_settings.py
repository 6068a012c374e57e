"""Providers of API keys: the settings document `key-settings`, checked with path and reason (docs/rotation-providers.md).

    {"anthropic": {"kind": "anthropic", "admin": {"vault": "clawpulse/default/anthropic-admin", "key": "key"}, "max_age_days": 60},
     "openai": {"kind": "openai", "admin": {"secretsmanager": "clawpulse/default/openai-admin"}, "project_id": "proj_abc",
                "schedule": {"every_days": 90, "source": "provider"}}}

Secrets are named, never written down here: a value that looks like one is refused, and no fault quotes a value.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, NamedTuple

from functions.domain.alert_faults import Faults, Node
from functions.domain.channel_fields import HINT, looks_secret, url_fault
from functions.domain.channels import SecretReference, check_reference, reference
from functions.domain.key_calls import SHAPES, HttpCall, parse_call
from functions.domain.key_fingerprint import PROVIDER_PATTERN

DOCUMENT = "key-settings"
"""Its name in `FleetStore.settings`."""
MAX_NAMED = 32
MAX_AGE_DAYS = 90
"""Of a key, before people are told, where its provider says nothing else."""
MAX_DAYS = 3650
MAX_PATH = 256
_PROVIDER = re.compile(PROVIDER_PATTERN)
_ID = re.compile(r"[A-Za-z0-9_.-]{1,128}")
_MODEL = re.compile(r"[A-Za-z0-9_.:/-]{1,128}")
_PATH = re.compile(r"[A-Za-z0-9_.=@-]+(/[A-Za-z0-9_.=@-]+)*")
_FIELD = re.compile(r"[^\x00-\x1f\x7f]{1,256}")
_COMMON = ("kind", "admin", "max_age_days", "schedule")
_CALLS = tuple(SHAPES)

KINDS: Mapping[str, tuple[str, ...]] = {
    "anthropic": ("base_url", "workspace_id", "model", "revoked_as"),
    "openai": ("base_url", "project_id", "service_account_id", "model"),
    "http": _CALLS,
}
"""What each kind has beside that which all have."""
BASE_URLS: Mapping[str, str] = {"anthropic": "https://api.anthropic.com", "openai": "https://api.openai.com"}


class Schedule(NamedTuple):
    """When keys are rotated by themselves."""

    every_days: int
    source: Literal["vault", "provider"]
    path: str = ""
    """Below Vault's mount; where people put the next key, for the source `vault`."""
    field: str = "key"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderSettings:
    """One provider; texts that were left out are empty."""

    name: str
    kind: Literal["anthropic", "openai", "http"]
    base_url: str = ""
    """Without the path `/v1` and a slash at its end."""
    admin: SecretReference | None = None
    """Where the admin key is; None: keys are tested only."""
    workspace_id: str = ""
    """Of Anthropic: only its keys are looked at when a key's id is looked for."""
    project_id: str = ""
    """Of OpenAI: where keys are made and deleted."""
    service_account_id: str = ""
    """Of OpenAI: whose keys are made; empty: each key gets an account of its own."""
    model: str = ""
    """What a new key must be allowed to use; empty: it is enough that it is taken."""
    revoked_as: str = "inactive"
    """Status of a key of Anthropic's that is revoked: `inactive` can be undone in the Console, `archived` cannot."""
    max_age_days: int = MAX_AGE_DAYS
    schedule: Schedule | None = None
    calls: Mapping[str, HttpCall] = field(default_factory=dict)
    """Of kind http, by name (`key_calls.SHAPES`)."""

    @property
    def creates(self) -> bool:
        """Whether it can make keys by itself."""
        return bool(self.project_id and self.admin) if self.kind == "openai" else "create" in self.calls


def parse_key_settings(document: object, workspace: str) -> dict[str, ProviderSettings]:
    """All providers; raises `InvalidDocument` with every fault."""
    faults = Faults()
    if document is not None and (not isinstance(document, Mapping) or len(document) > MAX_NAMED):
        faults.add("", f"must be a mapping of at most {MAX_NAMED} providers to their settings")
        faults.raise_any()
    given: Mapping[Any, Any] = document if isinstance(document, Mapping) else {}
    found = [settings for name, value in given.items() if (settings := _provider(faults, name, value, workspace))]
    faults.raise_any()
    return {settings.name: settings for settings in found}


def provider_settings(document: object, workspace: str, name: str) -> ProviderSettings | None:
    """One provider, whatever is wrong with others; raises `InvalidDocument`.

    `anthropic` and `openai` are known without being named: their keys can be tested. None for others that are not named.
    """
    if isinstance(document, Mapping) and name in document:
        return parse_key_settings({name: document[name]}, workspace)[name]
    if name not in BASE_URLS:
        return None
    return ProviderSettings(name=name, kind="anthropic" if name == "anthropic" else "openai", base_url=BASE_URLS[name])


def path_fault(path: object, workspace: str) -> str | None:
    """Why nothing below Vault's mount that a workspace may take a key from has this path."""
    if not isinstance(path, str) or len(path) > MAX_PATH or not _PATH.fullmatch(path) or ".." in path:
        return "must be a path in Vault, below the mount"
    own = (f"{workspace}/", f"clawpulse/{workspace}/")
    return None if path.startswith(own) else f"must begin with {' or '.join(own)}: a workspace reaches its own secrets only"


def _provider(faults: Faults, name: object, value: object, workspace: str) -> ProviderSettings | None:
    """Its settings; what they are is of no use when faults were noted."""
    path = str(name)[:80]
    if not isinstance(name, str) or not _PROVIDER.fullmatch(name):
        faults.add(path, "a provider's name has 1 to 32 small letters, digits and hyphens, and begins with a letter")
        return None
    if not isinstance(value, Mapping):
        faults.add(path, "must be a mapping such as kind: anthropic")
        return None
    node = Node(value, path, faults)
    kind = value.get("kind")
    if kind not in ("anthropic", "openai", "http"):
        node.fault("kind", f"must be one of {', '.join(KINDS)}")
        return None
    node.keys((*_COMMON, *KINDS[kind]), ("kind",))
    if "admin" in node:
        check_reference(faults, node.at("admin"), node.raw("admin"), "provider's admin key", workspace)
    calls = {call: parse_call(inner, SHAPES[call]) for call in _CALLS if kind == "http" and (inner := node.node(call))}
    settings = ProviderSettings(
        name=name,
        kind=kind,
        base_url=_base_url(node, kind),
        admin=_reference(node),
        workspace_id=_text(node, "workspace_id", _ID),
        project_id=_text(node, "project_id", _ID),
        service_account_id=_text(node, "service_account_id", _ID),
        model=_text(node, "model", _MODEL),
        revoked_as=_revoked_as(node),
        max_age_days=node.whole("max_age_days", 1, MAX_DAYS, MAX_AGE_DAYS),
        calls=calls,
    )
    _check_whole(node, settings)
    return replace(settings, schedule=_schedule(node, settings, workspace))


def _reference(node: Node) -> SecretReference | None:
    given = node.raw("admin")
    return reference(given) if isinstance(given, Mapping) and not _faulty(node, "admin") else None


def _faulty(node: Node, key: str) -> bool:
    """Whether something is wrong at or below a key."""
    return any(f"{fault.path}.".startswith(f"{node.at(key)}.") for fault in node.faults.found)


def _base_url(node: Node, kind: str) -> str:
    value = node.raw("base_url")
    if value is None or kind == "http":
        return BASE_URLS.get(kind, "")
    text = value.rstrip("/") if isinstance(value, str) else value
    reason = url_fault(text)
    if reason is None and looks_secret(text):
        reason = HINT.replace("`secret`", "`admin`")
    if reason is None and ("?" in text or text.endswith("/v1")):
        reason = "is what comes before /v1, without a query"
    if reason:
        node.fault("base_url", reason)
        return BASE_URLS[kind]
    return str(text)


def _text(node: Node, key: str, pattern: re.Pattern[str]) -> str:
    value = node.raw(key)
    if value is None:
        return ""
    if not isinstance(value, str) or not pattern.fullmatch(value) or ".." in value:
        node.fault(key, "must be a text of at most 128 letters, digits and . _ -")
        return ""
    if looks_secret(value):
        node.fault(key, HINT.replace("`secret`", "`admin`"))
        return ""
    return value


def _revoked_as(node: Node) -> str:
    value = node.raw("revoked_as")
    if value is not None and value not in ("inactive", "archived"):
        node.fault("revoked_as", "must be inactive or archived")
    return "archived" if value == "archived" else "inactive"


def _check_whole(node: Node, settings: ProviderSettings) -> None:
    """What needs what."""
    if settings.service_account_id and "project_id" not in node:
        node.fault("service_account_id", "needs the project_id that it belongs to")
    if settings.kind != "http":
        return
    if "test" not in node:
        node.fault("test", "is missing: no key is handed out that was not tried")
    elif "test" in settings.calls and "key" not in settings.calls["test"].placeholders and not _faulty(node, "test"):
        node.fault("test", "has no {key} in its headers or body: it would take any key")
    using = [name for name, call in settings.calls.items() if "admin" in call.placeholders]
    if using and "admin" not in node:
        node.fault("admin", f"is missing: {' and '.join(using)} use{'s' * (len(using) == 1)} {{admin}}")


def _schedule(node: Node, settings: ProviderSettings, workspace: str) -> Schedule | None:
    given = node.node("schedule")
    if given is None:
        return None
    given.keys(("every_days", "source", "path", "field"), ("every_days", "source"))
    every = given.whole("every_days", 1, MAX_DAYS, MAX_AGE_DAYS)
    source = given.raw("source")
    path, taken = given.raw("path"), given.raw("field")
    if source not in ("vault", "provider"):
        if source is not None:
            given.fault("source", "must be vault or provider: a key from stdin needs somebody who types it")
        return None
    if source == "provider" and not settings.creates:
        given.fault("source", _CANNOT_CREATE[settings.kind])
    if source == "provider" and (path is not None or taken is not None):
        given.fault("path" if path is not None else "field", "is for the source vault")
    if source == "vault" and (reason := path_fault(path, workspace)):
        given.fault("path", reason)
    if taken is not None and not (isinstance(taken, str) and _FIELD.fullmatch(taken)):
        given.fault("field", "must be the name of a field, 1 to 256 characters")
    return Schedule(every, "vault", str(path), str(taken or "key")) if source == "vault" else Schedule(every, "provider")


_CANNOT_CREATE = {
    "anthropic": "Anthropic makes keys in its Console only: take them from vault",
    "openai": "needs project_id and admin to make keys",
    "http": "needs the call create to make keys",
}
