"""SES, API v2, after AWS's documents "SendEmail" and "Common Errors"; boto3 itself speaks to it."""

from __future__ import annotations

import re
from email.utils import parseaddr
from typing import Any

from tests.notify.vendors.base import Refused, Reply, Request, Vendor, is_text

VERIFIED = "alerts@example.com"
_HEADER = re.compile(r"[ -~]{1,995}")
_HEADER_NAME = re.compile(r"[!-9;-~]{1,126}")


class Ses(Vendor):
    def __init__(self) -> None:
        super().__init__()
        self.mails: list[dict[str, Any]] = []

    def check(self, request: Request) -> Reply:
        if (request.method, request.path) != ("POST", "/v2/email/outbound-emails"):
            return Reply(404, {"message": "no such operation"})
        if "ses/aws4_request" not in request.headers.get("authorization", ""):
            raise error(403, "MissingAuthenticationTokenException", "Missing Authentication Token")
        document = request.json
        if document["FromEmailAddress"] != VERIFIED:
            raise error(400, "MessageRejected", f"Email address is not verified: {document['FromEmailAddress']}")
        to = document["Destination"]["ToAddresses"]
        if not 1 <= len(to) <= 50 or any(parseaddr(address)[1] != address for address in to):
            raise error(400, "BadRequestException", "Illegal address")
        if document.keys() - {"FromEmailAddress", "Destination", "Content", "ConfigurationSetName"}:
            raise error(400, "BadRequestException", f"unknown: {sorted(document)}")
        self.mails.append(check_simple(document["Content"]["Simple"]))
        return Reply(200, {"MessageId": f"0100018{len(self.mails)}"})


def check_simple(mail: dict[str, Any]) -> dict[str, Any]:
    subject, body = mail["Subject"]["Data"], mail["Body"]
    if not is_text(subject, 998) or re.search(r"[\r\n]", subject):
        raise error(400, "BadRequestException", "Control character in subject")
    if any(part["Charset"] != "UTF-8" or not part["Data"].strip() for part in (mail["Subject"], *body.values())):
        raise error(400, "BadRequestException", "Invalid content")
    for header in mail["Headers"]:
        if not _HEADER_NAME.fullmatch(header["Name"]) or not _HEADER.fullmatch(header["Value"]):
            raise error(400, "BadRequestException", f"Invalid header {header}")
    return mail


def error(status: int, code: str, message: str) -> Refused:
    return Refused(Reply(status, {"message": message}, {"x-amzn-ErrorType": code}))


THROTTLED = error(429, "TooManyRequestsException", "Maximum sending rate exceeded.").reply
