"""The documents of rollouts: policy, freezes, who is told. Each is shown as YAML, and replaced by a file as a whole."""

from __future__ import annotations

from typing import Any

import click
import yaml

from clawpulse._yaml import Document, Flaw, Place, Unreadable, read
from clawpulse.cli import _flaws as shown
from clawpulse.cli import _output as out
from clawpulse.cli._api import Api, ApiError
from clawpulse.cli._options import api_of, as_json

UNPROCESSABLE = 422


def document_command(name: str, route: str, about: str, unset: str = "nothing is set") -> click.Command:
    """The command `name` that shows the document at `route`, and replaces it by a file; `unset` says what holds while it is empty."""

    @click.argument("file", type=click.Path(exists=True, dir_okay=False), metavar="[FILE]", required=False)
    @as_json
    @click.pass_context
    def run(context: click.Context, file: str | None, as_json: bool) -> None:
        api = api_of(context)
        if file is None:
            _show(api.get(route), unset, as_json)
            return
        try:
            changed = _replace(api, route, one_document(file))
        except Unreadable as error:
            shown.lines(error.flaws)
            raise shown.FaultyFiles(len(error.flaws)) from None
        if as_json:
            out.print_json({"replaced": changed})
        else:
            out.print_line(f"{name} replaced" if changed else "nothing to change")

    return click.command(name=name, help=about)(run)


def one_document(file: str) -> Document:
    """The one mapping in a file of YAML or JSON. Raises `Unreadable`, `OSError`."""
    documents = read(file)
    if len(documents) > 1:
        raise Unreadable([Flaw(file, documents[1].place(""), "", "is a second document: one is expected")])
    if not documents:
        return Document(file, {}, None)
    if not isinstance(documents[0].value, dict):
        raise Unreadable([Flaw(file, documents[0].place(""), "", "must be a mapping")])
    return documents[0]


def flaws(error: ApiError, source: Document, below: str = "") -> list[Flaw]:
    """Where in a file the faults stand that the API found in what was sent; `below`: where in the request that was."""
    found = [_flaw(source, fault.path, fault.reason, below) for fault in error.faults if fault.path.startswith(below)]
    return sorted(found, key=lambda flaw: flaw.place)


def _flaw(source: Document, path: str, reason: str, below: str) -> Flaw:
    inner = path[len(below) :].lstrip(".")
    return Flaw(source.file, source.place(inner) if source.node is not None else Place(1, 1), inner, reason)


def _replace(api: Api, route: str, document: Document) -> bool:
    before, seen = api.tagged(route)
    if before == document.value:
        return False
    try:
        api.send("PUT", route, document.value, {"If-Match": seen} if seen else {})
    except ApiError as error:
        if error.status != UNPROCESSABLE or not error.faults:
            raise
        raise Unreadable(flaws(error, document)) from None
    return True


def _show(document: Any, unset: str, as_json: bool) -> None:
    if as_json:
        out.print_json(document)
        return
    if not document:
        print(f"# {unset}")
    for line in yaml.safe_dump(document, sort_keys=False, allow_unicode=True).splitlines():
        print(out.plain(line))
