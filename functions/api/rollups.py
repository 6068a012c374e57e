"""Reads the rollups that a plan names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from functions.api.endpoint import Call
from functions.domain.rollup_codec import Table
from functions.domain.series import AGENT
from functions.domain.series_bins import Part
from functions.domain.spans import Span, bucket_ms
from functions.ports import Resolution

READERS = 8


def group_parts(call: Call, spans: Sequence[Span]) -> Iterator[Part]:
    """The workspace's group rollups."""
    for span in spans:
        found = call.services.rollups.read_group(call.caller.workspace, Resolution(span.unit), span.first, span.last)
        for bucket, data in sorted(found.items()):
            yield Part(bucket_ms(span.unit, bucket), Table(data))


def agent_parts(call: Call, spans: Sequence[Span], agents: Mapping[str, Mapping[str, str]]) -> Iterator[Part]:
    """Rollups of single agents, each with the agent's tags; the store is asked for several at a time."""

    def read(agent: str) -> list[tuple[int, bytes]]:
        store, workspace = call.services.rollups, call.caller.workspace
        found = [(span.unit, store.read_agent(workspace, agent, Resolution(span.unit), span.first, span.last)) for span in spans]
        return [(bucket_ms(unit, bucket), data) for unit, buckets in found for bucket, data in sorted(buckets.items())]

    with ThreadPoolExecutor(READERS) as pool:
        for (agent, tags), found in zip(agents.items(), pool.map(read, agents), strict=True):
            for time, data in found:
                yield Part(time, Table(data), {AGENT: agent, **tags})


def parts(call: Call, spans: Sequence[Span], agents: Mapping[str, Mapping[str, str]] | None) -> Iterator[Part]:
    """Rollups of these agents, or (None) of the group."""
    return group_parts(call, spans) if agents is None else agent_parts(call, spans, agents)
