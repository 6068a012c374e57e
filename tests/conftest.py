"""Fixtures that every test may use."""

import signal

from hypothesis import settings

pytest_plugins = ["tests.cloud", "tests.openbao"]

# A shell that runs the tests in the background, or nohup, has them ignore these signals, and all that they start: tests that send them
# would wait for ever.
for ignored, handler in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
    if signal.getsignal(ignored) is signal.SIG_IGN:
        signal.signal(ignored, handler)

# On a shared machine any example may be slow once; that says nothing about the code.
settings.register_profile("clawpulse", deadline=None)
settings.load_profile("clawpulse")
