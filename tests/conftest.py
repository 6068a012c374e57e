"""Fixtures that every test may use."""

from hypothesis import settings

pytest_plugins = ["tests.cloud"]

# On a shared machine any example may be slow once; that says nothing about the code.
settings.register_profile("clawpulse", deadline=None)
settings.load_profile("clawpulse")
