"""Status badges, for who has their address. An address opens its badge and nothing else: its token has no other scope."""

from __future__ import annotations

from http import HTTPStatus

from pydantic import Field

from functions.api.caller import Caller
from functions.api.endpoint import Call, Guest, Noun, Reply
from functions.api.fleet_view import view
from functions.api.models import Asked
from functions.domain.badge import LATE, Face, face, opened, picture
from functions.domain.summary import fleet_figures
from functions.domain.token import Scope, TokenRecord, TokenState, tags_text

noun = Noun("badges")

LABEL = "agents"
HEADERS = {
    "Cache-Control": "public, max-age=60",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; sandbox",
    "Cross-Origin-Resource-Policy": "cross-origin",
    "X-Robots-Tag": "noindex",
}
_GONE = {TokenState.EXPIRED: "badge expired", TokenState.REVOKED: "badge revoked"}


class BadgeAsked(Asked):
    """Which badge."""

    badge: str = Field(max_length=128, description="As it was made: id and secret, with or without `.svg`.")


@noun.endpoint("GET", "/badge/{badge}", scope=None, by_link=True, asks=BadgeAsked, content_type="image/svg+xml")
def show(guest: Guest, asked: BadgeAsked) -> Reply:
    """How the badge's agents stand, as a picture."""
    record = _record(guest, asked.badge)
    if record is None:
        return _refused("no such badge")
    if (why := _GONE.get(record.state(guest.now))) is not None:
        return _refused(why)
    limits = tags_text(record.tags)
    caller = Caller(workspace=record.workspace, token_id=record.id, scopes=frozenset(record.scopes), scope_text=limits)
    fleet = view(Call(guest.services, caller, guest.now))
    late = fleet.stale(guest.now)
    shown = LATE if late else face(fleet_figures(fleet.agents, guest.now).all.health)
    return Reply(body=picture(limits or LABEL, shown), headers=HEADERS)


def _record(guest: Guest, badge: str) -> TokenRecord | None:
    """The badge's token; None for an address that opens nothing."""
    given = opened(badge)
    document = guest.services.tokens.get(given[0]) if given else None
    record = TokenRecord.from_document(document) if document else None
    if given is None or record is None or not record.verify(given[1]) or Scope.BADGE not in record.scopes:
        return None
    return record


def _refused(why: str) -> Reply:
    return Reply(body=picture(LABEL, Face("○", why, "#5b6470")), status=HTTPStatus.NOT_FOUND, headers=HEADERS)
