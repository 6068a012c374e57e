"""What can go wrong with the local cloud, in words for the person at the terminal."""

from __future__ import annotations


class LocalCloudError(Exception):
    """Something the user can act on; the text says what, why and what to do."""
