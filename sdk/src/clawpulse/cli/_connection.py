"""Where the API is and which token to show: options, then the environment, then the file that `clawpulse local up` writes."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from clawpulse.cli._api import Api, NotConfigured, checked_url

ENV_FILE = Path(".clawpulse") / "env"
"""Looked for in the working folder and above it."""

_NO_URL = "no address: give --url, set CLAWPULSE_URL, or start a local cloud here with `clawpulse local up`"
_NO_TOKEN = "no token: set CLAWPULSE_TOKEN or give --token"  # noqa: S105  a message


@dataclass(frozen=True)
class Connection:
    """What the user gave; `api` is asked for by the commands that need one."""

    url: str | None
    token: str | None
    env: Mapping[str, str]
    folder: Path

    def api(self) -> Api:
        """The API to talk to; raises `NotConfigured`."""
        url, token = self.url or self.env.get("CLAWPULSE_URL"), self.token or self.env.get("CLAWPULSE_TOKEN")
        if not (url and token):
            url, token = self._with_file(url, token)
        if not url:
            raise NotConfigured(_NO_URL)
        if not token:
            raise NotConfigured(_NO_TOKEN)
        if not (token.isascii() and token.isprintable()):
            raise NotConfigured("the token has characters that no token has")
        return Api(checked_url(url), token)

    def _with_file(self, url: str | None, token: str | None) -> tuple[str | None, str | None]:
        """Fill in what is missing. The file's token goes to the file's own URL only, never to another host."""
        saved = read_env_file(find_env_file(self.folder))
        known = saved.get("CLAWPULSE_URL")
        if url and (not known or url.rstrip("/") != known.rstrip("/")):
            return url, token
        return known, token or saved.get("CLAWPULSE_TOKEN")


def find_env_file(folder: Path) -> Path | None:
    """The nearest `.clawpulse/env`, from `folder` upwards."""
    return next((path for place in (folder, *folder.parents) if (path := place / ENV_FILE).is_file()), None)


def read_env_file(path: Path | None) -> dict[str, str]:
    """The variables of a file with lines `export KEY=value`; empty without one. Raises `NotConfigured` if unreadable."""
    if path is None:
        return {}
    try:
        words = shlex.split(path.read_text(encoding="utf-8"), comments=True)
    except (OSError, ValueError) as error:
        raise NotConfigured(f"cannot read {path}: {error}") from None
    return dict(word.split("=", 1) for word in words if "=" in word)
