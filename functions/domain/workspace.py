"""Settings of a workspace: one document in the fleet store, edited over the API, read by ingest, seal and the API.

    {"dimensions": ["env", "tier"], "inventory": "open", "health": {"zombie_after_s": 600}}

Everything may be left out. `inventory: strict` makes every agent a shadow that no operator marked as `expected`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from functions.domain.dimensions import DEFAULT_DIMENSIONS, parse_dimensions
from functions.domain.dimensions import DOCUMENT as DOCUMENT
from functions.domain.dimensions import MAX_DIMENSIONS as MAX_DIMENSIONS
from functions.domain.errors import InvalidInput
from functions.domain.health import InventoryMode, Policy


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkspaceSettings:
    """A checked settings document."""

    dimensions: tuple[str, ...] = DEFAULT_DIMENSIONS
    inventory: InventoryMode = "open"
    health: Policy = field(default_factory=Policy)

    @classmethod
    def parse(cls, document: Mapping[str, Any] | None) -> WorkspaceSettings:
        """Read a document, None meaning all defaults; raises `InvalidInput` naming the field and the reason."""
        document = document or {}
        for key in document:
            if key not in ("dimensions", "inventory", "health"):
                raise InvalidInput("is not known; known are dimensions, health, inventory", key)
        return cls(
            dimensions=parse_dimensions(document.get("dimensions")),
            inventory=_inventory(document.get("inventory", "open")),
            health=Policy.parse(document.get("health")),
        )

    def document(self) -> dict[str, Any]:
        """The whole document, defaults written out."""
        return {"dimensions": list(self.dimensions), "inventory": self.inventory, "health": asdict(self.health)}


def _inventory(value: object) -> InventoryMode:
    if value not in ("open", "strict"):
        raise InvalidInput(f"must be open or strict, not {value!r}", "inventory")
    return value
