"""The deployed API holds what its OpenAPI document promises; few examples of each operation, for every one goes through the real gateway.

tests/api/test_openapi.py tries many more, in the process.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis import Case
from schemathesis.checks import CHECKS, load_all_checks
from schemathesis.config import SchemathesisConfig

from functions.api.app import ENDPOINTS
from functions.api.openapi import describe
from tests.api.test_openapi import CONFIG
from tests.cloud import DeployedCloud

pytestmark = pytest.mark.cloud

FEW = {
    **CONFIG,
    "generation": {"deterministic": True, "database": "none", "max-examples": 6},
    "phases": {"coverage": {"enabled": False}},
}
load_all_checks()
# The gateway knows no 405: a method that a resource does not have is answered 403 before any code of ours runs.
BY_THE_GATEWAY = CHECKS.get_by_names(["unsupported_method", "allow_header_conformance"])

schema = schemathesis.openapi.from_dict(describe(ENDPOINTS) | {"servers": [{"url": "/"}]}, config=SchemathesisConfig.from_dict(FEW))


@pytest.fixture(scope="module", autouse=True)
def put_right(cloud: DeployedCloud) -> Iterator[None]:
    """The cloud is shared by all tests of a run: leave its settings and agents as they were."""
    with requests.Session() as session:
        session.headers["Authorization"] = f"Bearer {cloud.token}"

        def agents() -> set[str]:
            found = session.get(cloud.api_url + "/api/dashboard/instances", timeout=30).json()
            return {each["id"] for each in found["instances"] if each["lastSeen"] is None}

        settings_before, agents_before = session.get(cloud.api_url + "/api/settings", timeout=30).json(), agents()
        yield
        session.put(cloud.api_url + "/api/settings", json=settings_before, timeout=30).raise_for_status()
        for agent in agents() - agents_before:
            session.delete(f"{cloud.api_url}/api/agents/{agent}", timeout=30).raise_for_status()


@schema.parametrize()
@settings(deadline=None, suppress_health_check=list(HealthCheck))
def test_the_deployed_api_holds_what_the_document_promises(case: Case, cloud: DeployedCloud) -> None:
    case.call_and_validate(
        base_url=cloud.api_url, headers={"Authorization": f"Bearer {cloud.token}"}, excluded_checks=list(BY_THE_GATEWAY), timeout=30
    )


def test_the_document_is_the_deployed_one(cloud: DeployedCloud) -> None:
    assert requests.get(cloud.api_url + "/api/openapi.json", timeout=30).json() == describe(ENDPOINTS)
