"""Channels of a workspace: the settings document `channels`, checked with path and reason.

    {"oncall": {"kind": "slack", "channel": "C0123456789", "secret": {"secretsmanager": "clawpulse/default/slack", "key": "token"}}}

Secrets are named, never written down here: a value that looks like one is refused. A workspace reaches only its own secrets
(`clawpulse/<workspace>/…`) and topics (`clawpulse_<workspace>_…`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Literal, NamedTuple

from functions.domain.channel_fields import KINDS
from functions.domain.errors import InvalidInput

MAX_CHANNELS = 100
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_PATH = re.compile(r"[A-Za-z0-9/_+=.@-]{1,512}")
_KEY = re.compile(r"[^\x00-\x1f\x7f]{1,256}")
_ARN = re.compile(r"arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:\d{12}:secret:(.+)")
_STORES = ("secretsmanager", "vault")


class Fault(NamedTuple):
    """What is wrong, and where."""

    path: str
    reason: str


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
    """All channels; raises `InvalidInput` naming the first fault and how many more there are."""
    faults = check_channels(document, workspace)
    if faults:
        more = f" (and {len(faults) - 1} more faults)" if len(faults) > 1 else ""
        raise InvalidInput(faults[0].reason + more, faults[0].path)
    return {name: _channel(name, given) for name, given in (document or {}).items()}


def parse_channel(document: Mapping[str, Any] | None, workspace: str, name: str) -> Channel:
    """One channel, whatever is wrong with others. Raises `InvalidInput`, also when there is none of this name."""
    if not isinstance(document, Mapping) or name not in document:
        raise InvalidInput("there is no such channel", f"channels.{name}"[:200])
    for fault in _faults_of(f"channels.{name}", document[name], workspace):
        raise InvalidInput(fault.reason, fault.path)
    return _channel(name, document[name])


def check_channels(document: object, workspace: str) -> list[Fault]:
    """Every fault of the document."""
    if document is None:
        return []
    if not isinstance(document, Mapping):
        return [Fault("channels", "must be an object: name to settings")]
    if len(document) > MAX_CHANNELS:
        return [Fault("channels", f"has {len(document)} channels, at most {MAX_CHANNELS} are possible")]
    return [fault for name, given in document.items() for fault in _named(str(name), given, workspace)]


def _named(name: str, given: object, workspace: str) -> Iterator[Fault]:
    if not _NAME.fullmatch(name):
        yield Fault(f"channels.{name}"[:200], "a channel's name has 1 to 63 small letters, digits and hyphens, and begins with no hyphen")
    yield from _faults_of(f"channels.{name}"[:200], given, workspace)


def _faults_of(path: str, given: object, workspace: str) -> Iterator[Fault]:
    if not isinstance(given, Mapping):
        yield Fault(path, "must be an object")
        return
    kind = given.get("kind")
    if not isinstance(kind, str) or kind not in KINDS:
        yield Fault(f"{path}.kind", f"must be one of {', '.join(KINDS)}")
        return
    known = KINDS[kind].fields
    for key, value in given.items():
        if key in ("kind", "secret"):
            continue
        if key not in known:
            yield Fault(f"{path}.{key}"[:200], _unknown(str(key), [*known, "secret"]))
        elif reason := known[key].fault(value, workspace):
            yield Fault(f"{path}.{key}", reason)
    yield from (Fault(f"{path}.{name}", "is missing") for name, field in known.items() if field.required and name not in given)
    yield from _secret_faults(f"{path}.secret", kind, given, workspace)


def _secret_faults(path: str, kind: str, given: Mapping[str, Any], workspace: str) -> Iterator[Fault]:
    meaning = KINDS[kind].secret
    if not meaning:
        if "secret" in given:
            yield Fault(path, f"a channel of kind {kind} has no secret")
        return
    secret = given.get("secret")
    form = '{"secretsmanager": name, "key": …} or {"vault": path, "key": …}'
    if not isinstance(secret, Mapping):
        yield Fault(path, f"must say where the {meaning} is: {form}; never the secret itself")
        return
    stores = [store for store in _STORES if store in secret]
    if len(stores) != 1 or set(secret) - {*_STORES, "key"}:
        yield Fault(path, f"must have the form {form}")
        return
    yield from _reference_faults(path, stores[0], secret, workspace)


def _reference_faults(path: str, store: str, secret: Mapping[str, Any], workspace: str) -> Iterator[Fault]:
    where, key = secret[store], secret.get("key")
    if key is not None and not (isinstance(key, str) and _KEY.fullmatch(key)):
        yield Fault(f"{path}.key", "must be the name of a field, 1 to 256 characters")
    if store == "vault" and key is None:
        yield Fault(f"{path}.key", "is missing: a secret in Vault has fields, name the one to take")
    allowed = f"clawpulse/{workspace}/"
    name = _secret_name(where) if isinstance(where, str) else ""
    if not name.startswith(allowed) or not _PATH.fullmatch(name) or ".." in name:
        yield Fault(f"{path}.{store}", f"must begin with {allowed}: a workspace reaches its own secrets only")


def _secret_name(where: str) -> str:
    """The name in an ARN, or the name itself."""
    found = _ARN.fullmatch(where)
    return found[1] if found else where


def _unknown(key: str, known: list[str]) -> str:
    near = get_close_matches(key, known, 1)
    return f"is not known; did you mean {near[0]}?" if near else f"is not known; known are {', '.join(known)}"


def _channel(name: str, given: Mapping[str, Any]) -> Channel:
    """What was checked, typed."""
    kind, secret = given["kind"], given.get("secret")
    fields = {key: given.get(key, field.default) for key, field in KINDS[kind].fields.items()}
    return Channel(name, kind, fields, _reference(secret) if secret else None)


def _reference(secret: Mapping[str, Any]) -> SecretReference:
    store: Literal["secretsmanager", "vault"] = "vault" if "vault" in secret else "secretsmanager"
    return SecretReference(store, secret[store], secret.get("key"))
