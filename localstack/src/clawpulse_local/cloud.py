"""The local cloud as a library: what the command line, the tests and the demo drive."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import boto3
from botocore.config import Config

from clawpulse_local import access, build, environments, localstack, locks, ports, processes, stacks, vault
from clawpulse_local.access import Access
from clawpulse_local.build import Deployment
from clawpulse_local.errors import LocalCloudError
from clawpulse_local.processes import Daemon
from clawpulse_local.settings import REGION, LocalSettings

Progress = Callable[[str], None]
SERVICES = {"localstack": localstack.STOP_SECONDS, "vault": vault.STOP_SECONDS}
"""The background processes, and how long each may take to end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What `up` brought up; kept in the state folder for the commands after it."""

    port: int
    vault_port: int
    stage: str
    digest: str
    """Of what is deployed."""
    localstack: str
    """Start time of the LocalStack that it is deployed to."""


class LocalCloud:
    """One local cloud. With `tie` its processes end when this process does, however that ends."""

    def __init__(
        self, settings: LocalSettings, *, progress: Progress = lambda text: None, tie: bool = False, with_vault: bool = True
    ) -> None:
        self.settings = settings
        self._progress = progress
        self._tie = tie
        self._with_vault = with_vault

    def up(self) -> Access:
        """Bring everything up, with the data of the last time; harmless when it is up, deploys again when the code has changed.

        Whatever interrupts it, the processes that it started are ended. Raises `LocalCloudError`.
        """
        with self._alone():
            before = {name for name in SERVICES if self._daemon(name)}
            try:
                return self._up()
            except BaseException:
                for name in SERVICES.keys() - before:
                    self._stop(name)
                raise

    def down(self) -> dict[str, bool]:
        """End everything; the names of what ran, and whether it ended by itself (True) or by force."""
        with self._alone():
            return {name: self._stop(name) for name in SERVICES if self._daemon(name)}

    def restart(self) -> Access:
        """Down and up: what a restart of the machine would do."""
        self.down()
        return self.up()

    def deploy(self) -> Access:
        """Deploy the stacks to the LocalStack that runs already without any, as the tests do."""
        with self._alone():
            deployment = build.build(self.settings, self._progress)
            self._deploy(deployment)
            return self._open(deployment)

    def run(self) -> Run | None:
        """What is up; None when LocalStack does not run or nothing is deployed to it."""
        daemon = self._daemon("localstack")
        try:
            run = Run(**json.loads((self.settings.state / "run.json").read_text()))
        except (OSError, ValueError, TypeError):
            return None
        return run if daemon and daemon.started == run.localstack else None

    def start_localstack(self) -> None:
        """Start LocalStack without any stack, and Vault, which it is told of; unless they run."""
        environments.ensure(self.settings, self._progress)
        vault_token = self._open_vault().root_token if self._with_vault else ""
        daemon = self._daemon("localstack")
        if daemon is None:
            ports.require(self.settings.port, purpose="LocalStack", option="--port", variable="CLAWPULSE_LOCAL_PORT")
            self._progress("starting LocalStack")
            daemon = localstack.start(self.settings, vault_token=vault_token, tie=self._tie)
        localstack.wait_until_ready(self.settings, daemon, self._progress)

    def stop_localstack(self) -> None:
        """End LocalStack, if it runs; its data are saved if it has any."""
        self._stop("localstack")

    def kill_localstack(self) -> None:
        """End LocalStack as a power cut would."""
        if daemon := self._daemon("localstack"):
            processes.kill(daemon)

    def client(self, service: str, **options: Any) -> Any:
        """A boto3 client of the local cloud."""
        return client(self.settings, service, **options)

    def outputs(self, stage: str, stack: str) -> dict[str, str]:
        """Outputs of the stack `data` or `app`."""
        return stacks.outputs(self.client, f"clawpulse-{stage}-{stack}")

    def _alone(self) -> AbstractContextManager[None]:
        self.settings.state.mkdir(parents=True, exist_ok=True, mode=0o700)
        busy = f"another `clawpulse local` command is at work in {self.settings.state}; wait for it, or stop it"
        return locks.exclusive(self.settings.state / "lock", patience=1, busy=busy)

    def _daemon(self, name: str) -> Daemon | None:
        daemon = processes.read(self.settings.state / f"{name}.pid")
        return daemon if daemon and daemon.running else None

    def _stop(self, name: str) -> bool:
        daemon = self._daemon(name)
        self._progress(f"stopping {name}")
        polite = processes.stop(daemon, patience=SERVICES[name]) if daemon else True
        (self.settings.state / f"{name}.pid").unlink(missing_ok=True)
        return polite

    def _up(self) -> Access:
        self._check_ports()
        environments.ensure(self.settings, self._progress)
        deployment = build.build(self.settings, self._progress)
        run = self.run()
        if run is None or run.digest != deployment.digest:
            # A fresh LocalStack: its updates of stacks leave out what it cannot change, a new stack never does.
            if self._daemon("localstack"):
                self._progress("the code has changed: restarting LocalStack, data are kept")
                self.stop_localstack()
            self.start_localstack()
            self._deploy(deployment)
        return self._open(deployment)

    def _check_ports(self) -> None:
        """Before anything takes time."""
        if not self._daemon("localstack"):
            ports.require(self.settings.port, purpose="LocalStack", option="--port", variable="CLAWPULSE_LOCAL_PORT")
        elif (run := self.run()) and run.port != self.settings.port:
            raise LocalCloudError(
                f"the local cloud in {self.settings.state} already runs on port {run.port}: stop it first (clawpulse local down)"
            )
        if self._with_vault and not self._daemon("vault"):
            ports.require(self.settings.vault_port, purpose="OpenBao", option="--vault-port", variable="CLAWPULSE_LOCAL_VAULT_PORT")

    def _deploy(self, deployment: Deployment) -> None:
        deployer = stacks.Deployer(client=self.client, layer=deployment.layer, progress=self._progress)
        deployer.bootstrap()
        deployer.deploy(deployment.data)
        self._progress("restoring data")
        restored = localstack.restore(self.settings)
        self._progress(f"restored {restored['items']} items and {restored['objects']} objects")
        deployer.deploy(deployment.app)
        self._record(deployment)

    def _open(self, deployment: Deployment) -> Access:
        keys = self._open_vault() if self._with_vault else None
        url = access.api_url(self.settings, deployment.stage)
        self._progress("checking the admin token")
        function = self.outputs(deployment.stage, "app").get(access.BOOTSTRAP_OUTPUT, "")
        found = Access(
            api_url=url,
            token=access.admin_token(self.settings, url, self.client, function),
            endpoint=self.settings.endpoint,
            vault_url=self.settings.vault_url if keys else "",
            vault_token=keys.root_token if keys else "",
        )
        found.write(self.settings.state / "env")
        return found

    def _record(self, deployment: Deployment) -> None:
        daemon = self._daemon("localstack")
        if daemon is None:
            raise LocalCloudError("LocalStack has ended; see `clawpulse local logs localstack`")
        run = Run(
            port=self.settings.port,
            vault_port=self.settings.vault_port,
            stage=deployment.stage,
            digest=deployment.digest,
            localstack=daemon.started,
        )
        processes.write_private(self.settings.state / "run.json", json.dumps(asdict(run)))

    def _open_vault(self) -> vault.Keys:
        daemon = self._daemon("vault")
        if daemon is None:
            self._progress("starting OpenBao")
            daemon = vault.start(self.settings, tie=self._tie)
        return vault.open_up(self.settings, daemon, self._progress)


def client(settings: LocalSettings, service: str, **options: Any) -> Any:
    """A boto3 client of the local cloud, with credentials that no real account knows."""
    options.setdefault("config", Config(retries={"max_attempts": 1}, s3={"addressing_style": "path"}))
    make = partial(boto3.client, endpoint_url=settings.endpoint, region_name=REGION)
    return make(service, aws_access_key_id="test", aws_secret_access_key="test", **options)  # noqa: S106
