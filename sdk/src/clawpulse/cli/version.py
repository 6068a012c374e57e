"""`clawpulse version`."""

from __future__ import annotations

import platform
from importlib.metadata import version as version_of

import click

from clawpulse.cli._options import as_json
from clawpulse.cli._output import print_json, print_line


@click.command()
@as_json
def version(as_json: bool) -> None:
    """Print the version of this command line."""
    known = {"clawpulse": version_of("clawpulse"), "python": platform.python_version()}
    if as_json:
        print_json(known)
    else:
        print_line(f"clawpulse {known['clawpulse']} (Python {known['python']})")
