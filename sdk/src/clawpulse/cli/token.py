"""`clawpulse token`: create, list and revoke tokens. A token's text is shown once, when it is made."""

from __future__ import annotations

from typing import Any

import click

from clawpulse.cli import _output as out
from clawpulse.cli._api import segment
from clawpulse.cli._options import api_of, as_json, duration, tag_changes

SCOPES = ("ingest", "keys", "read", "operate", "admin")


@click.group()
def token() -> None:
    """Create, list and revoke tokens."""


@token.command()
@click.option(
    "--scope", "scopes", multiple=True, required=True, type=click.Choice(SCOPES), help="What it may do; may be given more than once."
)
@click.option("--tag", "tags", multiple=True, metavar="KEY=VALUE", help="Limit it: forced on what it writes, ANDed to what it reads.")
@click.option("--expires", type=duration, metavar="LENGTH", help="Valid for so long: 12h, 90d. For good unless given.")
@click.option("--name", default="cli", show_default=True, help="What it is for.")
@as_json
@click.pass_context
def create(context: click.Context, scopes: tuple[str, ...], tags: tuple[str, ...], expires: int | None, name: str, as_json: bool) -> None:
    """Create a token and print it: on standard output alone, so that a script can take it."""
    scope_tags = tag_changes(tags)
    if None in scope_tags.values():
        raise click.UsageError("--tag wants key=value")
    body: dict[str, Any] = {"name": name, "scopes": list(dict.fromkeys(scopes)), "tags": scope_tags}
    if expires is not None:
        body["expiresIn"] = expires
    answer = api_of(context).send("POST", "api/tokens", body)
    if as_json:
        out.print_json(answer)
        return
    until = f"until {out.clock(answer['expires'])} UTC" if answer["expires"] else "until it is revoked"
    click.echo(f"{out.plain(answer['id'])}: {', '.join(answer['scopes'])}, {until}. This is shown only once:", err=True)
    click.echo(answer["token"])


@token.command(name="list")
@as_json
@click.pass_context
def list_(context: click.Context, as_json: bool) -> None:
    """List the tokens of the workspace; never their text."""
    answer = api_of(context).get("api/tokens")
    if as_json:
        out.print_json(answer)
        return
    made = out.table("id", "name", "state", "scopes", "tags", "created (UTC)", "expires (UTC)")
    for found in answer["tokens"]:
        times = (out.clock(found["created"]), out.clock(found["expires"]))
        out.add_row(made, (found["id"], found["name"], found["state"], ",".join(found["scopes"]), out.tags(found["tags"]), *times))
    out.console().print(made)


@token.command()
@click.argument("token_id", metavar="ID")
@click.option("--keep-shares", is_flag=True, help="Let links and badges that it made go on; without, they are revoked with it.")
@click.pass_context
def revoke(context: click.Context, token_id: str, keep_shares: bool) -> None:
    """Revoke a token for good, by its id, and links and badges that it made."""
    if token_id.startswith("cp_"):
        raise click.UsageError("give the token's id, as `clawpulse token list` shows it, not its text")
    answer = api_of(context).send("DELETE", f"api/tokens/{segment(token_id)}{'?shares=keep' if keep_shares else ''}")
    amount = len((answer or {}).get("shares", ()))
    shares = f", with {amount} link{'s' * (amount > 1)} or badge{'s' * (amount > 1)} that it made" if amount else ""
    out.print_line(f"{token_id} is revoked{shares}; running requests may be served a minute longer")
