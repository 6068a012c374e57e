"""The settings of a client: arguments first, then the environment. sdk/README.md has the table."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from clawpulse import _version, wire
from clawpulse.errors import InvalidSettings

ATTRIBUTES = frozenset({"task_id", "session_id", "run_id", "trace_id", "span_id", "request_id"})
"""Tag keys that say more of a single task or request: they stay on the points and never make a series."""

_LOOPBACK = ("localhost", "127.0.0.1", "::1")


class Settings(NamedTuple):
    """Settings that hold together. Durations are in seconds."""

    url: str
    """Where the API is, with its stage and without a slash at the end."""
    token: str
    agent: str
    tags: Mapping[str, str]
    info: Mapping[str, Any]
    attributes: frozenset[str]
    flush_seconds: float
    """Age at which a batch is cut."""
    heartbeat_seconds: float
    """After so long without a batch an empty one says that the agent lives."""
    timeout_seconds: float
    """Of one request."""
    exit_seconds: float
    """How long the end of the process may wait for the last batches."""
    buffer_bytes: int
    """Of batches that wait in memory, where there is no spool on disk; past it the oldest are dropped and counted."""
    spool: str
    """The folder of the spool on disk; empty: none."""
    spool_bytes: int
    """Of that, for each agent; past it the oldest are dropped and counted."""
    aggregate: bool
    """Whether repeated metrics without attributes travel as sketches."""

    @property
    def open_token(self) -> bool:
        """Whether the token travels unencrypted to another host."""
        parts = urlsplit(self.url)
        return bool(self.token) and parts.scheme == "http" and parts.hostname not in _LOOPBACK


def resolve(env: Mapping[str, str] | None = None, **given: Any) -> Settings | None:
    """Settings from arguments (None: not given) and environment; None without a URL. Raises `InvalidSettings`."""
    env = os.environ if env is None else env
    unknown = given.keys() - set(_ARGUMENTS)
    if unknown:
        raise InvalidSettings(f"unknown setting {sorted(unknown)[0]!r}; there are {', '.join(_ARGUMENTS)}")
    given = {name: value for name, value in given.items() if value is not None}

    def get(name: str, default: Any = None) -> tuple[str, Any]:
        variable = "CLAWPULSE_" + name.upper()
        return (name, given[name]) if name in given else (variable, env.get(variable) or default)

    if not get("url")[1]:
        return None
    return Settings(
        url=_url(*get("url")),
        token=_token(*get("token", "")),
        agent=_agent(*get("agent")),
        tags=_tags(*get("tags", {})),
        info=_info(dict(given.get("info", {})), {name: get(name)[1] for name in ("name", "model")}, _tags(*get("versions", {}))),
        attributes=ATTRIBUTES | _keys(*get("attributes", ())),
        flush_seconds=_number(*get("flush_seconds", 10), low=0.05, high=300),
        heartbeat_seconds=_number(*get("heartbeat_seconds", 15), low=0.05, high=3600),
        timeout_seconds=_number(*get("timeout_seconds", 10), low=0.05, high=120),
        exit_seconds=_number(*get("exit_seconds", 3), low=0, high=120),
        buffer_bytes=int(_number(*get("buffer_bytes", 8 * 2**20), low=2**16, high=2**32)),
        spool=_spool(*get("spool"), env),
        spool_bytes=int(_number(*get("spool_bytes", 128 * 2**20), low=2**16, high=2**40)),
        aggregate=_switch(*get("aggregate", True)),
    )


_ARGUMENTS = (
    "url",
    "token",
    "agent",
    "tags",
    "info",
    "name",
    "model",
    "versions",
    "attributes",
    "flush_seconds",
    "heartbeat_seconds",
    "timeout_seconds",
    "exit_seconds",
    "buffer_bytes",
    "spool",
    "spool_bytes",
    "aggregate",
)

_SWITCH = {"on": True, "true": True, "yes": True, "1": True, "off": False, "false": False, "no": False, "0": False}


def _url(name: str, value: Any) -> str:
    try:
        parts = urlsplit(value.strip())
        valid = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except (ValueError, AttributeError, TypeError):
        valid = False
    if not valid or parts.query or parts.fragment or parts.username or wire.CONTROL.search(value.strip()) or " " in value.strip():
        raise InvalidSettings(f"{name} must be like https://host/stage, not {_shown(value)}")
    url: str = value.strip().rstrip("/")
    return url[: -len(wire.PATH)] if url.endswith(wire.PATH) else url


def _shown(value: Any) -> str:
    """A value for an error text; never with what could be a password in front of a host."""
    return re.sub(r"//[^/]*@", "//…@", repr(value))[:200]


def _token(name: str, value: Any) -> str:
    if not isinstance(value, str) or not (value.strip().isascii() and (value.strip().isprintable())):
        raise InvalidSettings(f"{name} has characters that no token has")
    return value.strip()


def _agent(name: str, value: Any) -> str:
    if value is None:
        return re.sub(r"[^A-Za-z0-9._:@-]", "-", socket.gethostname()).lstrip("._:@-")[: wire.MAX_AGENT] or "agent"
    if not isinstance(value, str) or not wire.AGENT.fullmatch(value) or len(value) > wire.MAX_AGENT:
        raise InvalidSettings(
            f"{name} must begin with a letter or digit and have at most {wire.MAX_AGENT} of A-Z a-z 0-9 . _ : @ -, not {value!r}"
        )
    return value


def _tags(name: str, value: Any) -> dict[str, str]:
    """Tags of a mapping, or of the text `env=prod,tier=fast`."""
    if isinstance(value, str):
        parts = [part.partition("=") for part in value.split(",") if part.strip()]
        if not all(separator for _, separator, _ in parts):
            raise InvalidSettings(f"{name} must be like env=prod,tier=fast, not {value!r}")
        value = {key.strip(): text.strip() for key, _, text in parts}
    if not isinstance(value, Mapping):
        raise InvalidSettings(f"{name} must be a mapping or a text like env=prod,tier=fast, not {value!r}")
    tags = {str(key): str(text) for key, text in value.items()}
    for key, text in tags.items():
        if not wire.TAG_KEY.fullmatch(key) or len(key) > wire.MAX_TAG_KEY:
            raise InvalidSettings(f"{name}: {key!r} is no tag key (letters, digits, . _ -, at most {wire.MAX_TAG_KEY})")
        if not 1 <= len(text) <= wire.MAX_TAG_VALUE or wire.CONTROL.search(text):
            raise InvalidSettings(f"{name}: the value of {key} must have 1 to {wire.MAX_TAG_VALUE} characters, no control characters")
    if len(tags) > wire.MAX_TAGS:
        raise InvalidSettings(f"{name}: at most {wire.MAX_TAGS} tags")
    return tags


def _keys(name: str, value: Iterable[str] | str) -> frozenset[str]:
    keys = frozenset(key.strip() for key in (value.split(",") if isinstance(value, str) else value) if key.strip())
    for key in keys:
        if not wire.TAG_KEY.fullmatch(key):
            raise InvalidSettings(f"{name}: {key!r} is no tag key")
    return keys


def _number(name: str, value: Any, *, low: float, high: float) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise InvalidSettings(f"{name} must be a number, not {value!r}") from None
    if not low <= number <= high:
        raise InvalidSettings(f"{name} must be between {low:g} and {high:g}, not {value!r}")
    return number


def _spool(name: str, value: Any, env: Mapping[str, str]) -> str:
    """A folder as an absolute path; `off` (or False) is none. Unless told, below the user's home, if there is one."""
    if value is None:
        home = env.get("XDG_STATE_HOME") or os.path.join("~", ".local", "state")
        value = os.path.join(home, "clawpulse", "spool")
    if value is False or value == "off":
        return ""
    if not isinstance(value, (str, os.PathLike)) or "\0" in os.fspath(value) or not os.fspath(value):
        raise InvalidSettings(f"{name} must be a folder, or off, not {value!r}")
    folder = os.path.expanduser(os.fspath(value))
    return "" if folder.startswith("~") else os.path.abspath(folder)


def _switch(name: str, value: Any) -> bool:
    on = value if isinstance(value, bool) else _SWITCH.get(str(value).strip().lower())
    if on is None:
        raise InvalidSettings(f"{name} must be on or off, not {value!r}")
    return on


def _info(info: dict[str, Any], texts: Mapping[str, Any], versions: Mapping[str, str]) -> dict[str, Any]:
    """What the agent says of itself, completed by what is known anyway."""
    unknown = info.keys() - {"name", "model", "host", "versions", "config"}
    if unknown:
        raise InvalidSettings(f"info: unknown key {sorted(unknown)[0]!r}; there are name, model, host, versions, config")
    full: dict[str, Any] = {"host": socket.gethostname(), **{key: text for key, text in texts.items() if text}, **info}
    for key in ("name", "model", "host"):
        if key in full:
            full[key] = wire.CONTROL.sub(" ", str(full[key]))[: wire.MAX_TAG_VALUE]
    full["versions"] = {"clawpulse": _version.__version__, **versions, **_tags("info: versions", info.get("versions", {}))}
    if len(full["versions"]) > wire.MAX_TAGS:
        raise InvalidSettings(f"versions: at most {wire.MAX_TAGS}, with the SDK's own")
    if "config" in info:
        full["config"] = _config(info["config"])
    return {key: value for key, value in full.items() if value or key == "config"}


def _config(config: Any) -> dict[str, str]:
    """The state of the agent's configuration: hashes of what is written and applied, and what went wrong."""
    if not isinstance(config, Mapping) or config.keys() - {"written", "applied", "error"}:
        raise InvalidSettings(f"info: config must be a mapping with written, applied and error at most, not {config!r}")
    for key in ("written", "applied"):
        if key in config and not (isinstance(config[key], str) and wire.HASH.fullmatch(config[key])):
            raise InvalidSettings(f"info: config: {key} must have 1 to 64 of A-Z a-z 0-9 . _ : -, not {config[key]!r}")
    return {key: wire.CONTROL.sub(" ", str(text))[: wire.MAX_TAG_VALUE] for key, text in config.items()}
