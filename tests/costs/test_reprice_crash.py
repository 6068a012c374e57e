"""Pricing the past anew, killed before and after each of its writes: run again, it ends where an undisturbed run does, and is told of."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from typing import Any

import pytest

from functions.api.models import rfc3339
from functions.domain.fleet import decode_snapshot
from functions.domain.rollup_codec import decode
from functions.domain.times import HOUR_MS
from functions.ports import Resolution
from functions.repricing import HOLD_MS
from tests.costs.office import HOUR, WORKSPACE, Office, a_task

OWN = {"version": "contract 1", "models": [{"match": "our-*", "input": 2, "output": 10}]}
HOURS = {"start": rfc3339(HOUR * HOUR_MS), "end": rfc3339((HOUR + 2) * HOUR_MS)}
WRITES = frozenset({"put_usage", "put_group", "put_snapshot", "put_settings", "replace_settings", "acquire", "release"})


class Killed(BaseException):
    """The process is gone: no handler sees it."""


class Mortal:
    """A process, which dies at one of its writes: before it is done, or after; it does nothing any more then."""

    def __init__(self, step: int = 0, *, after: bool = False) -> None:
        self._step, self._after = step, after
        self.writes: list[str] = []
        self._dead = False

    def of(self, store: Any) -> Any:
        """The store, as this process sees it."""
        process = self

        class Seen:
            def __getattr__(self, name: str) -> Any:
                real = getattr(store, name)
                return process._writing(name, real) if name in WRITES else real

        return Seen()

    def _writing(self, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def write(*given: Any, **named: Any) -> Any:
            if self._dead:
                raise Killed
            self.writes.append(name)
            self._dead = len(self.writes) == self._step
            if self._dead and not self._after:
                raise Killed
            answer = real(*given, **named)
            if self._dead:
                raise Killed
            return answer

        return write


@pytest.fixture(scope="module")
def fresh() -> Callable[[], Office]:
    """Gives the office as it was: two hours with three pieces each, of tasks that have no price yet, beside reported costs."""
    office = Office()
    for _ in range(2):
        office.post("a1", [*a_task("t1", "our-model", (1_000_000, 100_000), tenant="x"), *a_task("t2", "our-model", (5, 5), cost=0.25)])
        office.post("a2", a_task("t3", "our-model", (500_000, 0), tenant="y"))
        office.post("a3", a_task("t4", "our-other", (0, 7000), tenant="y"))
        office.seal()
    assert office.world.client("operate").call("PUT", "/api/prices", json=OWN).status_code == 200
    services, now = office.world.services, office.world.now

    def as_it_was() -> Office:
        stores = {name: deepcopy(getattr(services, name)) for name in ("rollups", "fleet", "lease")}
        office.world.services, office.world.now = replace(services, **stores, newest_rollups=stores["rollups"]), now
        return office

    return as_it_was


def reprice(office: Office, process: Mortal, *, dry: bool = False) -> Any:
    services, seen = office.world.services, process.of
    stores = {name: seen(getattr(services, name)) for name in ("newest_rollups", "fleet", "lease")}
    office.world.services = replace(services, **stores)
    try:
        answer = office.world.client("operate").call("POST", "/api/cost/reprice", json={**HOURS, "dryRun": dry})
        assert answer.status_code == 200, answer.text
        return answer.json
    finally:
        office.world.services = services


def costs(office: Office) -> Any:
    """What bills, budgets, and those who keep hours in memory go by."""
    groups = office.world.services.rollups.read_group(WORKSPACE, Resolution.HOUR, HOUR, HOUR + 2)
    snapshot = decode_snapshot(office.world.services.fleet.snapshot(WORKSPACE) or b"")
    return office.ledger(by="tenant,cost_source"), {hour: decode(data) for hour, data in groups.items()}, set(snapshot.reopened)


def told(office: Office) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = office.world.client("read").get("/api/cost/reprice")["repricings"]
    return found


@pytest.fixture(scope="module")
def undisturbed(fresh: Callable[[], Office]) -> tuple[Any, list[str]]:
    """Where it ends, and its writes."""
    office, process = fresh(), Mortal()
    assert reprice(office, process)["hoursChanged"] == 2
    (line,) = told(office)
    assert (line["hoursChanged"], line["before"]["unpricedTasks"], line["after"]["unpricedTasks"]) == (2, 6, 0)
    return costs(office), process.writes


def test_reads_that_are_behind_are_not_what_it_writes(fresh: Callable[[], Office], undisturbed: tuple[Any, list[str]]) -> None:
    """DynamoDB's usual reads may be of a moment ago."""
    office = fresh()
    newest = office.world.services
    office.world.services = replace(newest, rollups=deepcopy(newest.rollups))
    assert reprice(office, Mortal())["hoursChanged"] == 2
    office.world.services = newest
    assert costs(office) == undisturbed[0]


def test_a_dry_run_writes_nothing(fresh: Callable[[], Office]) -> None:
    office, process = fresh(), Mortal()
    before = costs(office)
    assert reprice(office, process, dry=True)["hoursChanged"] == 2
    assert (process.writes, costs(office), told(office)) == ([], before, [])


@pytest.mark.parametrize("after", [False, True])
def test_killed_at_any_write_and_run_again_all_is_as_if_nothing_had_happened(
    fresh: Callable[[], Office], undisturbed: tuple[Any, list[str]], after: bool
) -> None:
    expected, writes = undisturbed
    assert writes.count("put_usage") == 6
    for step in range(1, len(writes) + 1):
        office = fresh()
        before = office.ledger(by="tenant,cost_source")
        with pytest.raises(Killed):
            reprice(office, Mortal(step, after=after))
        office.world.now += HOLD_MS
        died = told(office)
        assert len(died) <= 1
        assert died or office.ledger(by="tenant,cost_source") == before, "nothing is priced anew without a word"
        again = reprice(office, Mortal())
        assert costs(office) == expected, (step, writes[step - 1])
        lines = told(office)
        assert len({line["id"] for line in lines}) == len(lines) == len(died) + (again["hoursChanged"] > 0)
        assert reprice(office, Mortal())["hoursChanged"] == 0
        assert told(office) == lines
