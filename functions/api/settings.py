"""Settings of the workspace: dimensions, health policy, inventory mode."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from functions.api import documents
from functions.api.desired import IfMatch
from functions.api.endpoint import Call, Noun
from functions.api.fleet_view import settings_of
from functions.api.models import TagKey
from functions.domain.health import Policy
from functions.domain.token import Scope
from functions.domain.workspace import DOCUMENT, MAX_DIMENSIONS, WorkspaceSettings

noun = Noun("settings")
_USUAL = Policy()

type Seconds = Annotated[float, Field(gt=0, le=1e9)]
type Share = Annotated[float, Field(gt=0, le=1)]


class _Document(BaseModel):
    # Stored as it is: the names are those of the document, in requests and answers alike.
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


class HealthPolicy(_Document):
    """When which colour."""

    heartbeat_late_s: Seconds = Field(_USUAL.heartbeat_late_s, description="Yellow when nothing came for longer.")
    heartbeat_dead_s: Seconds = Field(_USUAL.heartbeat_dead_s, description="Red.")
    silent_after_s: Seconds = Field(_USUAL.silent_after_s, description="Grey: nobody waits for it any more.")
    error_rate_yellow: Share = Field(_USUAL.error_rate_yellow, description="Share of tasks that failed in 5 minutes.")
    error_rate_red: Share = Field(_USUAL.error_rate_red)
    error_min_tasks: Annotated[float, Field(gt=0, le=1e9)] = Field(_USUAL.error_min_tasks, description="With fewer, errors are not judged.")
    zombie_after_s: Seconds = Field(_USUAL.zombie_after_s, description="Red when work was open for longer without a task finishing.")
    idle_days: Annotated[float, Field(gt=0, le=36_500)] = Field(_USUAL.idle_days, description="Without a task for longer: a shadow.")


class SettingsDocument(_Document):
    """All settings; what is left out has its default."""

    dimensions: Annotated[list[TagKey], Field(max_length=MAX_DIMENSIONS)] | None = Field(
        None, description="Tags that metrics are rolled up by, from now on; null for the usual ones."
    )
    inventory: Literal["open", "strict"] = Field("open", description="strict: every agent that nobody expects is a shadow.")
    health: HealthPolicy = Field(default_factory=HealthPolicy)


@noun.endpoint("GET", "/api/settings", scope=Scope.READ, answers=SettingsDocument)
def read(call: Call) -> SettingsDocument:
    """The settings, defaults written out."""
    return SettingsDocument.model_validate(settings_of(call).document())


@noun.endpoint("PUT", "/api/settings", scope=Scope.ADMIN, heeds=IfMatch, takes=SettingsDocument, answers=SettingsDocument)
def replace(call: Call, heeded: IfMatch, body: SettingsDocument) -> SettingsDocument:
    """Replace the settings. Rollups made before keep the dimensions that they were made with."""
    call.caller.need_whole_workspace("the settings")
    checked = WorkspaceSettings.parse(body.model_dump())
    before = call.services.fleet.settings(call.caller.workspace, DOCUMENT)
    shown = SettingsDocument.model_validate(WorkspaceSettings.parse(before).document()).model_dump_json(by_alias=True)
    documents.put(call, DOCUMENT, "the settings", checked.document(), over=before, shown=shown, heeded=heeded)
    return SettingsDocument.model_validate(checked.document())
