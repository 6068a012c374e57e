"""`clawpulse fleet`: the fleet's configuration as a repository of files.

The commands stand in modules of their own, plain click commands in a tuple `COMMANDS`: `_fleet_offline` has those that only look at files
(init, lint, clone, rename), `_fleet_online` those that talk to the API. A new module is added to the loop below.
"""

from __future__ import annotations

import click

from clawpulse.cli import _fleet_offline, _fleet_online


@click.group()
def fleet() -> None:
    """Keep the configuration of all agents in a repository of files."""


for _command in (*_fleet_offline.COMMANDS, *_fleet_online.COMMANDS):
    fleet.add_command(_command)
