"""Changed decisions on a real event bus and a real topic, and a whole run of the deployed function's parts."""

from __future__ import annotations

import json
from typing import Any

import pytest

from functions.adapters.scaling_events import DETAIL_TYPE, SOURCE, ScalingEvents
from functions.domain.errors import StoreUnavailable
from functions.domain.scaling import Action, Decision, Signal, SignalState, Vote, Zone

pytestmark = pytest.mark.cloud
NOW = 1_795_478_400_000
DECISION = Decision(
    group="fast",
    time=NOW,
    action=Action.GROW,
    before=5,
    desired=7,
    current=5,
    wanted=12,
    min=2,
    max=20,
    reason="größer: 31 tasks wait",
    limits=["step: 12 are wanted"],
    signals=[SignalState(signal=Signal.QUEUE, zone=Zone.HIGH, since=NOW, value=31.0, level=6.2, vote=Vote.UP)],
)
DOCUMENT = {
    "id": f"acme/fast/{NOW}/7",
    "workspace": "acme",
    "group": "fast",
    "time": NOW // 1000,
    "action": "grow",
    "before": 5,
    "desired": 7,
    "current": 5,
    "min": 2,
    "max": 20,
    "reason": "größer: 31 tasks wait",
    "limits": ["step: 12 are wanted"],
    "signals": [{"signal": "queue", "zone": "high", "value": 31.0, "level": 6.2, "vote": "up"}],
}


def received(sqs: Any, url: str) -> dict[str, Any]:
    """The one message of a queue."""
    (message,) = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=10, MaxNumberOfMessages=10).get("Messages", [])
    found: dict[str, Any] = json.loads(message["Body"])
    return found


def queue(sqs: Any, name: str) -> tuple[str, str]:
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    return url, sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]


def test_a_changed_decision_reaches_bus_and_topic(localstack: Any) -> None:
    events, sns, sqs = (localstack.client(service) for service in ("events", "sns", "sqs"))
    (bus_url, bus_arn), (topic_url, topic_arn) = queue(sqs, "scaling-bus"), queue(sqs, "scaling-topic")
    events.put_rule(Name="scaling", EventPattern=json.dumps({"source": [SOURCE], "detail": {"group": ["fast"]}}))
    events.put_targets(Rule="scaling", Targets=[{"Id": "q", "Arn": bus_arn}])
    topic = sns.create_topic(Name="scaling-decisions")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=topic_arn)
    ScalingEvents(events, sns, topic).announce("acme", DECISION)
    event = received(sqs, bus_url)
    assert (event["source"], event["detail-type"], event["detail"]) == (SOURCE, DETAIL_TYPE, DOCUMENT)
    message = received(sqs, topic_url)
    assert json.loads(message["Message"]) == DOCUMENT
    assert message["Subject"] == "ClawPulse: fast 5 -> 7 agents"
    assert message["MessageAttributes"]["workspace"] == {"Type": "String", "Value": "acme"}


def test_a_topic_that_is_gone_may_be_there_later(localstack: Any) -> None:
    events, sns = localstack.client("events"), localstack.client("sns")
    with pytest.raises(StoreUnavailable, match="topic of scaling decisions"):
        ScalingEvents(events, sns, "arn:aws:sns:us-east-1:000000000000:gone").announce("acme", DECISION)
