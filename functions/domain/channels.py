"""Channels of a workspace: the settings document `channels`, checked with path and reason.

    {"oncall": {"kind": "slack", "channel": "C0123456789", "secret": {"secretsmanager": "clawpulse/default/slack", "key": "token"}}}

Secrets are named, never written down here: a value that looks like one is refused. A workspace reaches only its own secrets
(`clawpulse/<workspace>/…`) and topics (`clawpulse_<workspace>_…`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from functions.domain.alert_faults import Faults, nearest
from functions.domain.channel_fields import KINDS
from functions.domain.errors import InvalidInput

MAX_CHANNELS = 90
"""An incident and its messages to all channels are one transaction: DynamoDB takes 100 items and 4 MB."""
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_PATH = re.compile(r"[A-Za-z0-9/_+=.@-]{1,512}")
_KEY = re.compile(r"[^\x00-\x1f\x7f]{1,256}")
_ARN = re.compile(r"arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:\d{12}:secret:(.+)")
_STORES = ("secretsmanager", "vault")
_FORM = '{"secretsmanager": name, "key": …} or {"vault": path, "key": …}'


@dataclass(frozen=True, slots=True)
class SecretReference:
    """Where a secret is."""

    store: Literal["secretsmanager", "vault"]
    path: str
    """Name or ARN in Secrets Manager, path below the mount in Vault."""
    key: str | None = None
    """Field of the secret's JSON document; None takes the whole text."""

    def __str__(self) -> str:
        return f"{self.store} {self.path}" + (f" ({self.key})" if self.key else "")


@dataclass(frozen=True, slots=True)
class Channel:
    """One channel's settings; `fields` has a value for each field that its kind knows, None for what was left out."""

    name: str
    kind: str
    fields: Mapping[str, Any]
    secret: SecretReference | None = None

    def text(self, field: str) -> str:
        """A field that is a text; empty when it was left out."""
        return str(self.fields.get(field) or "")


def parse_channels(document: Mapping[str, Any] | None, workspace: str) -> dict[str, Channel]:
    """All channels; raises `InvalidDocument` with every fault. No fault quotes a value: it may be a secret."""
    faults = Faults()
    given = document or {}
    if len(given) > MAX_CHANNELS:
        faults.add("", f"there are {len(given)} channels, at most {MAX_CHANNELS} are possible")
    for name, settings in given.items():
        if not _NAME.fullmatch(name):
            faults.add(name[:80], "a channel's name has 1 to 63 small letters, digits and hyphens, and begins with no hyphen")
        _check(faults, name[:80], settings, workspace)
    faults.raise_any()
    return {name: _channel(name, settings) for name, settings in given.items()}


def parse_channel(document: Mapping[str, Any] | None, workspace: str, name: str) -> Channel:
    """One channel, whatever is wrong with others. Raises `InvalidInput`, also when there is none of this name."""
    if document is None or name not in document:
        raise InvalidInput("there is no such channel" + nearest(name[:80], list(document or ())), name[:80])
    faults = Faults()
    _check(faults, name, document[name], workspace)
    faults.raise_any()
    return _channel(name, document[name])


def _check(faults: Faults, path: str, given: object, workspace: str) -> None:
    if not isinstance(given, Mapping):
        faults.add(path, "must be a mapping")
        return
    kind = given.get("kind")
    if not isinstance(kind, str) or kind not in KINDS:
        faults.add(f"{path}.kind", f"must be one of {', '.join(KINDS)}")
        return
    known = KINDS[kind].fields
    for key, value in given.items():
        if key not in known and key not in ("kind", "secret"):
            faults.add(f"{path}.{key[:80]}", "is not known" + nearest(key[:80], [*known, "kind", "secret"]))
        elif key in known and (reason := known[key].fault(value, workspace)):
            faults.add(f"{path}.{key}", reason)
    for name, field in known.items():
        if field.required and name not in given:
            faults.add(f"{path}.{name}", "is missing")
    _check_secret(faults, f"{path}.secret", given, workspace)


def _check_secret(faults: Faults, path: str, given: Mapping[str, Any], workspace: str) -> None:
    meaning, secret = KINDS[given["kind"]].secret, given.get("secret")
    if not meaning:
        if "secret" in given:
            faults.add(path, f"a channel of kind {given['kind']} has no secret")
    else:
        check_reference(faults, path, secret, meaning, workspace)


def check_reference(faults: Faults, path: str, secret: object, meaning: str, workspace: str) -> None:
    """Note what is wrong with a secret's place; `meaning` says what the secret is."""
    if not isinstance(secret, Mapping):
        faults.add(path, f"must say where the {meaning} is: {_FORM}; never the secret itself")
    elif len(set(_STORES) & secret.keys()) != 1 or secret.keys() - {*_STORES, "key"}:
        faults.add(path, f"must have the form {_FORM}")
    else:
        _check_place(faults, path, secret, workspace)


def _check_place(faults: Faults, path: str, secret: Mapping[str, Any], workspace: str) -> None:
    store = next(store for store in _STORES if store in secret)
    where, key = secret[store], secret.get("key")
    if key is not None and not (isinstance(key, str) and _KEY.fullmatch(key)):
        faults.add(f"{path}.key", "must be the name of a field, 1 to 256 characters")
    if store == "vault" and key is None:
        faults.add(f"{path}.key", "is missing: a secret in Vault has fields, name the one to take")
    own = f"clawpulse/{workspace}/"
    name = _secret_name(where) if isinstance(where, str) else ""
    if not name.startswith(own) or not _PATH.fullmatch(name) or ".." in name:
        faults.add(f"{path}.{store}", f"must be a name that begins with {own}: a workspace reaches its own secrets only")


def _secret_name(where: str) -> str:
    """The name in an ARN, or the name itself."""
    found = _ARN.fullmatch(where)
    return found[1] if found else where


def _channel(name: str, given: Mapping[str, Any]) -> Channel:
    """What was checked, typed."""
    kind, secret = given["kind"], given.get("secret")
    fields = {key: given.get(key, field.default) for key, field in KINDS[kind].fields.items()}
    return Channel(name, kind, fields, reference(secret) if secret else None)


def reference(secret: Mapping[str, Any]) -> SecretReference:
    """A place that `check_reference` found nothing wrong with."""
    store: Literal["secretsmanager", "vault"] = "vault" if "vault" in secret else "secretsmanager"
    return SecretReference(store, secret[store], secret.get("key"))
