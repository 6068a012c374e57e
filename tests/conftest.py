"""Fixtures that every test may use."""

import signal

from hypothesis import settings

pytest_plugins = ["tests.cloud"]

# A shell that runs the tests in the background has them ignore Ctrl-C, and all that they start: tests that send it would wait for ever.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# On a shared machine any example may be slow once; that says nothing about the code.
settings.register_profile("clawpulse", deadline=None)
settings.load_profile("clawpulse")
