"""SNS: one message to a topic. AWS's document: "Publish" (SNS API)."""

from __future__ import annotations

from functions.adapters.channels.aws_faults import delivery_faults
from functions.adapters.channels.tools import Tools
from functions.domain.notification import Sent
from functions.domain.notification_sns import render
from functions.ports import Message


def send(message: Message, tools: Tools) -> Sent:
    """Publish the message in the topic's region."""
    topic = message.channel.text("topic")
    with delivery_faults("SNS"):
        return Sent(tools.aws("sns", topic.split(":")[3]).publish(**render(message.notification, topic)).get("MessageId", ""))
