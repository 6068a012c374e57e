"""Changed decisions for programs: an event on the account's default bus, and a message to a topic of SNS, with the same document."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from functions.adapters.faults import store_faults
from functions.domain.errors import StoreUnavailable
from functions.domain.scaling import Decision
from functions.domain.scaling_state import change_id
from functions.domain.times import SECOND_MS

if TYPE_CHECKING:
    from types_boto3_events import EventBridgeClient
    from types_boto3_sns import SNSClient

SOURCE: Final = "clawpulse.scaling"
DETAIL_TYPE: Final = "Scaling Decision Changed"
_BUS, _TOPIC = "event bus", "topic of scaling decisions"


class ScalingEvents:
    """`ScalingAnnouncer`."""

    def __init__(self, events: EventBridgeClient, sns: SNSClient, topic_arn: str) -> None:
        self._events, self._sns, self._topic_arn = events, sns, topic_arn

    def announce(self, workspace: str, decision: Decision) -> None:
        """Tell the bus, then the topic."""
        document = document_of(workspace, decision)
        text = json.dumps(document, ensure_ascii=False)
        with store_faults(_BUS):
            answer = self._events.put_events(Entries=[{"Source": SOURCE, "DetailType": DETAIL_TYPE, "Detail": text}])
        if answer["FailedEntryCount"]:
            fault = answer["Entries"][0]
            raise StoreUnavailable(f"{_BUS}: {fault.get('ErrorCode')}: {fault.get('ErrorMessage')}")
        with store_faults(_TOPIC):
            self._sns.publish(
                TopicArn=self._topic_arn,
                Subject=f"ClawPulse: {decision.group} {decision.before} -> {decision.desired} agents"[:100],
                Message=text,
                MessageAttributes={name: _attribute(document[name]) for name in ("id", "workspace", "group", "action")},
            )


def document_of(workspace: str, decision: Decision) -> dict[str, Any]:
    """The detail of the event."""
    return {
        "id": change_id(workspace, decision),
        "workspace": workspace,
        "group": decision.group,
        "time": decision.time // SECOND_MS,
        "action": str(decision.action),
        "before": decision.before,
        "desired": decision.desired,
        "current": decision.current,
        "min": decision.min,
        "max": decision.max,
        "reason": decision.reason,
        "limits": decision.limits,
        "signals": [
            {"signal": str(one.signal), "zone": str(one.zone), "value": one.value, "level": one.level, "vote": str(one.vote)}
            for one in decision.signals
        ],
    }


def _attribute(value: str) -> Any:
    return {"DataType": "String", "StringValue": value}
