"""Notices of rollouts become messages: to whom, once each, with a link that opens what it says."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from functions.domain.approval_link import opens, parse
from functions.domain.delivery import Claimed, Thread, claim, sent
from functions.domain.errors import StoreUnavailable
from functions.domain.notification import Sent
from functions.domain.rollout import Notice, Rollout
from functions.domain.rotation import Rotation
from functions.notices import Notices
from tests.api.rolling import rollout, waiting
from tests.api.world import NOW, World

CHANNELS = {name: {"kind": kind} for name, kind in (("chat", "slack"), ("oncall", "pagerduty"), ("mail", "email"))}
URL = "https://pulse.example.org/live"


@pytest.fixture
def team() -> World:
    world = World()
    world.fleet.put_settings("team", "channels", CHANNELS)
    world.fleet.put_settings("team", "api-address", {"url": URL})
    return world


def notices_of(world: World) -> Notices:
    return Notices(world.fleet, world.deliveries, world.notify, world.links, world.services.random)


def with_notice(made: Rollout, *events: str, text: str = "because") -> Rollout:
    told = [Notice(key=f"{event}-{number}", event=event, text=text, at=NOW + number) for number, event in enumerate(events)]
    return msgspec.structs.replace(made, notices=told)


def send(world: World, *events: str, made: Rollout | None = None) -> list[Any]:
    notices_of(world).send("team", with_notice(made or waiting(world), *events))
    return world.deliveries.recent("team", 0)


def rotation(*events: str) -> Rotation:
    told = [Notice(key=f"{event}-{number}", event=event, text="because", at=NOW + number) for number, event in enumerate(events)]
    return Rotation(id="k1", provider="anthropic", created=NOW - 1, by="t-1", new="0000000a-00000000000000aa", notices=told)


@pytest.mark.parametrize(
    ("events", "heard"), [(["reverting", "reverted"], {"aborting", "aborted"}), (["held"], {"held", "refused", "due"})]
)
def test_rotations_are_told_as_rollouts_are(team: World, events: list[str], heard: set[str]) -> None:
    team.fleet.put_settings("team", "rollout-notices", {"events": events, "channels": ["chat"]})
    every = ("held", "aborting", "aborted", "refused", "due", "succeeded")
    for _ in range(2):
        notices_of(team).send("team", rotation(*every))
    found = team.deliveries.recent("team", 0)
    assert {one.notification.kind.value.removeprefix("rotation_") for one in found} == heard
    assert {(one.notification.incident, one.notification.title, one.notification.started) for one in found} == {
        ("k1", "key of anthropic", NOW - 1)
    }
    assert len(found) == len(heard)


def test_a_page_that_a_rotation_opened_is_closed_when_it_is_over(team: World) -> None:
    notices_of(team).send("team", rotation("succeeded"))
    assert [one.channel for one in team.deliveries.recent("team", 0)] == ["oncall"]


def test_what_matters_goes_to_every_channel(team: World) -> None:
    found = send(team, "held", "reverting", "reverted")
    assert [(one.channel, one.notification.kind.value) for one in found] == [
        (channel, f"rollout_{event}") for event in ("held", "reverting", "reverted") for channel in sorted(CHANNELS)
    ]
    assert sorted(message["delivery"] for message, _ in team.notify.sent) == [one.id for one in found]
    told = found[0].notification
    assert (told.title, told.note, told.started, told.severity) == (
        "model.primary: swift/one → swift/two",
        "because",
        NOW - 600_000,
        "warning",
    )
    assert all(one.notification.approve is None for one in found)


def test_success_is_told_to_those_who_asked(team: World) -> None:
    # A page that was opened for it is closed all the same.
    assert [one.channel for one in send(team, "succeeded", "stopped")] == ["oncall", "oncall"]
    team.fleet.put_settings("team", "rollout-notices", {"channels": ["chat", "mail"], "events": ["succeeded"]})
    found = send(team, "held", "succeeded", made=rollout(team, "r000000002aa"))
    assert [one.channel for one in found if one.notification.incident == "r000000002aa"] == ["chat", "mail"]


def test_each_is_told_once_whatever_is_repeated(team: World) -> None:
    made = with_notice(waiting(team), "approval", "held")
    for _ in range(3):
        notices_of(team).send("team", made)
    found = team.deliveries.recent("team", 0)
    assert len(found) == 6
    assert len(team.links.links) == 3
    # What was sent is not queued any more.
    done = claim(found[0], Thread(), "w", NOW + 60_000)
    assert isinstance(done, Claimed)
    assert team.deliveries.save("team", done)
    assert team.deliveries.save("team", sent(done, Sent(), NOW + 60_000))
    team.notify.sent.clear()
    notices_of(team).send("team", made)
    assert len(team.notify.sent) == 5


def test_an_approval_carries_a_link_of_its_channels_own(team: World) -> None:
    found = send(team, "approval")
    links = [one.notification.approve for one in found]
    assert len(set(links)) == 3
    for one, address in zip(found, links, strict=True):
        given = parse(address.removeprefix(f"{URL}/approve/"))
        stored = team.links.read("team", given.id)
        assert opens(stored, given.secret)
        assert (stored.rollout, stored.wave, stored.channel, stored.created) == ("r000000001aa", 1, one.channel, NOW)


def test_the_address_of_the_settings_wins_and_without_one_there_is_no_link(team: World) -> None:
    team.fleet.put_settings("team", "rollout-notices", {"url": "https://a.example.org/x/", "channels": ["chat"]})
    (found,) = send(team, "approval")
    assert found.notification.approve.startswith("https://a.example.org/x/approve/team.")
    bare = World()
    bare.fleet.put_settings("team", "channels", CHANNELS)
    assert [one.notification.approve for one in send(bare, "approval")] == [None] * 3
    assert bare.links.links == {}


def test_an_approval_that_is_not_awaited_any_more_has_no_link(team: World) -> None:
    assert [one.notification.approve for one in send(team, "approval", made=rollout(team))] == [None] * 3


def test_a_document_that_is_broken_keeps_nobody_from_being_told(team: World) -> None:
    team.fleet.put_settings("team", "rollout-notices", {"channels": "chat"})
    assert len(send(team, "held")) == 3


def test_without_channels_or_notices_nothing_happens(team: World) -> None:
    assert send(team) == []
    team.fleet.put_settings("team", "channels", {})
    assert send(team, "held", made=rollout(team, "r000000002aa")) == []
    assert team.notify.sent == []


class Failing:
    """A queue that is away once."""

    def __init__(self, world: World) -> None:
        self.world, self.away = world, True

    def send(self, messages: Any) -> None:
        if self.away:
            self.away = False
            raise StoreUnavailable("away")
        self.world.notify.send(messages)


def test_what_was_not_queued_is_queued_by_the_next_try(team: World) -> None:
    made = with_notice(waiting(team), "approval")
    notices = Notices(team.fleet, team.deliveries, Failing(team), team.links, team.services.random)
    with pytest.raises(StoreUnavailable):
        notices.send("team", made)
    notices.send("team", made)
    assert len(team.notify.sent) == len(team.deliveries.recent("team", 0)) == len(team.links.links) == 3


def test_the_link_is_gone_from_what_is_kept_of_a_message(team: World) -> None:
    (first, *_) = send(team, "approval")
    done = claim(first, Thread(), "w", NOW + 1)
    assert isinstance(done, Claimed)
    assert done.delivery.notification.approve
    assert sent(done, Sent("m1"), NOW + 1).delivery.notification.approve is None


@pytest.mark.parametrize("event", ["approval", "held", "reverting", "reverted", "succeeded", "stopped"])
def test_every_event_has_a_kind(team: World, event: str) -> None:
    team.fleet.put_settings("team", "rollout-notices", {"events": [event]})
    kinds = {one.notification.kind for one in send(team, event)}
    assert [kind.value for kind in kinds] == [f"rollout_{event}"]
    assert all(kind.of_rollout for kind in kinds)
