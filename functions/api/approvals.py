"""Approval by link: who has it sees what it approves, and approves or aborts, once.

A GET never changes anything: chat programs follow links to preview them.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Literal, NamedTuple

from pydantic import Field

from functions.api.approval_page import CONTENT_TYPE, SECURITY, message, question
from functions.api.endpoint import Guest, Noun, Reply
from functions.api.models import Asked
from functions.domain.approval_link import ApprovalLink, Standing, opens, parse, standing, used
from functions.domain.errors import Conflict, NotFound
from functions.domain.rollout import Action, Rollout, Wave
from functions.rollout_launch import Parts, command

noun = Noun("approvals")

_ATTEMPTS = 3
_REFUSALS = {
    Standing.EXPIRED: (HTTPStatus.GONE, "This link has expired", "Links last three days."),
    Standing.USED: (HTTPStatus.GONE, "This link was used", "A link approves, or aborts, once."),
    Standing.PASSED: (HTTPStatus.CONFLICT, "Nothing to approve", "The rollout does not wait for this approval any more."),
}
_DONE = {
    Action.APPROVE: ("Approved", "The rollout goes on."),
    Action.ABORT: ("Aborted", "Agents that were told go back to what they had."),
}
_CLI = " Whoever has a token can look at it: clawpulse rollout show "


class LinkAsked(Asked):
    """Which link."""

    link: str = Field(max_length=256, description="As it was sent: workspace, id and secret.")


class LinkUsed(LinkAsked):
    """Which link, and what it is used for."""

    action: Literal["approve", "abort"]


class _Found(NamedTuple):
    workspace: str
    link: ApprovalLink
    rollout: Rollout
    waves: list[Wave]


class _Refused(Exception):
    """The link opens nothing; carries the page that says so."""

    def __init__(self, reply: Reply) -> None:
        super().__init__()
        self.reply = reply


@noun.endpoint("GET", "/approve/{link}", scope=None, by_link=True, asks=LinkAsked, content_type=CONTENT_TYPE)
def ask(guest: Guest, asked: LinkAsked) -> Reply:
    """What the link approves, with its numbers, and a form to do it."""
    try:
        found = _found(guest, asked.link)
    except _Refused as refused:
        return refused.reply
    return Reply(body=question(found.workspace, found.rollout, found.waves), headers=SECURITY)


@noun.endpoint("POST", "/approve/{link}", scope=None, by_link=True, asks=LinkUsed, content_type=CONTENT_TYPE)
def act(guest: Guest, asked: LinkUsed) -> Reply:
    """Approve the wave, or abort the rollout; once."""
    action = Action(asked.action)
    try:
        found = _claimed(guest, asked.link, action)
        _commanded(guest, found, action)
    except _Refused as refused:
        return refused.reply
    title, text = _DONE[action]
    return Reply(body=message(title, f"{found.rollout.title}: {text}"), headers=SECURITY)


def _found(guest: Guest, text: str) -> _Found:
    """The link and its rollout; raises `_Refused` for a link that opens nothing."""
    given = parse(text)
    link = guest.services.links.read(given.workspace, given.id) if given else None
    if given is None or link is None or not opens(link, given.secret):
        raise _Refused(_page(HTTPStatus.NOT_FOUND, "No such link", "It is not complete, or too old."))
    found = guest.services.rollouts.read(given.workspace, link.rollout)
    stands = standing(link, found, guest.now)
    if found is None or stands is not Standing.OPEN:
        status, title, why = _REFUSALS[stands]
        raise _Refused(_page(status, title, why + _CLI + link.rollout))
    return _Found(given.workspace, link, *found)


def _claimed(guest: Guest, text: str, action: Action) -> _Found:
    """The same, once its use is written down: of two at once one goes on."""
    for _ in range(_ATTEMPTS):
        found = _found(guest, text)
        after = used(found.link, action, guest.now)
        if after is None:
            break
        # A use that was written down before, and not carried out, is carried out now.
        if after is found.link or guest.services.links.save(found.workspace, after):
            return found
    status, title, why = _REFUSALS[Standing.USED]
    raise _Refused(_page(status, title, why))


def _commanded(guest: Guest, found: _Found, action: Action) -> None:
    services = guest.services
    parts = Parts(rollouts=services.rollouts, desired=services.desired, executions=services.executions)
    detail = f"by a link sent to {found.link.channel}"
    try:
        command(parts, found.workspace, found.rollout.id, action, by=found.link.by, now=guest.now, detail=detail)
    except (Conflict, NotFound) as error:
        raise _Refused(_page(HTTPStatus.CONFLICT, "Not possible any more", str(error))) from None


def _page(status: int, title: str, text: str) -> Reply:
    return Reply(body=message(title, text), status=status, headers=SECURITY)
