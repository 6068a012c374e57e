"""LocalStack as a background process: how it is started, and when it is ready."""

from __future__ import annotations

import json
import os
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping

from clawpulse_local import processes
from clawpulse_local.errors import LocalCloudError
from clawpulse_local.processes import Daemon
from clawpulse_local.settings import LocalSettings

START_SECONDS = 120.0
STOP_SECONDS = 60.0
"""It writes the last snapshot meanwhile."""
RESTORE_SECONDS = 600.0
_INHERITED = ("PATH", "HOME", "USER", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")


def start(settings: LocalSettings, *, vault_token: str = "", tie: bool = False) -> Daemon:
    """Start LocalStack; it is not ready yet. Its functions get the token of a Vault that runs beside it.

    It runs in the state folder, and without the folder of the script on its search path: the repository's own folder
    `localstack/` would hide the library of that name.
    """
    (settings.state / "tmp").mkdir(parents=True, exist_ok=True)
    return processes.spawn(
        [str(settings.tools / "venv" / "bin" / "python"), "-P", "-m", "localstack.runtime.main"],
        env=environment(settings, os.environ, vault_token),
        folder=settings.state,
        log=settings.logs / "localstack.log",
        pid_file=settings.state / "localstack.pid",
        tie=tie,
    )


def environment(settings: LocalSettings, env: Mapping[str, str], vault_token: str = "") -> dict[str, str]:
    """Everything LocalStack is told; of the caller's environment it gets next to nothing, so that runs are alike."""
    listen = f"127.0.0.1:{settings.port}"
    vault = {"CLAWPULSE_PLUGIN_VAULT_ADDRESS": settings.vault_url, "CLAWPULSE_PLUGIN_VAULT_TOKEN": vault_token}
    return {
        **{name: env[name] for name in _INHERITED if name in env},
        "TMPDIR": str(settings.state / "tmp"),
        "XDG_CACHE_HOME": str(settings.tools / "cache"),
        "FILESYSTEM_ROOT": str(settings.state / "localstack"),
        "GATEWAY_LISTEN": listen,
        "LOCALSTACK_HOST": listen,
        "DNS_ADDRESS": "0",
        "SKIP_SSL_CERT_DOWNLOAD": "1",
        "DISABLE_EVENTS": "1",
        "LS_LOG": "warning",
        "SQS_ENDPOINT_STRATEGY": "path",
        "PROVIDER_OVERRIDE_DYNAMODB": "moto",
        "PROVIDER_OVERRIDE_DYNAMODBSTREAMS": "moto",
        "LAMBDA_RUNTIME_EXECUTOR": "local-process",
        "LAMBDA_RUNTIME_ENVIRONMENT_TIMEOUT": "60",
        "LAMBDA_EVENT_SOURCE_MAPPING_POLL_INTERVAL_SEC": "0.1",
        "LAMBDA_EVENT_SOURCE_MAPPING_MAX_BACKOFF_ON_EMPTY_POLL_SEC": "1",
        "CLAWPULSE_PLUGIN_STATE": str(settings.state / "data"),
        "CLAWPULSE_PLUGIN_CACHE": str(settings.state / "cache"),
        "CLAWPULSE_PLUGIN_LOGS": str(settings.logs / "functions"),
        "CLAWPULSE_PLUGIN_RUNTIME": str(settings.tools / "runtime"),
        **(vault if vault_token else {}),
    }


def wait_until_ready(settings: LocalSettings, daemon: Daemon, progress: Callable[[str], None]) -> None:
    """Wait for LocalStack to serve; raises `LocalCloudError` with the end of its log when it does not."""
    started = time.monotonic()
    while health(settings) is None:
        waited = time.monotonic() - started
        if not daemon.running or waited > START_SECONDS:
            why = "ended while it started" if waited <= START_SECONDS else f"was not ready after {START_SECONDS:.0f} s"
            raise LocalCloudError(
                f"LocalStack {why}. The end of {settings.logs / 'localstack.log'}:\n{processes.log_end(settings.logs / 'localstack.log')}"
            )
        progress(f"waiting for LocalStack, {waited:.0f} s")
        time.sleep(0.1)


def health(settings: LocalSettings) -> dict[str, object] | None:
    """What LocalStack says of itself; None when it does not answer."""
    try:
        with urllib.request.urlopen(f"{settings.endpoint}/_localstack/health", timeout=5) as answer:  # noqa: S310  # our own loopback address
            found = json.load(answer)
    except (OSError, urllib.error.URLError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def restore(settings: LocalSettings) -> dict[str, int]:
    """Fill tables and buckets from the last snapshot and start keeping it; how many items and objects came back."""
    return _post(settings, "restore")


def save(settings: LocalSettings) -> dict[str, int]:
    """Write what changed since the last snapshot now."""
    return _post(settings, "save")


def _post(settings: LocalSettings, action: str) -> dict[str, int]:
    request = urllib.request.Request(f"{settings.endpoint}/_clawpulse/{action}", method="POST")  # noqa: S310  # our own loopback address
    try:
        with urllib.request.urlopen(request, timeout=RESTORE_SECONDS) as answer:  # noqa: S310
            found: dict[str, int] = json.load(answer)
            return found
    except (OSError, ValueError) as error:
        raise LocalCloudError(f"LocalStack could not {action} the data ({error}); see `clawpulse local logs localstack`") from None
