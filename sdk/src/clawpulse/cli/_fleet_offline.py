"""Commands of `clawpulse fleet` that only look at files: no API, no token."""

from __future__ import annotations

import click

COMMANDS: tuple[click.Command, ...] = ()
