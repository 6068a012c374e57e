"""The parts of an acceptance run that take long to make: OpenClaw's installation, the model provider."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest

from tests.acceptance import installation
from tests.acceptance.fake_model import FakeModel
from tests.acceptance.installation import Installation
from tests.acceptance.scenario import KEY, RULES


@pytest.fixture(scope="session")
def installed() -> Installation:
    found = Installation()
    installation.ensure(found, lambda words: print(words, file=sys.stderr))
    return found


@pytest.fixture(scope="module")
def model() -> Iterator[FakeModel]:
    with FakeModel(RULES, keys=frozenset({KEY})) as server:
        yield server
