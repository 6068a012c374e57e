"""E-mail: SES, API v2. AWS's documents: "SendEmail" (SES API v2), "Errors related to the sending quotas for your Amazon SES account"."""

from __future__ import annotations

from functions.adapters.channels.aws_faults import delivery_faults
from functions.adapters.channels.tools import Tools
from functions.domain.notification import Sent
from functions.domain.notification_email import render, request
from functions.ports import Message


def send(message: Message, tools: Tools) -> Sent:
    """Send one message to all recipients."""
    channel = message.channel
    parameters = request(
        render(message.notification),
        sender=channel.text("from"),
        to=list(channel.fields["to"]),
        configuration_set=channel.text("configuration_set"),
    )
    with delivery_faults("SES"):
        return Sent(tools.aws("sesv2", channel.text("region")).send_email(**parameters).get("MessageId", ""))
