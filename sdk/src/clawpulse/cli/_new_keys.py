"""New API keys, as people hand them over: on standard input, never as an argument, never shown."""

from __future__ import annotations

import getpass
import sys
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

import click

from clawpulse.cli._api import Api, CommandError

_LOCAL = ("127.0.0.1", "localhost", "::1")
_MOST = 65_536
"""Bytes of standard input that are read."""

Source = dict[str, Any]
"""Members of the request that say where a key is."""


def sources(given: str, providers: Sequence[str], paths: Sequence[str], field: str | None, api: Api) -> list[Source]:
    """One a provider, in their order."""
    if given != "vault-path" and (paths or field):
        raise click.UsageError("--vault-path and --field go with --new-key-from vault-path")
    if given == "provider":
        return [{"source": "provider"} for _ in providers]
    if given == "vault-path":
        if len(paths) != len(providers):
            raise click.UsageError("--vault-path is needed once for each provider, in their order")
        return [{"source": "vault", "path": path, **({"field": field} if field else {})} for path in paths]
    _need_privacy(api)
    return [{"source": "key", "key": key} for key in _keys(providers)]


def _need_privacy(api: Api) -> None:
    """A key goes over no wire that others can read."""
    parts = urlsplit(api.url)
    if parts.scheme != "https" and parts.hostname not in _LOCAL:
        raise CommandError(f"{api.url} is not https: a key is sent over TLS only")


def _keys(providers: Sequence[str]) -> list[str]:
    if sys.stdin.isatty():
        return [_typed(provider) for provider in providers]
    text = sys.stdin.read(_MOST)
    # One key may have its line end or not; several are a line each.
    lines = [text.rstrip("\r\n")] if len(providers) == 1 else text.splitlines()
    if len(lines) != len(providers):
        raise CommandError(
            f"standard input has {len(lines)} lines; {len(providers)} keys are needed, one a line, in the order of the providers"
        )
    for provider, line in zip(providers, lines):
        if not line:
            raise CommandError(f"the key of {provider} on standard input is empty")
    return lines


def _typed(provider: str) -> str:
    try:
        key = getpass.getpass(f"New key of {provider} (not shown): ")
    except EOFError:
        raise click.Abort from None
    if not key:
        raise CommandError(f"no key of {provider} was given")
    return key
