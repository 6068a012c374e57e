"""How desired configurations lie in the fleet table: one shape for the fast adapter and the one on boto3.

Head and document are two items. Heads are read with every heartbeat that asks, and all at once for lists of agents; a read costs by the
size of the whole item, whatever part of it is wanted.
"""

from __future__ import annotations


def heads(workspace: str) -> str:
    """Partition key of the heads: hash `h`, time `t` (ms), token id `b`."""
    return f"{workspace}|desired"


def documents(workspace: str) -> str:
    """Partition key of the documents: the same, and the text `d`."""
    return f"{workspace}|desired-text"


def head_request(table: str, workspace: str, agent: str) -> dict[str, object]:
    """Read the hash of one agent."""
    return {"TableName": table, "Key": {"p": {"S": heads(workspace)}, "s": {"S": agent}}, "ProjectionExpression": "h"}
