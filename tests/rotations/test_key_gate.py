"""What the gate of rotations reads: the batches of the last minutes, before anybody sealed them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from functions.domain.errors import StoreUnavailable
from functions.domain.failures import Failure, encode_failures
from functions.domain.fleet import AgentState, Snapshot, encode_snapshot
from functions.domain.items import AgentInfo, BatchItem, StoredItem
from functions.domain.rollout import Member, MemberState, Outcome, Policy, Rollout, Verdict, Wave
from functions.domain.rollup import Aggregate, Rollup, SeriesKey
from functions.domain.times import MINUTE_MS, minute_of
from functions.domain.wire import KeyReport
from functions.key_gate import MOST_MINUTES, KeyGate
from tests.fakes.batches import MemoryBatches
from tests.fakes.fleet import MemoryFleet

WS, PROVIDER = "acme", "anthropic"
OLD, NEW = "3f9a01c2-aaaaaaaaaaaaaaaa", "3f9a01c2-bbbbbbbbbbbbbbbb"
NOW = 1_795_478_400_000 + 20_000
CHANGED = NOW - 40_000


class Watched(MemoryBatches):
    """Remembers which minutes are read."""

    def __init__(self, error: Exception | None = None) -> None:
        super().__init__()
        self.minutes: list[int] = []
        self._error = error

    def read_minute(self, workspace: str, minute: int) -> list[StoredItem]:
        self.minutes.append(minute)
        if self._error:
            raise self._error
        return super().read_minute(workspace, minute)


class Scene:
    """A wave of `a-1` and `a-2`, which changed 40 seconds ago, and others."""

    def __init__(self, error: Exception | None = None) -> None:
        self.batches, self.fleet = Watched(error), MemoryFleet()
        self.users("a-1", "a-2", "b-1", "b-2")
        self._count = 0

    def users(self, *agents: str) -> None:
        states = {agent: AgentState(id=agent, name=agent, keys={PROVIDER: KeyReport(OLD)}) for agent in agents}
        self.fleet.put_snapshot(WS, encode_snapshot(Snapshot(workspace=WS, time=NOW, agents=states)))

    def batch(
        self,
        agent: str,
        done: int,
        failed: int = 0,
        *,
        at: int = NOW - 10_000,
        minute: int | None = None,
        key: str | None = None,
        failures: Sequence[Failure] = (),
    ) -> None:
        self._count += 1
        keys: Mapping[str, KeyReport] | None = {PROVIDER: KeyReport(key)} if key else None
        item = BatchItem(
            agent=agent,
            batch=f"e.{self._count}",
            minute=minute_of(at) if minute is None else minute,
            received=at,
            digest=str(self._count),
            info=AgentInfo(keys=keys),
            rollup=tasks(done, failed, at),
            failures=encode_failures(failures) if failures else b"",
        )
        self.batches.put(WS, item)

    def verdict(self, applied_at: int = CHANGED) -> Verdict:
        members = [Member(agent=agent, before=OLD, after=NEW, state=MemberState.APPLIED, applied_at=applied_at) for agent in ("a-1", "a-2")]
        change = {"rotation": "k1", "provider": PROVIDER, "abort_above": 0.02}
        rollout = Rollout(id="r1", title="key", created=1, by="t-1", policy=Policy(), waves=1, members=2, change=change)
        return KeyGate(self.batches, self.fleet).verdict(WS, rollout, [Wave(number=0, members=members)], NOW)


def tasks(done: int, failed: int, at: int) -> Rollup:
    rollup: Rollup = {}
    for name, amount in (("task.completed", done), ("task.failed", failed)):
        if amount:
            rollup[SeriesKey(name)] = Aggregate()
            rollup[SeriesKey(name)].extend([1.0] * amount, [at] * amount)
    return rollup


def failure(kind: str, message: str, amount: int = 1) -> Failure:
    return Failure(kind, message, "", amount, NOW, NOW, "")


def test_tasks_of_the_wave_are_compared_with_those_of_the_others_in_the_same_time() -> None:
    scene = Scene()
    scene.batch("a-1", 20, 1)
    scene.batch("a-2", 20)
    scene.batch("b-1", 100, 2)
    found = scene.verdict()
    assert found.outcome is Outcome.PASS
    assert found.reason == "1 of 41 tasks failed (2.4 %), 2 of 102 (2.0 %) of 1 other agent"


def test_a_wave_whose_tasks_fail_is_failed() -> None:
    scene = Scene()
    scene.batch("a-1", 10, 10)
    scene.batch("b-1", 100)
    assert scene.verdict().outcome is Outcome.FAIL


def test_a_single_refusal_of_the_key_fails_it_and_one_of_another_agent_does_not() -> None:
    scene = Scene()
    scene.batch("a-1", 500)
    scene.batch("b-1", 10, 1, failures=[failure("AuthenticationError", "401 invalid x-api-key")])
    assert scene.verdict().outcome is Outcome.PASS
    scene.batch("a-2", 500, 1, failures=[failure("AuthenticationError", "401 invalid x-api-key")])
    found = scene.verdict()
    assert found.outcome is Outcome.FAIL
    assert "a-2" in found.reason


def test_what_failed_before_an_agent_changed_is_not_the_new_keys_doing() -> None:
    scene = Scene()
    scene.batch("a-1", 0, 9, at=CHANGED - 1)
    # An hour's tale of an outage, told now.
    scene.batch("a-1", 0, 9, minute=minute_of(CHANGED) - 5)
    scene.batch("a-1", 9)
    found = scene.verdict()
    assert (found.outcome, found.tasks) == (Outcome.PASS, 9)


def test_it_counts_from_the_moment_at_which_an_agent_itself_said_that_it_has_the_key() -> None:
    scene = Scene()
    said = CHANGED - 25_000
    scene.batch("a-1", 0, at=said, key=NEW)
    scene.batch("a-1", 5, 5, at=said + 5_000)
    assert scene.verdict().tasks == 10


def test_others_are_those_of_the_same_provider_and_any_where_there_are_none() -> None:
    scene = Scene()
    scene.batch("a-1", 10, 5)
    scene.batch("b-1", 50, 50)
    scene.batch("c-1", 10_000)
    assert scene.verdict().outcome is Outcome.PASS
    scene.users("a-1", "a-2")
    assert scene.verdict().control_agents == 2


def test_no_task_is_a_pass() -> None:
    assert Scene().verdict().outcome is Outcome.PASS


def test_ten_minutes_are_read_at_most() -> None:
    scene = Scene()
    scene.verdict(applied_at=NOW - 90 * MINUTE_MS)
    assert len(scene.batches.minutes) <= MOST_MINUTES + 1
    assert max(scene.batches.minutes) == minute_of(NOW) + 1


def test_what_cannot_be_read_is_no_fail() -> None:
    found = Scene(StoreUnavailable("throttled")).verdict()
    assert (found.outcome, found.reason) == (Outcome.UNREADABLE, "batches cannot be read: throttled")


def test_a_damaged_batch_of_the_wave_is_told_and_one_of_others_left_out() -> None:
    scene = Scene()
    scene.batch("a-1", 5)
    scene.batch("b-1", 5)
    for key, (item, digest) in list(scene.batches.items.items()):
        if item.agent == "b-1":
            scene.batches.items[key] = (StoredItem(**{**_fields(item), "data": b"\x00"}), digest)
    assert scene.verdict().outcome is Outcome.PASS
    for key, (item, digest) in list(scene.batches.items.items()):
        scene.batches.items[key] = (StoredItem(**{**_fields(item), "data": b"\x00"}), digest)
    found = scene.verdict()
    assert (found.outcome, found.reason) == (Outcome.UNREADABLE, "batches of a-1 are damaged")


def _fields(item: StoredItem) -> dict[str, object]:
    return {name: getattr(item, name) for name in ("agent", "batch", "minute", "received", "info", "data", "failures")}
