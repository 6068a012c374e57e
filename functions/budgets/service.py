"""Budgets: each minute what groups have used is counted, and budgets that say so pause their agents or change their model.

    evidence ─▶ use (stored: the API shows it) ─▶ states ─▶ decisions ─▶ claims, rollouts, lifts

Every act is claimed by a write on condition before its rollout is started (`domain.budget_acts`). What is done then is the rollout's: its
waves, audit log and notices. Nothing is done for a budget without `act`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import msgspec
from msgspec.structs import replace

from functions.domain import budget_acts, budget_use
from functions.domain.alert_budgets import DOCUMENT, parse_acts, parse_budgets
from functions.domain.alert_memo import Memo
from functions.domain.budget_acts import Act, ActPhase, Acts, Decision, decisions, key_of
from functions.domain.budget_rollouts import POLICY, Way, lift_of, patched
from functions.domain.budget_state import BudgetState, Level, budget_states
from functions.domain.desired import hash_of
from functions.domain.errors import Conflict, InvalidInput, NotFound
from functions.domain.fleet import AgentState
from functions.domain.rollout import FINAL, UNMANAGED, UNMANAGED_TEXT, Action, Member, Phase
from functions.domain.rollout_plan import new_id
from functions.domain.selector import parse_tags
from functions.evidence import EvidenceReader
from functions.ports import FleetStore
from functions.rollout_launch import Launch, Parts, command, launch

BY = "clawpulse"
"""Who acts, in audit logs."""
ID_BYTES = 4


class Overtaken(Exception):  # never leaves the service, where it ends a run
    """Another run wrote the acts since this one read them."""


@dataclass(slots=True)
class RunReport:
    """What a run did."""

    states: list[BudgetState] = field(default_factory=list)
    started: list[str] = field(default_factory=list)
    """Ids of rollouts that act."""
    lifted: list[str] = field(default_factory=list)
    """Ids of rollouts that put agents back."""
    notes: dict[str, str] = field(default_factory=dict)
    """By `budget_acts.key_of`: why nothing was done where something was called for."""
    warnings: list[str] = field(default_factory=list)


class BudgetService:
    """The use case over its ports; one a process, for what evidence remembers."""

    def __init__(self, fleet: FleetStore, evidence: EvidenceReader, parts: Parts, random: Callable[[int], bytes]) -> None:
        """`random` gives so many unpredictable bytes."""
        self._fleet, self._evidence, self._parts, self._random = fleet, evidence, parts, random
        self._memo = Memo()

    def run(self, workspace: str, now: int) -> RunReport:
        """Count, and act, as of `now` (ms). Safe to repeat, and to run beside another run. Raises `StoreUnavailable`."""
        report = RunReport()
        document = self._fleet.settings(workspace, DOCUMENT) or {}
        acts = self._fleet.settings(workspace, budget_acts.DOCUMENT)
        if not document and not (acts or {}).get("acts"):
            return report
        found = self._evidence.read(workspace, budget_use.RULES, now)
        report.warnings += found.warnings
        evidence = found.evidence
        try:
            # Evidence takes faulty budgets for none; here they are to change nothing.
            numbers, wanted = parse_budgets(document, evidence.dimensions), parse_acts(document)
            known = msgspec.convert(acts or {}, Acts).acts
        except (InvalidInput, msgspec.ValidationError) as error:
            report.warnings.append(f"the budgets, or what they did, are not valid; nothing is done: {error}")
            return report
        if evidence.settled is None or evidence.snapshot is None:
            report.warnings.append("no minute is sealed, or the snapshot cannot be read: nothing is counted")
            return report
        counted = budget_use.count(evidence, self._memo)
        report.states = budget_states(numbers, wanted, counted, now)
        agents = {id: state for id, state in evidence.snapshot.agents.items() if state.first_seen is not None and not state.retired}
        try:
            _Round(self, workspace, agents, _Book(acts, known), report, now).play()
        finally:
            # What is used is shown whatever becomes of acting.
            stored = replace(counted, notes=report.notes)
            self._fleet.put_settings(workspace, budget_use.DOCUMENT, msgspec.to_builtins(stored))
        return report


class _Book(NamedTuple):
    """The acts as they are stored, and as they were read."""

    stored: Mapping[str, object] | None
    acts: Mapping[str, Act]


class _Round:
    """One run's acting."""

    def __init__(
        self,
        service: BudgetService,
        workspace: str,
        agents: Mapping[str, AgentState],
        book: _Book,
        report: RunReport,
        now: int,
    ) -> None:
        self._fleet, self._parts, self._random = service._fleet, service._parts, service._random
        self._workspace, self._agents, self._report, self._now = workspace, agents, report, now
        self._stored, self._acts = book
        self._states = {key_of(state.group, state.budget): state for state in report.states if state.act is not None}

    def play(self) -> None:
        try:
            for key, (decision, blocker) in decisions(self._acts, self._states, self._overlap, self._now).items():
                self._note(key, blocker)
                self._carry_out(key, decision)
        except Overtaken:
            self._report.warnings.append("another run acts at the same time: this one left the rest to it")

    def _carry_out(self, key: str, decision: Decision) -> None:
        match decision:
            case Decision.START:
                self._start(key, self._acts.get(key))
            case Decision.LIFT:
                self._lift(key, self._acts[key])
            case Decision.WATCH:
                self._watch(key, self._acts[key])
            case Decision.FORGET:
                self._put(key, None)

    def _start(self, key: str, act: Act | None) -> None:
        state = self._states.get(key)
        claimed = act if act and act.phase in budget_acts.STARTING else None
        if claimed and self._parts.rollouts.head(self._workspace, claimed.rollout):
            self._move(key, claimed, ActPhase.IN_FORCE)
            return
        if state is None or state.act is None or state.level is not Level.ACT:
            self._put(key, None)
            return
        wanted = self._launch_of(state)
        if not self._changes(wanted):
            self._note(key, "no agent of the group would change" if wanted.targets else "no agent has the tags of the group")
            if claimed:
                self._put(key, None)
            return
        id = claimed.rollout if claimed else new_id(self._now, self._random(ID_BYTES))
        claim = self._put(key, _claim(state, id, self._now))
        try:
            rollout = launch(self._parts, self._workspace, wanted, id=id, now=self._now)
        except (Conflict, InvalidInput) as error:
            self._note(key, f"waits: {error}")
            self._move(key, claim, ActPhase.WAITING, detail=str(error))
            return
        if rollout is None:
            self._put(key, None)
            return
        self._move(key, claim, ActPhase.IN_FORCE)
        self._report.started.append(id)

    def _launch_of(self, state: BudgetState) -> Launch:
        if state.act is None:
            raise ValueError(f"{state.budget} of {state.group} acts never")
        tags = {id: agent.tags for id, agent in self._agents.items() if dict(state.tags).items() <= agent.tags.items()}
        hashes = self._parts.desired.hashes(self._workspace)
        texts = self._texts({hashes[agent]: agent for agent in tags if agent in hashes})
        targets, faults = patched(state.act.patch, {agent: texts.get(hashes.get(agent, UNMANAGED), "") for agent in tags})
        self._report.warnings += faults
        return Launch(
            title=f"budget {state.group or 'of the workspace'}: {state.share or 0:.2f} of {state.budget}: {state.act.done}",
            by=BY,
            targets=targets,
            tags=tags,
            policy=POLICY,
            # Agents of the group that come while it is under way come along.
            selector=state.group,
            change={"patch": dict(state.act.patch), "budget": state.budget, "group": state.group},
        )

    def _texts(self, wanted: Mapping[str, str]) -> dict[str, str]:
        """Documents by hash; `wanted` names for each hash an agent that had it a moment ago."""
        known = {UNMANAGED: UNMANAGED_TEXT} | self._parts.rollouts.documents(self._workspace, wanted)
        for hash, agent in wanted.items():
            if hash not in known and (found := self._parts.desired.get(self._workspace, agent)):
                known[found.hash] = found.text
        return known

    def _changes(self, wanted: Launch) -> bool:
        hashes = self._parts.desired.hashes(self._workspace)
        return any(hash_of(text) != hashes.get(agent, UNMANAGED) for agent, text in wanted.targets.items())

    def _lift(self, key: str, act: Act) -> None:
        if act.lift and self._parts.rollouts.head(self._workspace, act.lift):
            # A run that claimed it came so far.
            self._move(key, act, ActPhase.LIFTING)
            return
        found = self._parts.rollouts.read(self._workspace, act.rollout)
        if found is None:
            self._move(key, act, ActPhase.OVER, detail="its rollout is not known any more")
            return
        rollout, waves = found
        if rollout.phase not in FINAL:
            self._turn_around(key, act, rollout.phase)
            return
        way = self._way_back(act, [member for wave in waves for member in wave.members])
        self._report.warnings += [f"{key}: {fault}" for fault in way.faults]
        if not way.targets:
            self._move(key, act, ActPhase.OVER, detail="; ".join(way.faults) or "no agent has it any more")
            return
        self._put_back(key, act, way)

    def _turn_around(self, key: str, act: Act, phase: Phase) -> None:
        """A rollout that is under way is turned around itself."""
        try:
            if phase is not Phase.REVERTING:
                detail = f"the budget {act.budget} is not used up any more"
                command(self._parts, self._workspace, act.rollout, Action.ABORT, by=BY, now=self._now, detail=detail)
        except (Conflict, NotFound) as error:
            self._note(key, f"waits: {error}")
            self._move(key, act, ActPhase.LIFT_WAITING, detail=str(error))
            return
        self._move(key, replace(act, lift=act.rollout), ActPhase.LIFTING)
        self._report.lifted.append(act.rollout)

    def _put_back(self, key: str, act: Act, way: Way) -> None:
        id = act.lift or new_id(self._now, self._random(ID_BYTES))
        claim = self._move(key, replace(act, lift=id), ActPhase.LIFT_CLAIMED)
        why = "the period is over" if self._now >= act.end else "the budget allows more"
        wanted = Launch(
            title=f"budget {act.group or 'of the workspace'}: {act.budget}: {act.done} lifted, {why}",
            by=BY,
            targets=way.targets,
            tags=way.tags,
            policy=POLICY,
            change={"lifts": act.rollout},
        )
        try:
            rollout = launch(self._parts, self._workspace, wanted, id=id, now=self._now)
        except (Conflict, InvalidInput) as error:
            self._note(key, f"waits: {error}")
            self._move(key, claim, ActPhase.LIFT_WAITING, detail=str(error))
            return
        if rollout is None:
            self._move(key, claim, ActPhase.OVER)
            return
        self._move(key, claim, ActPhase.LIFTING)
        self._report.lifted.append(id)

    def _way_back(self, act: Act, members: list[Member]) -> Way:
        texts = self._parts.rollouts.documents(self._workspace, [member.before for member in members])
        return lift_of(members, self._parts.desired.hashes(self._workspace), {UNMANAGED: UNMANAGED_TEXT} | texts)

    def _watch(self, key: str, act: Act) -> None:
        head = self._parts.rollouts.head(self._workspace, act.lift)
        if head is None or head.phase in FINAL:
            self._move(key, act, ActPhase.OVER, detail="" if head is None else head.phase.value)

    def _overlap(self, one: str, other: str) -> bool:
        """Whether two groups share an agent."""
        wanted = parse_tags(one).items() | parse_tags(other).items()
        return any(wanted <= agent.tags.items() for agent in self._agents.values())

    def _note(self, key: str, text: str) -> None:
        if text:
            self._report.notes[key] = text

    def _move(self, key: str, act: Act, phase: ActPhase, detail: str = "") -> Act:
        return self._put(key, replace(act, phase=phase, since=self._now, detail=detail))

    def _put[A: (Act, None)](self, key: str, act: A) -> A:
        """Store one act, if all are as this run knows them; raises `Overtaken`."""
        acts = {other: known for other, known in self._acts.items() if other != key} | ({} if act is None else {key: act})
        stored = msgspec.to_builtins(Acts(acts))
        if not self._fleet.replace_settings(self._workspace, budget_acts.DOCUMENT, stored, self._stored):
            raise Overtaken
        self._stored, self._acts = stored, acts
        return act


def _claim(state: BudgetState, rollout: str, now: int) -> Act:
    if state.act is None or state.threshold is None:
        raise ValueError(f"{state.budget} of {state.group} acts never")
    return Act(
        group=state.group,
        budget=state.budget,
        end=state.end,
        until=state.act.until,
        threshold=state.threshold,
        done=state.act.done,
        patch=json.loads(json.dumps(state.act.patch)),
        phase=ActPhase.CLAIMED,
        since=now,
        began=now,
        rollout=rollout,
    )
