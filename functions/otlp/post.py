"""One request on its way: whose it is, what it may cost, and the plans of the batches that it makes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import TYPE_CHECKING, Final

from functions.domain import intake
from functions.domain.intake import WritePlan
from functions.domain.otlp_points import Refusals
from functions.domain.otlp_resource import Options, exporter_id
from functions.domain.otlp_samples import Envelope, Sample, batch_text, parted
from functions.domain.rollup import TagPairs
from functions.domain.times import minute_of
from functions.intake import Sender

if TYPE_CHECKING:
    from opentelemetry.proto.resource.v1.resource_pb2 import Resource

EPOCH: Final = "otlp"
"""Of batches whose id is made of a request's bytes."""
MAX_POINTS: Final = 20_000
"""That one request may bring, so that it is done within the function's time."""
MAX_ITEMS: Final = 300
"""Likewise the batch items that it may make: one an agent, batch and minute."""
TOO_MUCH: Final = f"are beyond the {MAX_POINTS} points and {MAX_ITEMS} batches' minutes of one request; send smaller ones"
_SEQ_BITS = 52


@dataclass(slots=True)
class Post:
    """One request."""

    sender: Sender
    options: Options
    digest: str
    """Of the request's bytes."""
    now: int
    dimensions: frozenset[str]
    keeps_raw: bool
    refusals: Refusals = field(default_factory=Refusals)
    points: int = 0
    items: int = 0

    def seq(self, *place: int) -> int:
        """The number of a batch: the same for the same bytes."""
        made = sha256(f"{self.digest}:{':'.join(map(str, place))}".encode()).digest()
        return int.from_bytes(made[:8]) >> (64 - _SEQ_BITS)

    def spend(self, points: int, items: int) -> bool:
        """Whether so much is still possible, counting it in if so."""
        if self.points + points > MAX_POINTS or self.items + items > MAX_ITEMS:
            return False
        self.points += points
        self.items += items
        return True

    def plan(self, text: bytes, refusals: Refusals, scope: TagPairs | None = None) -> WritePlan:
        """The plan of a batch, as for the sender's tag scope unless another is given; raises `NotAllowed`."""
        plan = intake.plan(
            text,
            workspace=self.sender.workspace,
            dimensions=self.dimensions,
            scope=self.sender.scope if scope is None else scope,
            now=self.now,
            raw=self.keeps_raw,
        )
        for rejection in plan.rejected.listed:
            refusals.add(rejection.reason)
        refusals.count += plan.rejected.count - len(plan.rejected.listed)
        return plan


@dataclass(frozen=True, slots=True)
class Unit:
    """What one resource of a request sent."""

    post: Post
    number: int
    """Its place in the request."""
    head: Envelope
    resource: Resource

    @property
    def exporter(self) -> str:
        """Id of the exporter."""
        return exporter_id(self.resource, self.post.sender.scope)

    def plans(self, found: Iterable[Sample], kind: int = 0) -> list[WritePlan]:
        """The plans of what stands for itself; `kind` tells apart what one request makes."""
        post, plans = self.post, []
        for place, part in enumerate(parted(found)):
            if post.spend(len(part), len({minute_of(sample.time) for sample in part})):
                text = batch_text(self.head, EPOCH, post.seq(self.number, kind, place), part)
                plans.append(post.plan(text, post.refusals))
            else:
                post.refusals.add(TOO_MUCH, len(part))
        return plans

    def heartbeat(self) -> list[WritePlan]:
        """The plan of an empty batch, if the request may still make one."""
        post = self.post
        return [post.plan(batch_text(self.head, EPOCH, post.seq(self.number), []), post.refusals)] if post.spend(0, 1) else []


def for_the_feed(plan: WritePlan) -> WritePlan:
    """The plan with its raw records, and of the rollups only a sign of life."""
    return replace(plan, items=[replace(plan.items[-1], minute=minute_of(plan.time), rollup={})], late=frozenset())
