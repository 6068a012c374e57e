"""Keys that get old: those that a schedule rotates, and those that people are told of.

- A provider whose key is as old as its schedule says gets a rotation, at most one a day, with a key that the provider makes, or that people
  have put into Vault; not while a freeze is in force, and not while another rotation of the provider is under way.
- Once a day people are told of a key that is older than its provider's `max_age_days`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import NamedTuple, Protocol

from functions.domain.errors import ClawPulseError, InvalidInput
from functions.domain.key_settings import DOCUMENT, ProviderSettings, parse_key_settings
from functions.domain.rollout import Notice
from functions.domain.rollout_draft import SYSTEM
from functions.domain.rollout_freeze import FREEZES, parse_freezes
from functions.domain.rollout_notices import Subject
from functions.domain.rollout_plan import new_id
from functions.domain.rotation import Alias, Rotation
from functions.domain.times import DAY_MS, HOUR_MS
from functions.ports import KeyProvider, SettingsReader
from functions.rotation_launch import Parts, launch
from functions.rotation_source import Parts as SourceParts
from functions.rotation_source import Source, Wanted, new_key

_LOG = logging.getLogger(__name__)


class Scheduled(NamedTuple):
    """What a run did."""

    started: list[str]
    """Ids of rotations that were due."""
    old: list[str]
    """Providers whose key people are told of."""


class Teller(Protocol):
    """Tells people through their channels."""

    def tell(self, workspace: str, subject: Subject, notices: Sequence[Notice]) -> None:
        """Queue notices; a repeat tells nobody twice. Raises `StoreUnavailable`."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """The use case."""

    parts: Parts
    settings: SettingsReader
    provider: Callable[[ProviderSettings], KeyProvider]
    notices: Teller

    def run(self, workspace: str, now: int) -> Scheduled:
        """One run at `now` (ms). What cannot be done for a provider is done by a later run, and keeps no other waiting."""
        started, old = list[str](), list[str]()
        for name, settings in self._providers(workspace).items():
            try:
                created = self._created(workspace, name)
                if created is not None:
                    started += self._rotate(workspace, settings, created, now)
                    old += self._remind(workspace, settings, created, now)
            except ClawPulseError as error:
                _LOG.error("the key of %s in %s is not looked after: %s", name, workspace, error)
        return Scheduled(started, old)

    def _providers(self, workspace: str) -> Mapping[str, ProviderSettings]:
        document = self.settings.settings(workspace, DOCUMENT) or {}
        found: dict[str, ProviderSettings] = {}
        for name in document:
            try:
                found |= parse_key_settings({name: document[name]}, workspace)
            except InvalidInput as error:
                _LOG.error("%s of %s says nothing valid of %s: %s", DOCUMENT, workspace, name, error)
        return found

    def _created(self, workspace: str, provider: str) -> int | None:
        """When the workspace's present key came to be; None without one."""
        key = self.parts.vault.read(workspace, provider, Alias.CURRENT)
        return key.created if key else None

    def _rotate(self, workspace: str, settings: ProviderSettings, created: int, now: int) -> list[str]:
        """Start a rotation that is due. Its id tells the provider and the day, so of all runs of a day one starts it, whatever crashes."""
        schedule = settings.schedule
        if schedule is None or now < created + schedule.every_days * DAY_MS or self._is_held(workspace, settings.name, now):
            return []
        id = "k" + new_id(now // DAY_MS * DAY_MS, sha256(settings.name.encode()).digest())[1:]
        if self.parts.rotations.rotation(workspace, id) is not None:
            return []
        wanted = Wanted(source=Source(schedule.source), path=schedule.path, field=schedule.field)
        # One that an earlier run fetched, or had made, and did not come to use.
        key = self.parts.vault.take_incoming(workspace, id)
        key = key or new_key(SourceParts(self.parts.vault, self.provider), workspace, id, settings, wanted, now)
        rotation = Rotation(id=id, provider=settings.name, created=now, by=SYSTEM, source=schedule.source, new=key.fingerprint)
        return [launch(self.parts, workspace, rotation, key, now=now).id]

    def _is_held(self, workspace: str, provider: str, now: int) -> bool:
        """Whether a freeze is in force, for whatever agents, or the provider has a rotation."""
        freezes = parse_freezes(self.settings.settings(workspace, FREEZES) or {})
        if any(freeze.until(now) is not None for freeze in freezes):
            return True
        under_way = (self.parts.rotations.rotation(workspace, id) for id in self.parts.rotations.rotation_queue(workspace))
        return any(rotation is not None and rotation.provider == provider for rotation in under_way)

    def _remind(self, workspace: str, settings: ProviderSettings, created: int, now: int) -> list[str]:
        """Tell people in the first hour of each day, counted from when the key became too old: runs of that hour tell the same."""
        due = created + settings.max_age_days * DAY_MS
        day, late = divmod(now - due, DAY_MS)
        if day < 0 or late >= HOUR_MS:
            return []
        text = f"the key of {settings.name} is {settings.max_age_days + day} days old, it should not get older than {settings.max_age_days}"
        notice = Notice(key=f"{created}-{day}", event="due", text=text, at=due + day * DAY_MS)
        self.notices.tell(workspace, Subject(settings.name, f"key of {settings.name}", created), [notice])
        return [settings.name]
