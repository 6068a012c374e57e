"""What our resource providers share: three calls of the service's own API make a resource type."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, ClassVar

from localstack.services.cloudformation.resource_provider import OperationStatus, ProgressEvent, ResourceProvider, ResourceRequest


class SimpleProvider(ResourceProvider[dict[str, Any]]):  # type: ignore[misc]  # LocalStack ships no types
    """One resource type. `SCHEMA` names its identifiers; a change that cannot be made in place raises."""

    SCHEMA: ClassVar[dict[str, Any]]

    @abstractmethod
    def put(self, request: ResourceRequest, model: dict[str, Any]) -> None:
        """Create the resource, or change it when it is there; fill the model's read-only properties."""

    @abstractmethod
    def remove(self, request: ResourceRequest, model: dict[str, Any]) -> None:
        """Delete the resource."""

    def create(self, request: ResourceRequest) -> ProgressEvent:
        """Make it as the template says."""
        model = request.desired_state
        self.put(request, model)
        return ProgressEvent(status=OperationStatus.SUCCESS, resource_model=model)

    def update(self, request: ResourceRequest) -> ProgressEvent:
        """Change it to what the template says now."""
        model = {**(request.previous_state or {}), **request.desired_state}
        self.put(request, model)
        return ProgressEvent(status=OperationStatus.SUCCESS, resource_model=model)

    def delete(self, request: ResourceRequest) -> ProgressEvent:
        """Remove it."""
        self.remove(request, request.desired_state or request.previous_state)
        return ProgressEvent(status=OperationStatus.SUCCESS, resource_model={})


def schema(name: str, *, identifiers: list[str], read_only: list[str], create_only: list[str]) -> dict[str, Any]:
    """What LocalStack reads of a type's schema."""
    return {
        "typeName": name,
        "properties": {},
        "primaryIdentifier": [f"/properties/{key}" for key in identifiers],
        "readOnlyProperties": [f"/properties/{key}" for key in read_only],
        "createOnlyProperties": [f"/properties/{key}" for key in create_only],
    }
