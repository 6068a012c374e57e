from __future__ import annotations

import pytest

from tests.api.world import World


@pytest.fixture
def world() -> World:
    """A workspace in memory, with the real API over it."""
    return World()
