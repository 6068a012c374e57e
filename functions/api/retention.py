"""How long what is kept: facts of this release and stage, which no workspace changes."""

from __future__ import annotations

from pydantic import Field

from functions.adapters import alert_table, batch_table, rollout_table, token_table
from functions.api.endpoint import Call, Noun
from functions.api.models import Answer
from functions.domain import delivery, fleet_changes, report_record, scaling, spans, usage
from functions.domain.times import DAY_MS, SECOND_MS
from functions.domain.token import Scope

noun = Noun("retention")

RAW_DAYS, REPORT_DAYS = 35, 400
"""Of the Timestream tables and the bucket of reports, which `cdk/data_stack.py` makes."""
_ROWS = (
    ("Posted batches", batch_table.KEEP_S * SECOND_MS, "until their minutes are sealed; two days for what comes late"),
    ("Figures by minute", spans.MINUTES_KEPT_MS, "of groups and agents: charts of up to three days"),
    ("Figures by hour", spans.HOURS_KEPT_MS, "of groups and agents, and failed tasks by kind"),
    ("Usage and cost", usage.KEPT_DAYS * DAY_MS, "by hour: what the ledger, budgets and chargeback are made from"),
    ("Changes of the fleet", fleet_changes.KEPT_MS, "what an incident begins with"),
    ("Incidents", alert_table.ARCHIVE_KEPT_MS, "after they closed, with timeline and notes"),
    ("Messages to channels", delivery.KEEP_MS, "and what became of them"),
    ("Audit of rollouts and rotations", rollout_table.KEPT_MS, "who did what"),
    ("Scaling decisions", scaling.HISTORY_KEPT_MS, "with the signals they came from"),
    ("Reports", REPORT_DAYS * DAY_MS, f"a link in a message opens one for {report_record.LINK_DAYS} days"),
    ("Expired tokens", token_table.KEEP_MS, "that long they hear that they expired; then they are unknown"),
)
_RAW = "single tasks, events and points"


class Kept(Answer):
    """One kind of data."""

    what: str
    days: float | None = Field(description="Null for what this stage does not keep.")
    note: str


class Retention(Answer):
    """All kinds of data."""

    kept: list[Kept]


@noun.endpoint("GET", "/api/retention", scope=Scope.READ, answers=Retention)
def read(call: Call) -> Retention:
    """What is kept how long. Settings, agents and fleet revisions stay until somebody removes them."""
    raw = Kept(what="Raw history", days=RAW_DAYS if call.services.raw is not None else None, note=_RAW)
    return Retention(kept=[raw, *(Kept(what=what, days=kept / DAY_MS, note=note) for what, kept, note in _ROWS)])
