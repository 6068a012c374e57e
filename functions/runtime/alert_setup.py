"""How a workspace is told of alerts, read from its documents: channels, routes, inhibitions, silences.

A document that is not valid (a later release, a hand in the table) must not keep anybody from being told: without sound routes everything
goes to every channel, and a sentence says so.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from functions.domain.alert_routes import Routing, parse_routing
from functions.domain.dispatch import Setup
from functions.domain.errors import InvalidInput
from functions.domain.inhibition import Inhibition, parse_inhibitions
from functions.domain.silence import Silence
from functions.ports import AlertStore, FleetStore

CHANNELS, ROUTES, INHIBITIONS = "channels", "routes", "inhibitions"
"""Names of the settings documents."""


def setup_reader(fleet: FleetStore, alerts: AlertStore, dashboard: str | None = None) -> Callable[[str], tuple[Setup, list[str]]]:
    """What `alerts.service.Parts.setup` wants: by workspace the setup, and what is wrong with its documents."""
    return lambda workspace: read_setup(fleet, alerts, workspace, dashboard)


def read_setup(fleet: FleetStore, alerts: AlertStore, workspace: str, dashboard: str | None = None) -> tuple[Setup, list[str]]:
    """Read the setup of a workspace; raises `StoreUnavailable`."""
    faults: list[str] = []
    setup = Setup(
        routing=_routing(fleet.settings(workspace, ROUTES), fleet.settings(workspace, CHANNELS) or {}, faults),
        inhibitions=_inhibitions(fleet.settings(workspace, INHIBITIONS), faults),
        silences=_silences(alerts.silences(workspace), faults),
        dashboard=dashboard,
    )
    return setup, faults


def _routing(document: Mapping[str, Any] | None, channels: Mapping[str, Any], faults: list[str]) -> Routing:
    try:
        return parse_routing(document, channels)
    except InvalidInput as error:
        faults.append(f"the routes are not valid, every alert goes to every channel: {error}")
        return parse_routing(None, channels)


def _inhibitions(document: Mapping[str, Any] | None, faults: list[str]) -> tuple[Inhibition, ...]:
    try:
        return parse_inhibitions((document or {}).get("inhibitions"))
    except InvalidInput as error:
        faults.append(f"the inhibitions are not valid, none hold: {error}")
        return ()


def _silences(documents: Mapping[str, Mapping[str, Any]], faults: list[str]) -> list[Silence]:
    silences = []
    for id, document in documents.items():
        try:
            silences.append(Silence.parse(id, document))
        except InvalidInput as error:
            faults.append(f"the silence {id} is not valid and does not hold: {error}")
    return silences
