"""The errors that the SDK raises on purpose. `cp_metric`, `cp_event` and `cp_flush` raise none of them: they log.

ClawPulseError
└── InvalidSettings   a setting is missing or malformed (also a ValueError); the text names the variable or argument
"""

from __future__ import annotations


class ClawPulseError(Exception):
    """Root of the tree."""


class InvalidSettings(ClawPulseError, ValueError):
    """A setting is missing or malformed; the text names it."""
