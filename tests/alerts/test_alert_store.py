"""What the adapter does with items that it cannot read; all else is in the contracts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from functions.adapters import alert_table as table
from functions.adapters.alerts import Alerts
from functions.domain.alert import AlertState, Edge, EdgeKind, Severity
from functions.domain.incident import open_incident

WS = "acme"
STATE = AlertState(rule="dead", series={"agent": "a1"}, version=1)
EDGE = Edge(id="e1:firing", kind=EdgeKind.FIRING, rule="dead", episode="e1", at=1_000, since=900, severity=Severity.CRITICAL)
INCIDENT = open_incident("all", {"rule": "dead"}, EDGE)
SOUND = [table.state_item(WS, STATE), table.edge_item(WS, EDGE), table.incident_item(table.incidents(WS), INCIDENT)]


class Table:
    """Answers queries from items."""

    def __init__(self, items: list[Any]) -> None:
        self._items = items

    def get_paginator(self, _name: str) -> Table:
        return self

    def paginate(self, **request: Any) -> Iterator[Any]:
        yield {"Items": [item for item in self._items if item["p"] == request["ExpressionAttributeValues"][":p"]]}


def test_a_damaged_item_costs_only_itself_and_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    damaged = [{**item, "s": {"S": "damaged"}, "d": {"B": item["d"]["B"][:-3]}} for item in SOUND]
    client: Any = Table([*damaged, *SOUND])
    alerts = Alerts(client, "alerts")
    assert alerts.states(WS) == [STATE]
    assert alerts.outbox(WS, 10) == [EDGE]
    assert alerts.incidents(WS) == alerts.history(WS, 0) == [INCIDENT]
    for partition in ("state", "outbox", "incident"):
        assert f"acme|{partition} damaged" in caplog.text
