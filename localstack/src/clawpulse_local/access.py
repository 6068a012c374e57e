"""How the user gets in: URLs, the first admin token, and a file with both to source in a shell."""

from __future__ import annotations

import json
import shlex
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from clawpulse_local import processes
from clawpulse_local.errors import LocalCloudError
from clawpulse_local.settings import LocalSettings

API_ID = "clawpulse"
"""The REST API's id, from the tag `_custom_id_` in the template."""
BOOTSTRAP_OUTPUT = "BootstrapFunctionName"
WORKSPACE = "default"


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """URLs and secrets of a running local cloud."""

    api_url: str
    token: str = field(repr=False)
    endpoint: str
    vault_url: str
    vault_token: str = field(repr=False)

    def variables(self) -> dict[str, str]:
        """Environment variables for the SDK, the command line and boto3."""
        return {
            "CLAWPULSE_URL": self.api_url,
            "CLAWPULSE_TOKEN": self.token,
            "VAULT_ADDR": self.vault_url,
            "VAULT_TOKEN": self.vault_token,
        }

    def write(self, path: Path) -> None:
        """Write the variables as a shell script that only its owner may read."""
        lines = ["# Made by `clawpulse local up`. In a shell: source this file."]
        lines += [f"export {name}={shlex.quote(value)}" for name, value in self.variables().items() if value]
        processes.write_private(path, "\n".join(lines) + "\n")


def api_url(settings: LocalSettings, stage: str) -> str:
    """URL of the API, and of the page."""
    return f"{settings.endpoint}/_aws/execute-api/{API_ID}/{stage}"


def admin_token(settings: LocalSettings, url: str, client: Callable[[str], Any], function: str) -> str:
    """The token of an earlier start while it is good, else a new one from the deployment's bootstrap function."""
    file = settings.state / "token"
    if file.exists() and is_good(url, token := file.read_text().strip()):
        return token
    token = _bootstrap(client("lambda"), function)
    processes.write_private(file, token + "\n")
    return token


def is_good(url: str, token: str) -> bool:
    """Whether the API takes the token."""
    request = urllib.request.Request(f"{url}/api/settings", headers={"Authorization": f"Bearer {token}"})  # noqa: S310  # our own loopback address
    try:
        with urllib.request.urlopen(request, timeout=60):  # noqa: S310
            return True
    except urllib.error.HTTPError as error:
        error.close()
        return error.code not in (401, 403)


def _bootstrap(client: Any, function: str) -> str:
    event = {"workspace": WORKSPACE, "name": "local"}
    answer = client.invoke(FunctionName=function, Payload=json.dumps(event).encode())
    payload = json.loads(answer["Payload"].read())
    if answer.get("FunctionError") or "token" not in payload:
        raise LocalCloudError(f"the bootstrap function gave no token: {payload.get('errorMessage', 'its answer has none')}")
    return str(payload["token"])
