"""What agents shall have that came after a rollout was planned, or after a revision was applied."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping

from clawpulse.fleet import InvalidRepository, Repository, parse
from functions.domain.desired import canonical
from functions.domain.errors import InvalidInput
from functions.domain.revision import Revision
from functions.domain.rollout import UNMANAGED_TEXT, Rollout
from functions.domain.rollout_change import changed
from functions.ports import RevisionStore

_LOG = logging.getLogger(__name__)

type Target = Callable[[str, Mapping[str, str], str], str | None]
"""By an agent's id, its effective tags and the canonical text of what it has, the text of what it shall have. None when that is no
document: such an agent stays as it is."""


class Targets:
    """Makes them from patches and revisions. The last revision is kept, for it is asked for each minute."""

    def __init__(self, revisions: RevisionStore) -> None:
        self._revisions = revisions
        self._known: tuple[tuple[str, str], Repository] | None = None

    def of_rollout(self, workspace: str, rollout: Rollout) -> Target | None:
        """What a rollout wants; None when that cannot be told for agents that it was not planned for."""
        if rollout.revision is not None:
            revision = self._revisions.read(workspace, rollout.revision)
            return self.of_revision(workspace, revision) if revision else None
        patch = rollout.change.get("patch")
        return _patched(patch) if isinstance(patch, Mapping) else None

    def of_revision(self, workspace: str, revision: Revision) -> Target | None:
        """What a revision says, whatever the agent has; None where it says nothing: that leaves alone what was set otherwise.

        None altogether for a revision that this release cannot read any more.
        """
        try:
            repository = self._repository(workspace, revision)
        except InvalidRepository as error:
            _LOG.error("nobody gets revision %s of %s: %s", revision.number, workspace, error)
            return None

        def target(agent: str, tags: Mapping[str, str], _text: str) -> str | None:
            text = _possible(lambda: canonical(repository.document(agent, tags)))
            return None if text == UNMANAGED_TEXT else text

        return target

    def _repository(self, workspace: str, revision: Revision) -> Repository:
        key = (workspace, revision.digest)
        if self._known is None or self._known[0] != key:
            self._known = key, parse(self._revisions.files(workspace, revision))
        return self._known[1]


def _patched(patch: Mapping[str, object]) -> Target:
    made: dict[str, str | None] = {}

    def target(agent: str, _tags: Mapping[str, str], text: str) -> str | None:
        if text not in made:
            made[text] = _possible(lambda: changed({agent: text}, patch).targets[agent])
        return made[text]

    return target


def _possible(make: Callable[[], str]) -> str | None:
    try:
        return make()
    except (InvalidInput, InvalidRepository) as error:
        _LOG.warning("an agent that came later stays as it is: %s", error)
        return None
