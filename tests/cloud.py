"""Fixtures of the local cloud: one LocalStack a run, on ports and in folders of its own, ended with the run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from clawpulse_local.access import BOOTSTRAP_OUTPUT, Access
from clawpulse_local.cloud import LocalCloud
from clawpulse_local.ports import free_ports
from clawpulse_local.settings import LocalSettings
from functions.runtime.settings import Settings


@dataclass(frozen=True)
class BareCloud:
    """LocalStack without any stack."""

    local: LocalCloud

    @property
    def endpoint(self) -> str:
        return self.local.settings.endpoint

    def client(self, service: str, **options: Any) -> Any:
        return self.local.client(service, **options)


@dataclass(frozen=True)
class DeployedCloud(BareCloud):
    """The same LocalStack with the stacks deployed."""

    access: Access
    outputs: dict[str, str] = field(default_factory=dict)
    """Of both stacks."""

    @property
    def api_url(self) -> str:
        return self.access.api_url

    @property
    def token(self) -> str:
        """An admin's."""
        return self.access.token

    @property
    def settings(self) -> Settings:
        """As the functions have them."""
        function = self.client("lambda").get_function_configuration(FunctionName=self.outputs[BOOTSTRAP_OUTPUT])
        return Settings.from_env(function["Environment"]["Variables"])


@pytest.fixture(scope="session")
def localstack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BareCloud]:
    port, vault_port = free_ports(2)
    settings = LocalSettings(state=tmp_path_factory.mktemp("cloud"), port=port, vault_port=vault_port)
    local = LocalCloud(settings, tie=True)
    try:
        local.start_localstack()
        yield BareCloud(local)
    finally:
        local.down()


@pytest.fixture(scope="session")
def cloud(localstack: BareCloud) -> DeployedCloud:
    access = localstack.local.deploy()
    run = localstack.local.run()
    assert run is not None
    outputs = {name: value for stack in ("data", "app") for name, value in localstack.local.outputs(run.stage, stack).items()}
    return DeployedCloud(localstack.local, access, outputs)
