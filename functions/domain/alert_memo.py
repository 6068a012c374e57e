"""What an evaluation may take over from the one before: axes and folded columns. Results never depend on it, only their cost.

Fifteen seconds later nearly everything is as it was: the same agents, the same minutes. What two evaluations in a row did not ask for is
forgotten.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from itertools import count
from typing import Any

from functions.domain.alert_axis import Axis, AxisMaker, Roster
from functions.domain.alert_columns import Columns, Folded, TagSets
from functions.domain.alert_rules import Rule
from functions.domain.fleet import Snapshot

_ROUNDS = 2


class Memo:
    """The memory of a warm process; a new one is always right, too."""

    def __init__(self) -> None:
        self._kept: dict[Hashable, tuple[int, Any]] = {}
        self._round = 0
        self._roster = Roster((), ())
        self._roster_serials = count()
        self._roster_serial = next(self._roster_serials)

    def begin(self, snapshot: Snapshot | None) -> Roster:
        """Begin an evaluation: forget what is old, and tell whether the roster is another."""
        self._round += 1
        self._kept = {key: entry for key, entry in self._kept.items() if entry[0] >= self._round - _ROUNDS}
        roster = Roster.of({} if snapshot is None else snapshot.agents)
        if roster.tags != self._roster.tags:
            self._roster_serial = next(self._roster_serials)
        self._roster = roster
        return roster

    def axis(self, rule: Rule, roster: Roster, sets: TagSets, *, of_agents: bool) -> Axis:
        """The axis of a rule; rules that select alike share it."""
        key = ("axis", rule.select, rule.per, of_agents, id(sets), len(sets), self._roster_serial)
        return self.keep(key, lambda: AxisMaker(rule.select, rule.per).axis(roster, sets, of_agents=of_agents), sets)

    def folded(self, columns: Sequence[Columns], names: Sequence[str], axis: Axis) -> Folded:
        """Rows of some metrics by slot."""
        key = ("folded", tuple(one.serial for one in columns), tuple(names), id(axis))

        def fold() -> Folded:
            found = (one.column(name) for one in columns for name in names)
            return Folded([column for column in found if column is not None], axis.of_tags, len(axis))

        return self.keep(key, fold, axis)

    def keep[T](self, key: Hashable, make: Callable[[], T], *alive: object) -> T:
        """The value of a key, made now if it is new; `alive` holds what the key names by `id`, so that no other takes its place."""
        entry = self._kept.get(key)
        made = make() if entry is None else entry[1][0]
        self._kept[key] = (self._round, (made, alive))
        return made
