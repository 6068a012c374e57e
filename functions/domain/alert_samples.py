"""Samples of a rule: what was found for each of its series, as columns; a `Sample` with its sentence is made when one is asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from functions.domain.alert import Data, Sample
from functions.domain.alert_axis import Axis, series_of
from functions.domain.alert_columns import Floats
from functions.domain.alert_data import Evidence
from functions.domain.alert_reasons import Story, Words, gone, tell
from functions.domain.alert_rules import Policy, Rule
from functions.domain.rollup import TagPairs
from functions.domain.series import AGENT

type Mask = npt.NDArray[np.bool_]

KINDS: Final = (Data.OK, Data.NO_DATA, Data.MISSING_SERIES, Data.UNREADABLE)
OK, NO_DATA, MISSING, UNREADABLE = range(4)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Samples:
    """One rule at one time. Arrays are by slot of `axis`."""

    rule: Rule
    axis: Axis
    evidence: Evidence
    data: npt.NDArray[np.int8]
    """Numbers of `KINDS`."""
    value: Floats
    points: Floats
    threshold: Floats
    clear_at: Floats
    base: Floats
    """What the value was compared with, before any factor; nan where nothing was."""
    holds: Mask
    clear: Mask
    words: Words
    unreadable: str = ""
    """Why nothing could be read, if so."""

    def __len__(self) -> int:
        return len(self.axis)

    def __iter__(self) -> Iterator[tuple[dict[str, str], Sample]]:
        """Every series with its sample."""
        return ((dict(pairs), self.at(slot)) for slot, pairs in enumerate(self.axis.series))

    def stirred(self) -> list[int]:
        """Slots of the series that matter even if nothing is stored of them: the condition holds, or the rule fires without data."""
        stirred = (self.data == OK) & self.holds
        if self.rule.no_data is Policy.FIRE:
            stirred |= self.data == NO_DATA
        if self.rule.unreadable is Policy.FIRE:
            stirred |= self.data == UNREADABLE
        return np.flatnonzero(stirred).tolist()

    def series(self, slot: int) -> dict[str, str]:
        """The tags of a series."""
        return dict(self.axis.series[slot])

    def of(self, series: Mapping[str, str]) -> Sample:
        """The sample of a series that is known from before; of one that is gone it says so."""
        slot = self.axis.index.get(series_of(series))
        return self.at(slot) if slot is not None else gone(self.rule, series, self.evidence, self.unreadable)

    def at(self, slot: int) -> Sample:
        """The sample of a slot, with its sentence."""
        story = Story(
            data=KINDS[self.data[slot]],
            value=_number(self.value[slot]),
            threshold=_number(self.threshold[slot]),
            clear_at=_number(self.clear_at[slot]),
            base=_number(self.base[slot]),
            points=int(self.points[slot]),
            holds=bool(self.holds[slot]),
            clear=bool(self.clear[slot]),
            unreadable=self.unreadable,
            words=self.words,
        )
        sound = story.data is Data.OK
        return Sample(
            data=story.data,
            holds=sound and story.holds,
            clear=sound and story.clear,
            value=story.value,
            threshold=story.threshold,
            points=story.points,
            reason=tell(self.rule, self.series(slot), story, self.evidence),
            tags=self._tags(slot),
        )

    def _tags(self, slot: int) -> TagPairs:
        """Tags of the agent that a series is."""
        agent = dict(self.axis.series[slot]).get(AGENT)
        state = self.evidence.roster().get(agent) if agent is not None else None
        return tuple(state.tags.items()) if state is not None else ()


def _number(value: np.float64) -> float | None:
    return None if np.isnan(value) else float(value)
