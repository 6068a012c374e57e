"""Workspace settings: read, checked, written out."""

import pytest

from functions.domain.dimensions import DEFAULT_DIMENSIONS
from functions.domain.errors import InvalidInput
from functions.domain.workspace import MAX_DIMENSIONS, WorkspaceSettings


def test_nothing_said_means_defaults():
    assert WorkspaceSettings.parse(None) == WorkspaceSettings.parse({}) == WorkspaceSettings()
    assert WorkspaceSettings().dimensions == DEFAULT_DIMENSIONS


def test_a_document_survives_being_written_out():
    settings = WorkspaceSettings.parse({"dimensions": ["env", "tier", "env"], "inventory": "strict", "health": {"zombie_after_s": 600}})
    assert (settings.dimensions, settings.inventory, settings.health.zombie_after_s) == (("env", "tier"), "strict", 600)
    assert WorkspaceSettings.parse(settings.document()) == settings


@pytest.mark.parametrize(
    ("document", "field"),
    [
        ({"dimension": []}, "dimension"),
        ({"dimensions": "env"}, "dimensions"),
        ({"dimensions": ["1x"]}, "dimensions"),
        ({"dimensions": [7]}, "dimensions"),
        ({"dimensions": ["task_id"]}, "dimensions"),
        ({"dimensions": ["agent"]}, "dimensions"),
        ({"dimensions": [f"d{n}" for n in range(MAX_DIMENSIONS + 1)]}, "dimensions"),
        ({"inventory": "closed"}, "inventory"),
        ({"inventory": []}, "inventory"),
        ({"health": {"x": 1}}, "health.x"),
    ],
)
def test_what_makes_no_sense_is_refused_by_field(document, field):
    with pytest.raises(InvalidInput) as caught:
        WorkspaceSettings.parse(document)
    assert caught.value.field == field
