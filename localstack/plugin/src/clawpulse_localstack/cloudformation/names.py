"""Generated names of resources: random on AWS, here a digest of stack and logical id.

A restart of the local cloud deploys the stacks again; data can only find their table if it has its old name.
"""

from __future__ import annotations

import hashlib

from localstack.services.cloudformation import provider_utils
from localstack.utils.patch import patch


def stable_name(stack_name: str, logical_resource_id: str) -> str:
    """At most 63 characters, in CloudFormation's form: stack, logical id, eight characters."""
    digest = hashlib.sha256(f"{stack_name}/{logical_resource_id}".encode()).hexdigest()[:8]
    resource = logical_resource_id[:24]
    return f"{stack_name[: 63 - 2 - len(digest) - len(resource)]}-{resource}-{digest}"


def install() -> None:
    """Replace the random part of generated names."""
    patch(provider_utils.generate_default_name, pass_target=False)(stable_name)
