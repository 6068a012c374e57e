"""`clawpulse keys`: the agents' API keys, by fingerprint and age."""

from __future__ import annotations

from datetime import datetime, timezone

import click

from clawpulse.cli import _output as out
from clawpulse.cli import _rotate_view as views
from clawpulse.cli._options import api_of, as_json
from clawpulse.cli._rollout_documents import document_command


@click.group(invoke_without_command=True)
@as_json
@click.pass_context
def keys(context: click.Context, as_json: bool) -> None:
    """List the agents' API keys by fingerprint: how old they are, who should use which and who does, what is due.

    Keys themselves are never shown; `clawpulse rotate` replaces them.
    """
    if context.invoked_subcommand is not None:
        return
    answer = api_of(context).get("api/keys")
    if as_json:
        out.print_json(answer)
    else:
        out.console().print(views.keys(answer, datetime.now(timezone.utc)))


keys.add_command(
    document_command(
        "settings",
        "api/key-settings",
        "Show the providers of keys: how keys are tried, made and revoked, how old they may get; with FILE, replace them.",
    )
)
