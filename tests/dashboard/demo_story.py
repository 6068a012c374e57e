"""The demo's fleet on the local cloud, with some past hours and what people do to a fleet: what the page is looked at with."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from clawpulse import Client
from clawpulse.cli._api import Api, CommandError
from demo.fleet import Fleet, SdkClient, agent_tags
from demo.profiles import Member, Role, Work, draw, fleet
from demo.workspace import prepared
from functions.domain.times import HOUR_MS, MINUTE_MS
from tests.cli.live import wait_for

AGENTS = 15
PATIENCE_S = 300.0
"""For anything that the cloud does by itself: minutes are sealed, hours built."""
HOURS = (-3, -2)
"""Past ones that have tasks, counted from the one under way: whole hours are what ledger, tracker and reports are made from."""
PAST_TASKS = 12
"""Of each agent in each of them."""
DRAIN_S = 60.0
BUDGET_USD = 9_000
"""So much that no alert comes of it, which would outlive the story."""
MODEL = "anthropic/claude-page-1"


def until[T](look: Callable[[], T]) -> T:
    """The first true answer."""
    return wait_for(look, PATIENCE_S)


@dataclass
class Story:
    """Who is in the fleet, and what was made; all of it is named after the run, for the cloud is shared with other tests."""

    api: Api
    run: str = field(default_factory=lambda: f"page-{uuid4().hex[:6]}")
    past: dict[Member, list[Work]] = field(default_factory=dict)
    rollout: str = ""
    report: str = ""

    def __post_init__(self) -> None:
        self.members = fleet(AGENTS, f"-{self.run[5:]}")
        hour = time.time_ns() // 1_000_000 // HOUR_MS
        self.hours = [hour + at for at in HOURS]
        self.start, self.end = self.hours[0] * HOUR_MS, (self.hours[-1] + 1) * HOUR_MS

    @property
    def tags(self) -> str:
        """Selects the fleet."""
        return f"env={self.run}"

    @property
    def period(self) -> dict[str, str]:
        """The past hours, as the API takes them."""
        return {"start": _moment(self.start), "end": _moment(self.end)}

    def of(self, role: Role) -> str:
        """The id of the agent with a role."""
        return next(member.id for member in self.members if member.role is role)

    def agents(self) -> list[dict[str, Any]]:
        """As the API has them now."""
        found: list[dict[str, Any]] = self.api.get("api/dashboard/instances", tags=self.tags)["instances"]
        return found

    def failed(self) -> int:
        """How many tasks failed, as far as the API knows."""
        return sum(kind["count"] for kind in self.api.get("api/errors", tags=self.tags, range="24h")["errors"])

    def alert(self) -> dict[str, Any] | None:
        """That of the zombie, once it fires and belongs to an incident."""
        found = self.api.get("api/alerts", tags=self.tags)["alerts"]
        return next((one for one in found if one["rule"] == self.run and one["phase"] == "firing" and one["incident"]), None)

    def post_past(self) -> None:
        """What each agent did in the past hours."""
        rng = random.Random(self.run)
        for member in self.members:
            works = self.past[member] = [draw(member, rng) for _ in range(PAST_TASKS * len(HOURS))]
            answer = self.api.send("POST", "v1/batches", _batch(member, works, self.run, self.hours))
            assert answer["rejectedCount"] == 0, answer


@contextmanager
def told(api: Api, seed: str) -> Iterator[tuple[Story, Fleet]]:
    """The fleet at work, and all that is made; taken back at the end."""
    story = Story(api)
    with ExitStack() as undo:
        tokens = undo.enter_context(prepared(api))
        undo.callback(_retire, story)
        story.post_past()
        for document in _documents(story):
            undo.enter_context(_changed(api, *document))

        def client(member: Member) -> SdkClient:
            info = {"name": member.id, "model": member.tier.model}
            return Client(url=api.url, token=tokens.ingest, agent=member.id, tags=agent_tags(member, story.run), info=info, spool="off")

        working = Fleet(story.members, client, seed)
        undo.callback(working.stop)
        working.start()
        _things(story, undo)
        yield story, working


def _documents(story: Story) -> list[tuple[str, str, Callable[[Any], Any]]]:
    """Route, what of the answer is the document, and the change."""
    rule = {
        "name": story.run,
        "severity": "critical",
        "per": "agent",
        "select": f"agent={story.of(Role.ZOMBIE)}",
        "when": {"health": ["red"]},
    }
    group = {"tags": f"{story.tags},tier=fast", "min": 2, "max": 40}
    return [
        ("api/rules", "own", lambda own: {**own, "rules": [*own.get("rules", []), rule]}),
        ("api/budgets", "", lambda budgets: {**budgets, story.tags: {"usd_per_day": BUDGET_USD}}),
        ("api/scaling-policy", "", lambda policy: {**policy, "groups": {**policy.get("groups", {}), story.run: group}}),
    ]


@contextmanager
def _changed(api: Api, route: str, member: str, change: Callable[[Any], Any]) -> Iterator[None]:
    answer = api.get(route)
    before = answer[member] if member else answer
    api.send("PUT", route, change(before))
    try:
        yield
    finally:
        api.send("PUT", route, before)


def _things(story: Story, undo: ExitStack) -> None:
    """A token, a silence, a tag, a rollout that no agent applies, a report about the past."""
    api = story.api
    token = api.send("POST", "api/tokens", {"name": story.run, "scopes": ["read"], "tags": {"env": story.run}})["id"]
    undo.callback(_sent, api, "DELETE", f"api/tokens/{token}")
    silence = api.send("POST", "api/silences", {"matchers": f"agent={story.of(Role.FAILING)}", "for": "2h", "comment": story.run})["id"]
    undo.callback(_sent, api, "DELETE", f"api/silences/{silence}")
    until(lambda: len(story.agents()) == AGENTS)
    api.send("PATCH", f"api/agents/{story.members[0].id}", {"tags": {"team": story.run}})
    wanted = {"title": story.run, "tags": f"{story.tags},tier=fast", "model": MODEL, "policy": {"apply_s": "1h"}}
    story.rollout = api.send("POST", "api/rollouts", wanted)["rollout"]["id"]
    undo.callback(_sent, api, "POST", f"api/rollouts/{story.rollout}/stop", {"comment": ""})
    until(lambda: api.get("api/cost", tags=story.tags, **story.period)["total"]["tasks"] == sum(map(len, story.past.values())))
    story.report = api.send("POST", "api/reports", {**story.period, "tags": story.tags})["id"]


def _retire(story: Story) -> None:
    """They stay in the inventory, and nobody is told that they are silent; what is forgotten comes back with the last minute's batches."""
    for member in story.members:
        _sent(story.api, "PATCH", f"api/agents/{member.id}", {"retired": True})


def _sent(api: Api, method: str, path: str, body: Mapping[str, Any] | None = None) -> None:
    """What is taken back may be gone by itself."""
    with suppress(CommandError):
        api.send(method, path, body)


def _batch(member: Member, works: Sequence[Work], env: str, hours: Sequence[int]) -> dict[str, Any]:
    """Tasks of past hours in one post, all of them in one minute of each hour."""
    now = time.time_ns() // 1_000_000
    place = [divmod(number, PAST_TASKS) for number in range(len(works))]
    times = [hours[at] * HOUR_MS + 17 * MINUTE_MS + second * 1_000 - now for at, second in place]
    ids = [f"{member.id}-past-{number}" for number in range(len(works))]
    good = [number for number, work in enumerate(works) if work.error is None]
    bad = [number for number, work in enumerate(works) if work.error is not None]

    def points(name: str, of: Sequence[int], **more: Any) -> dict[str, Any]:
        attributes = {"task_id": [ids[number] for number in of]}
        return {
            "name": name,
            "tags": {"tier": member.tier.name, "shard": member.shard},
            "times": [times[n] for n in of],
            "attributes": attributes,
            **more,
        }

    done = {
        "task.latency_ms": [work.seconds * 1_000 for work in works],
        "task.tokens_in": [float(work.tokens_in) for work in works],
        "task.tokens_out": [float(work.tokens_out) for work in works],
        "task.cost_usd": [work.cost_usd for work in works],
    }
    every = range(len(works))
    kinds = {"task.started": every, "task.completed": good, "task.failed": bad}
    return {
        "v": 1,
        "agent": member.id,
        "epoch": "past",
        "seq": 0,
        "time": now,
        "tags": dict(agent_tags(member, env)),
        "info": {"name": member.id, "model": member.tier.model},
        "series": [points(name, every, values=values) for name, values in done.items()],
        "events": [points(name, of) for name, of in kinds.items() if of],
    }


def _moment(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
