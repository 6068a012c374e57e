"""Prices stored usage anew, hour by hour, under the lease of seal, which writes the same pieces."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from functions import group_costs
from functions.domain import rollup_codec, usage
from functions.domain.cost_pricing import Prices
from functions.domain.cost_reprice import Choice, Repriced, has_tokens
from functions.domain.rollup import Rollup
from functions.domain.times import DAY_MS, HOUR_MS, SECOND_MS
from functions.ports import FleetStore, Lease, RollupStore

HOLD_MS = 30 * SECOND_MS
"""How long the lease is held for one hour, at most; usually it takes a fraction of a second."""
WAIT_S = 0.5
TELLING_MS = 5 * SECOND_MS
"""How long it takes at most, after its time, to get the lease once more and tell which hours it wrote."""


@dataclass(slots=True)
class Run:
    """What one run did."""

    next_hour: int
    """Where it ended: the first hour that is not done."""
    repriced: Repriced = field(default_factory=Repriced)
    changed: int = 0
    """Hours that were written anew, or would have been."""
    damaged: int = 0
    """Pieces of hours that could not be read, and were left as they are."""
    begun: bool = False
    """Whether it has written anything."""
    told: bool = True
    """Whether those who keep hours in memory were told; if not, budgets may go on with the costs of before."""


@dataclass(frozen=True, slots=True)
class Repricing:
    """One run over the usage of a workspace."""

    rollups: RollupStore
    fleet: FleetStore
    lease: Lease
    workspace: str
    holder: str
    now: Callable[[], int]
    sleep: Callable[[float], None]
    until: int
    """When it stops with what it has, ms."""
    begins: Callable[[], None]
    """Called once, before anything is written: whoever is killed afterwards has been told of."""

    def run(self, first: int, last: int, choice: Choice, prices: Prices, *, dry: bool) -> Run:
        """Price first <= hour < last anew, as far as there is time. Raises `StoreUnavailable`."""
        run = Run(first)
        of_group: list[int] = []
        waiting = frozenset() if dry else group_costs.hours_under_way(self.fleet, self.workspace)
        while run.next_hour < last and self.now() < self.until:
            if not dry and not self._acquire(self.until):
                break
            try:
                run.changed += self._hour(run, choice, prices, dry=dry)
                if not dry and run.next_hour not in waiting and self._settle(run.next_hour):
                    of_group.append(run.next_hour)
            finally:
                if not dry:
                    self.lease.release(self.workspace, usage.LEASE, self.holder)
            run.next_hour += 1
        if of_group:
            run.told = self._tell(of_group)
        return run

    def _settle(self, hour: int) -> bool:
        """Have budgets count what the ledger has; also of hours whose group never had costs, as those built by a release before that."""
        try:
            return group_costs.settle_hour(self.rollups, self.workspace, hour)
        except ValueError:
            # A damaged piece is counted already; of a damaged group whoever counts budgets tells.
            return False

    def _tell(self, hours: Collection[int]) -> bool:
        if not self._acquire(self.until + TELLING_MS):
            return False
        try:
            group_costs.tell_rewritten(self.fleet, self.workspace, hours, self.now())
        finally:
            self.lease.release(self.workspace, usage.LEASE, self.holder)
        return True

    def _acquire(self, until: int) -> bool:
        """Wait for the lease, as long as there is time."""
        while self.now() < until:
            now = self.now()
            if self.lease.acquire(self.workspace, usage.LEASE, self.holder, now, now + HOLD_MS):
                return True
            self.sleep(WAIT_S)
        return False

    def _hour(self, run: Run, choice: Choice, prices: Prices, *, dry: bool) -> bool:
        """Whether anything of the hour changed."""
        hour, changed = run.next_hour, False
        for bucket in range(usage.BUCKETS):
            stored = self.rollups.read_usage(self.workspace, hour, hour + 1, bucket).get(hour)
            if not stored:
                continue
            try:
                if not has_tokens(rollup_codec.Table(stored[0]).names):
                    continue
                before = rollup_codec.decode(stored[0])
            except ValueError:
                run.damaged += 1
                continue
            after = run.repriced.rows(before, hour, choice, prices)
            if after != before:
                changed = True
                if not dry:
                    self._put(run, bucket, after)
        return changed

    def _put(self, run: Run, bucket: int, rows: Rollup) -> None:
        if not run.begun:
            self.begins()
            run.begun = True
        expires = ((run.next_hour + 1) * HOUR_MS + usage.KEPT_DAYS * DAY_MS) // SECOND_MS
        self.rollups.put_usage(self.workspace, run.next_hour, bucket, rows, expires)
