"""Scaling: each minute every group of the policy is observed and decided upon; what changed is told, and put into effect.

    snapshot, rollups ─▶ observed ─▶ decide ─▶ state, history (on condition) ─▶ event, topic, alerts, target ─▶ state

What is to be told or done stands in the state before it is (`domain.scaling_state`), and is taken out after. So nothing is told because of
a decision that another run overtook, and what a crash left undone the next run does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from msgspec.structs import replace

from functions.domain.alert_columns import Columns, Damaged, TagSets
from functions.domain.alert_data import Evidence
from functions.domain.errors import InvalidInput, StoreError, StoreUnavailable, TargetRefused
from functions.domain.scaling import Action, Decision, GroupPolicy, Memory, Told, Usual
from functions.domain.scaling_decide import decide
from functions.domain.scaling_observe import BASELINE_HOURS, RULES, observe, usual_of
from functions.domain.scaling_policy import DOCUMENT, parse_policy
from functions.domain.scaling_state import GroupState, Setting, edge_of, next_state
from functions.domain.selector import Selector
from functions.domain.spans import HOUR_SETTLES_MS
from functions.domain.times import HOUR_MS, HOURS_PER_DAY
from functions.domain.workspace import DOCUMENT as SETTINGS
from functions.domain.workspace import WorkspaceSettings
from functions.evidence import EvidenceReader
from functions.ports import AlertStore, FleetStore, Resolution, RollupStore, ScalingAnnouncer, ScalingStore, ScalingTarget
from functions.usage_reading import waits

GONE = "the group is not in the scaling policy any more"


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What the use case works with."""

    fleet: FleetStore
    rollups: RollupStore
    evidence: EvidenceReader
    scaling: ScalingStore
    alerts: AlertStore
    announcer: ScalingAnnouncer
    target: ScalingTarget


@dataclass(slots=True)
class RunReport:
    """What a run did."""

    decisions: list[Decision] = field(default_factory=list)
    """Of all groups."""
    told: list[tuple[str, Told]] = field(default_factory=list)
    """Group, and what alerting was told of it."""
    warnings: list[str] = field(default_factory=list)


class ScalingService:
    """The use case over its ports; one a process, for what evidence remembers."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def run(self, workspace: str, now: int) -> RunReport:
        """Decide on every group as of `now` (ms). Safe to repeat, and to run beside another run. Raises `StoreUnavailable`."""
        report = RunReport()
        document = self._parts.fleet.settings(workspace, DOCUMENT) or {}
        known = {state.group: state for state in self._parts.scaling.scaling_states(workspace)}
        if not document and not known:
            return report
        try:
            policies = parse_policy(document)
        except InvalidInput as error:
            report.warnings.append(f"the scaling policy is not valid any more, nothing is decided: {error}")
            return report
        run = _Run(self._parts, workspace, now, report)
        run.decide(policies, known)
        run.forget(state for name, state in known.items() if name not in {policy.name for policy in policies})
        return report


class _Run:
    """One run for one workspace."""

    def __init__(self, parts: Parts, workspace: str, now: int, report: RunReport) -> None:
        self._parts, self._workspace, self._now, self._report = parts, workspace, now, report

    def decide(self, policies: Iterable[GroupPolicy], known: dict[str, GroupState]) -> None:
        """Decide on each group; one that a store keeps from being saved or told holds up no other."""
        policies = list(policies)
        if not policies:
            return
        found = self._parts.evidence.read(self._workspace, RULES, self._now)
        self._report.warnings += found.warnings
        usual = self._usual(policies, known, found.evidence)
        dead_s = self._dead_s()
        for policy in policies:
            state = known.get(policy.name)
            observed = observe(policy, found.evidence, usual.get(policy.name), dead_s)
            if observed is not None:
                decision = decide(policy, observed, _memory(state, policy), self._now)
                self._report.decisions.append(decision)
                state = self._saved(state, next_state(state, policy, decision, usual.get(policy.name), self._now))
            if state is not None and state.waiting:
                self._carry_out(state)

    def forget(self, states: Iterable[GroupState]) -> None:
        """Drop groups that the policy does not have any more, once their alerts are ended."""
        for state in states:
            over = [
                Told(signal=signal, began=False, at=self._now, since=since, text=GONE)
                for signal, since in state.decision.memory.episodes.items()
            ]
            if self._tell(replace(state, untold=[*state.untold, *over])).untold:
                continue
            self._parts.scaling.forget_scaling(self._workspace, state)

    def _dead_s(self) -> float:
        try:
            return WorkspaceSettings.parse(self._parts.fleet.settings(self._workspace, SETTINGS)).health.heartbeat_dead_s
        except InvalidInput:
            return WorkspaceSettings().health.heartbeat_dead_s

    def _saved(self, before: GroupState | None, after: GroupState | None) -> GroupState | None:
        """The state that is stored now; None when another run was faster, which then does what is to be done."""
        if after is None:
            return before
        if self._parts.scaling.save_scaling(self._workspace, after, after.decision):
            return after
        self._report.warnings.append(f"{after.group}: another run decided at the same time: this one left the rest to it")
        return None

    def _carry_out(self, state: GroupState) -> None:
        """Tell and do what waits, and note what went through; the rest waits for the next run."""
        done = self._tell(self._announce(state))
        done = replace(done, target=self._put_into_effect(done.target))
        if done != state and not self._parts.scaling.save_scaling(self._workspace, replace(done, version=state.version + 1)):
            self._report.warnings.append(f"{state.group}: another run decided meanwhile; what was told may be told again")

    def _announce(self, state: GroupState) -> GroupState:
        left = list(state.unannounced)
        try:
            while left:
                self._parts.announcer.announce(self._workspace, left[0])
                left.pop(0)
        except StoreUnavailable as error:
            self._report.warnings.append(f"{state.group}: {len(left)} changes wait to be announced: {error}")
        return replace(state, unannounced=left)

    def _tell(self, state: GroupState) -> GroupState:
        tags = {matcher.key: matcher.value for matcher in Selector.parse(state.tags).matchers if matcher.operator == "="}
        try:
            self._parts.alerts.post(self._workspace, [edge_of(state.group, tags, told) for told in state.untold])
        except StoreUnavailable as error:
            self._report.warnings.append(f"{state.group}: alerting could not be told, the next run does it: {error}")
            return state
        self._report.told += [(state.group, told) for told in state.untold]
        return replace(state, untold=[])

    def _put_into_effect(self, wanted: Setting | None) -> Setting | None:
        if wanted is None or wanted.done is not None:
            return wanted
        try:
            now = self._parts.target.capacity(wanted.asg)
            if wanted.capacity > now if wanted.action is Action.GROW else wanted.capacity < now:
                self._parts.target.set_capacity(wanted.asg, wanted.capacity)
        except (StoreUnavailable, TargetRefused) as error:
            self._report.warnings.append(f"{wanted.asg} was not set to {wanted.capacity}: {error}")
            return replace(wanted, error=str(error))
        return replace(wanted, done=self._now, error="")

    def _usual(self, policies: list[GroupPolicy], known: dict[str, GroupState], evidence: Evidence) -> dict[str, Usual]:
        """What is usual in each group; made anew each hour, and for a group whose agents are others now."""
        hour = (self._now - HOUR_SETTLES_MS) // HOUR_MS
        stored = {name: state.usual for name, state in known.items() if state.usual}
        kept = {p.name: stored[p.name] for p in policies if p.name in stored and stored[p.name].tags == p.tags}
        due = [policy for policy in policies if policy.name not in kept or kept[policy.name].hour != hour]
        if not due:
            return kept
        tags = TagSets()
        try:
            hours = self._hours(hour, evidence, tags)
            return kept | {policy.name: usual_of(policy, hour, hours, tags) for policy in due}
        except (StoreError, Damaged) as error:
            self._report.warnings.append(f"what is usual could not be read, the last known holds: {error}")
            return kept

    def _hours(self, hour: int, evidence: Evidence, tags: TagSets) -> list[Columns]:
        """The hours before one, oldest first; without those that wait to be built."""
        found: list[Columns] = []
        for start in range(hour - BASELINE_HOURS, hour, HOURS_PER_DAY):
            stored = self._parts.rollups.read_group(self._workspace, Resolution.HOUR, start, start + HOURS_PER_DAY)
            numbers = range(start, start + HOURS_PER_DAY)
            found += [Columns(stored.get(hour), tags) for hour in numbers if hour in stored or not waits(evidence.snapshot, hour)]
        return found


def _memory(state: GroupState | None, policy: GroupPolicy) -> Memory:
    """What is remembered; of a group whose agents are others now only what has been told of it, so that it is ended."""
    if state is None:
        return Memory()
    memory = state.decision.memory
    return memory if state.tags == policy.tags else Memory(time=memory.time, episodes=memory.episodes)


def run_all(
    workspaces: Iterable[str], scaling: ScalingService, now: Callable[[], int], faults: list[StoreError]
) -> Iterable[tuple[str, RunReport]]:
    """One run a workspace; one that fails keeps no other from it, and is noted in `faults`."""
    for workspace in workspaces:
        try:
            yield workspace, scaling.run(workspace, now())
        except StoreError as error:
            faults.append(error)
