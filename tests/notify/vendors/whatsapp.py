"""Meta's WhatsApp Cloud API, after its documents "Messages", "Template messages" and "Cloud API Error Codes"."""

from __future__ import annotations

import re
from typing import Any

from tests.notify.vendors.base import Refused, Reply, Request, Vendor, is_text, units

TOKEN = "EAAabcdefghijklmnopqrstuvwxyz012345"
NUMBER = "106540352242922"
TEMPLATE, LANGUAGE, PARAMETERS = "clawpulse_alert", "en", 4
TEMPLATE_TEXT = "ClawPulse: {{1}}\n*{{2}}*\n{{3}}\n{{4}}\nReply to nobody: this number is not read."


class WhatsApp(Vendor):
    def __init__(self) -> None:
        super().__init__()
        self.messages: list[list[str]] = []

    @property
    def api(self) -> str:
        return f"{self.url}/v23.0"

    def check(self, request: Request) -> Reply:
        if (request.method, request.path) != ("POST", f"/v23.0/{NUMBER}/messages"):
            raise error(404, 100, "Unsupported post request")
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            raise error(401, 190, "Invalid OAuth access token")
        document = request.json
        wanted = {"messaging_product": "whatsapp", "recipient_type": "individual", "type": "template"}
        if any(document.get(name) != value for name, value in wanted.items()) or document.keys() - {*wanted, "to", "template"}:
            raise error(400, 100, "Invalid parameter")
        if not re.fullmatch(r"[1-9]\d{6,14}", document["to"]):
            raise error(400, 131009, "Parameter value is not valid", "to")
        self.messages.append(check_template(document["template"]))
        contact = {"input": document["to"], "wa_id": document["to"]}
        return Reply(200, {"messaging_product": "whatsapp", "contacts": [contact], "messages": [{"id": f"wamid.{len(self.messages)}"}]})


def check_template(template: dict[str, Any]) -> list[str]:
    if (template.get("name"), template.get("language")) != (TEMPLATE, {"code": LANGUAGE}):
        raise error(404, 132001, "Template name does not exist in the translation")
    (body,) = template["components"]
    parameters = body["parameters"]
    if body["type"] != "body" or any(found.keys() != {"type", "text"} or found["type"] != "text" for found in parameters):
        raise error(400, 132012, "Parameter format does not match format in the created template")
    values = [found["text"] for found in parameters]
    if len(values) != PARAMETERS:
        raise error(400, 132000, "Number of parameters does not match the expected number of params")
    for value in values:
        if not value.strip() or not is_text(value, 1024):
            raise error(400, 131008, "Required parameter is missing")
        if re.search(r"[\n\t]| {5,}", value):
            raise error(400, 132018, "Param text cannot have new-line/tab characters or more than 4 consecutive spaces")
    if units(TEMPLATE_TEXT) + sum(map(units, values)) > 1024:
        raise error(400, 132005, "Translated text too long")
    return values


def error(status: int, code: int, message: str, details: str = "") -> Refused:
    data = {"messaging_product": "whatsapp", "details": details or message}
    body = {"message": f"(#{code}) {message}", "type": "OAuthException", "code": code, "error_data": data, "fbtrace_id": "Az8or2yhqkZ"}
    return Refused(Reply(status, {"error": body}))


RATE_LIMITED = error(429, 130429, "Rate limit hit").reply
PAIR_LIMITED = error(400, 131056, "(Business Account, Consumer Account) pair rate limit hit").reply
