"""Fixtures that every test may use."""

import signal

import pytest
from hypothesis import settings

pytest_plugins = ["tests.cloud"]

# A shell that runs the tests in the background has them ignore Ctrl-C, and all that they start: tests that send it would wait for ever.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# On a shared machine any example may be slow once; that says nothing about the code.
settings.register_profile("clawpulse", deadline=None)
settings.load_profile("clawpulse")


def pytest_itemcollected(item: pytest.Item) -> None:
    """Share the work of `-n 2`: one worker takes all that needs a local cloud or a browser; each other file stays whole."""
    item.add_marker(pytest.mark.xdist_group(_group_of(item)))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes longest begins first."""
    items.sort(key=lambda item: not _is_heavy(item))


def _is_heavy(item: pytest.Item) -> bool:
    return any(item.get_closest_marker(name) for name in ("cloud", "browser"))


def _group_of(item: pytest.Item) -> str:
    if _is_heavy(item):
        return "cloud"
    # The stacks are synthesised once a session.
    return "cdk" if "cdk" in item.path.parts else str(item.path)
