"""`clawpulse local`: the local cloud on the command line. A thin layer over `LocalCloud`."""

from __future__ import annotations

import functools
import json
import re
import shutil
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import click

from clawpulse_local import logs as log_files
from clawpulse_local.access import Access
from clawpulse_local.cloud import LocalCloud
from clawpulse_local.errors import LocalCloudError
from clawpulse_local.settings import LocalSettings
from clawpulse_local.status import Status
from clawpulse_local.status import status as look

FAILURE, NOT_RUNNING, INTERRUPTED = 1, 3, 130
_SECONDS = re.compile(r",? \d+ s$")


def _told[**P](command: Callable[P, None]) -> Callable[P, None]:
    """What went wrong, in full and without a stack trace."""

    @functools.wraps(command)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            command(*args, **kwargs)
        except LocalCloudError as error:
            click.echo(f"clawpulse: {error}", err=True)
            raise SystemExit(FAILURE) from None

    return wrapper


class _Progress:
    """One line a step; on a terminal the line of a waiting step counts on."""

    def __init__(self) -> None:
        self._step = ""
        self._terminal = sys.stderr.isatty()
        self._started = time.monotonic()
        self._open_line = False

    def __call__(self, text: str) -> None:
        step = _SECONDS.sub("", text)
        if step == self._step and not self._terminal:
            return
        same, self._step = step == self._step, step
        stamp = f"[{time.monotonic() - self._started:4.0f} s] "
        lead = "\r\x1b[2K" if same else ("\n" if self._terminal and self._open_line else "")
        click.echo(f"{lead}{stamp}{text}", err=True, nl=not self._terminal)
        self._open_line = True

    def end(self) -> None:
        """Finish the last line."""
        if self._terminal and self._open_line:
            click.echo(err=True)


state_option = click.option(
    "--state", type=click.Path(path_type=Path), help="Folder of data and logs (CLAWPULSE_LOCAL_STATE; default: .clawpulse here)."
)
_PORT = click.IntRange(1, 65_535)


@click.group()
def local() -> None:
    """Run ClawPulse on this machine: LocalStack and OpenBao on loopback, without Docker."""


@local.command()
@state_option
@click.option("--port", type=_PORT, help="Port of all AWS services (CLAWPULSE_LOCAL_PORT; default: 4566).")
@click.option("--vault-port", type=_PORT, help="Port of OpenBao (CLAWPULSE_LOCAL_VAULT_PORT; default: 8200).")
@_told
def up(state: Path | None, port: int | None, vault_port: int | None) -> None:
    """Start it, deploy the stacks, print URLs and a token. Harmless when it runs; deploys again when the code has changed."""
    progress = _Progress()
    cloud = LocalCloud(_settings(state, port, vault_port), progress=progress)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        access = cloud.up()
    except KeyboardInterrupt:
        progress.end()
        click.echo("clawpulse: interrupted; nothing that was started is left running", err=True)
        raise SystemExit(INTERRUPTED) from None
    except BaseException:
        progress.end()
        raise
    progress.end()
    _show(access, cloud.settings.state / "env")


@local.command()
@state_option
@_told
def down(state: Path | None) -> None:
    """Stop it; data are kept for the next start."""
    ended = LocalCloud(_settings(state), progress=_Progress()).down()
    if not ended:
        click.echo("The local cloud does not run.")
    for name, polite in ended.items():
        click.echo(f"{name} stopped" if polite else f"{name} did not end in time and was killed; up to some seconds of data may be lost")


@local.command()
@state_option
@click.option("--json", "as_json", is_flag=True, help="Stable JSON for programs.")
@_told
def status(state: Path | None, as_json: bool) -> None:
    """Tell what runs, where, and how large the data are. Exit code 3 when not everything runs."""
    found = look(LocalCloud(_settings(state)))
    click.echo(json.dumps({**asdict(found), "state": str(found.state), "up": found.up}, indent=2) if as_json else _describe(found))
    if not found.up:
        raise SystemExit(NOT_RUNNING)


@local.command()
@state_option
@click.argument("name", required=False)
@click.option("-n", "--lines", type=click.IntRange(0, 1_000_000), default=50, show_default=True, help="Last lines of each log.")
@click.option("-f", "--follow", is_flag=True, help="Go on with new lines until Ctrl-C.")
@_told
def logs(state: Path | None, name: str | None, lines: int, follow: bool) -> None:
    """Show the logs of the functions, of LocalStack and OpenBao; NAME picks those that have it in their name, such as ingest."""
    paths = log_files.find(_settings(state).logs, name)
    for path in paths:
        if len(paths) > 1:
            click.echo(f"==> {path.stem} <==")
        for line in log_files.tail(path, lines):
            click.echo(line)
    if follow:
        for path, line in log_files.follow(paths):
            click.echo(f"{path.stem}: {line}" if len(paths) > 1 else line)


@local.command()
@state_option
@click.option("--yes", is_flag=True, help="Do not ask.")
@_told
def reset(state: Path | None, yes: bool) -> None:
    """Stop it and delete all its data, tokens, secrets and logs."""
    settings = _settings(state)
    if not settings.state.exists():
        click.echo(f"There is nothing to delete in {settings.state}.")
        return
    if not _is_ours(settings.state):
        raise LocalCloudError(f"{settings.state} does not look like the folder of a local cloud; nothing was deleted")
    if not yes:
        click.confirm(f"Delete all local data in {settings.state}?", abort=True)
    LocalCloud(settings).down()
    shutil.rmtree(settings.state)
    click.echo(f"{settings.state} is deleted.")


def _settings(state: Path | None, port: int | None = None, vault_port: int | None = None) -> LocalSettings:
    """What is asked for, else the ports of what runs, else the defaults."""
    settings = LocalSettings.from_env(state=state, port=port, vault_port=vault_port)
    run = LocalCloud(settings).run()
    if run is None:
        return settings
    return LocalSettings.from_env(state=state, port=port or run.port, vault_port=vault_port or run.vault_port)


def _is_ours(folder: Path) -> bool:
    return any((folder / name).exists() for name in ("run.json", "lock", "logs"))


def _show(access: Access, env_file: Path) -> None:
    rows = {
        "page and API": access.api_url,
        "token": access.token,
        "AWS services": access.endpoint,
        "Vault": access.vault_url,
        "in a shell": f"source {env_file}",
    }
    for name, value in rows.items():
        click.echo(f"{name:<14}{value}")


def _describe(found: Status) -> str:
    lines = [f"{'deployed':<20}{found.stage or 'nothing'}"]
    for service in found.services:
        state = "does not run" if not service.running else "runs" if service.answers else "runs, but does not answer"
        detail = f" {service.url}, version {service.version}, pid {service.pid}, {service.memory_mb} MB" if service.running else ""
        lines.append(f"{service.name:<20}{state}{detail}")
    lines += [f"{name:<20}{size / 1e6:.1f} MB" for name, size in found.sizes.items()]
    return "\n".join([*lines, f"{'state folder':<20}{found.state}"])
