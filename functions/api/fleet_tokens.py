"""How many tokens agents used lately, each by its own rollups, within what one request may take."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

from functions.api.endpoint import Call
from functions.domain.fleet import AgentState
from functions.domain.fleet_cost import HISTORY_MS, Tokens
from functions.domain.rollup_codec import Table
from functions.domain.spans import HOUR_SETTLES_MS, Span
from functions.domain.tasks import TOKENS_IN, TOKENS_OUT
from functions.domain.times import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS
from functions.ports import Resolution

READERS = 16
"""Requests at once: as many as the client has connections."""
READING_MS = 12 * SECOND_MS
"""As long may reading take: the gateway waits 29 s for all."""
LEAST_MS = 10 * MINUTE_MS
"""A shorter history says nothing of a month."""


def tokens_of(call: Call, agents: Iterable[AgentState]) -> dict[str, Tokens]:
    """What each agent used in the last seven days, as far as its history goes; agents without any are absent."""
    states = list(agents)
    with ThreadPoolExecutor(READERS) as pool:
        found = pool.map(lambda state: _tokens(call, state), states)
        return {state.id: tokens for state, tokens in zip(states, found, strict=True) if tokens}


def _tokens(call: Call, state: AgentState) -> Tokens | None:
    span = _span(state.first_seen, call.now)
    if span is None:
        return None
    if call.services.now() > call.now + READING_MS:
        return Tokens(None, None, 0.0, f"its history could not be read within {READING_MS // SECOND_MS} s")
    found = call.services.rollups.read_agent(call.caller.workspace, state.id, Resolution(span.unit), span.first, span.last)
    sums: dict[str, float] = {}
    for data in found.values():
        for row in Table(data).rows((TOKENS_IN, TOKENS_OUT), sketches=False):
            sums[row.key.name] = sums.get(row.key.name, 0.0) + row.sum
    start = max(span.start_ms, state.first_seen or 0)
    return Tokens(sums.get(TOKENS_IN), sums.get(TOKENS_OUT), (span.end_ms - start) / DAY_MS)


def _span(first_seen: int | None, now: int) -> Span | None:
    """Whole hours; minutes of an agent that has none yet."""
    if first_seen is None:
        return None
    start, settled = max(first_seen, now - HISTORY_MS), (now - HOUR_SETTLES_MS) // HOUR_MS
    if settled * HOUR_MS - start >= HOUR_MS:
        return Span("h", -(-start // HOUR_MS) if start > first_seen else start // HOUR_MS, settled)
    last = now // MINUTE_MS - 1
    return Span("m", start // MINUTE_MS, last) if last * MINUTE_MS - start >= LEAST_MS else None
