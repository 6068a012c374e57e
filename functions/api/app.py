"""The API: a Chalice app, which is the Lambda handler itself.

Importing it needs no environment and no AWS. Chalice finds a view by the gateway's resource path, so the gateway must have a resource for
every entry of `app.routes`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Any

from chalice.app import Chalice, Request, Response

from functions.api import (
    agent_configuration,
    agents,
    alerts,
    approvals,
    badges,
    budgets,
    capacity,
    changes,
    channels,
    cost_anomalies,
    cost_burn_down,
    cost_chargeback,
    cost_reconciliation,
    cost_regressions,
    cost_reprice,
    costs,
    dashboard,
    deliveries,
    desired,
    errors,
    events,
    fleet_config,
    incidents,
    install,
    keys,
    me,
    openapi,
    page,
    reports,
    retention,
    rollout_comparison,
    rollout_settings,
    rollouts,
    rotations,
    rules,
    scaling,
    scaling_simulation,
    series,
    settings,
    shares,
    silences,
    slos,
    tasks,
    tokens,
    tracker,
    trials,
)
from functions.api.endpoint import Endpoint
from functions.api.serve import Surroundings, guarded, problem_response, view_of
from functions.runtime import wiring
from functions.runtime.problems import Problem
from functions.runtime.wiring import Services

NOUNS = (
    *(dashboard.noun, changes.noun, agents.noun, agent_configuration.noun, desired.noun, series.noun, tasks.noun, events.noun, errors.noun),
    *(tokens.noun, settings.noun),
    *(rules.noun, alerts.noun, trials.noun, silences.noun, incidents.noun, channels.noun, deliveries.noun),
    *(rollout_comparison.noun, rollouts.noun, rollout_settings.noun, approvals.noun),
    *(fleet_config.noun, budgets.noun, rotations.noun, keys.noun, reports.noun, slos.noun),
    *(tracker.noun, capacity.noun),
    *(costs.noun, cost_reprice.noun, cost_chargeback.noun, cost_burn_down.noun, cost_regressions.noun, cost_anomalies.noun),
    cost_reconciliation.noun,
    *(scaling.noun, scaling_simulation.noun),
    *(me.noun, shares.noun, badges.noun, retention.noun),
    *(openapi.noun, page.noun, install.noun),
)
ENDPOINTS: tuple[Endpoint, ...] = tuple(endpoint for noun in NOUNS for endpoint in noun.endpoints)


def build_app(services: Callable[[], Services], bundle: Path = install.FOLDER) -> Chalice:
    """The app over services, which are made when the first request needs them, and the folder of the agent's files."""
    # Chalice writes into the environment that it is given.
    app = Chalice("clawpulse", configure_logs=False, env={})
    surroundings = Surroundings(services, ENDPOINTS, bundle)
    for noun in NOUNS:
        app.register_blueprint(noun.blueprint(partial(view_of, surroundings=surroundings)))
    app.register_middleware(partial(_routed, app), "http")
    return app


def _routed(app: Chalice, request: Request | None, get_response: Callable[[Any], Response]) -> Response:
    """Answer what no view answers the way views do."""
    methods = app.routes.get(request.path, {}) if request else {}
    if request is None or not methods:
        return problem_response(Problem(status=HTTPStatus.NOT_FOUND, detail="no such route", kind="not-found"))
    if request.method not in methods:
        allow = ", ".join(sorted(methods))
        return problem_response(Problem(status=HTTPStatus.METHOD_NOT_ALLOWED, detail=f"possible here: {allow}", kind="method", allow=allow))
    return guarded(lambda: get_response(request))


app = build_app(wiring.services)
