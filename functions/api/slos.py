"""Service level objectives, which reports measure: a document."""

from __future__ import annotations

from functions.api import documents
from functions.api.desired import IfMatch
from functions.api.documents import Document, Kind
from functions.api.endpoint import Call, Noun, Reply
from functions.domain.slos import DOCUMENT, parse_slos
from functions.domain.token import Scope

noun = Noun("slos")


class SlosDocument(Document):
    """What the fleet promises: `{"slos": [{"name": "Answers", "kind": "success", "tags": "tier=fast", "target": 0.98}]}`."""


@noun.endpoint("GET", "/api/slos", scope=Scope.READ, answers=SlosDocument)
def slos(call: Call) -> Reply:
    """The objectives that reports measure; without any the defaults hold."""
    return documents.read(call, KIND)


@noun.endpoint("PUT", "/api/slos", scope=Scope.OPERATE, heeds=IfMatch, takes=SlosDocument, answers=SlosDocument)
def replace_slos(call: Call, heeded: IfMatch, body: SlosDocument) -> Reply:
    """Replace them. They hold from the next report on."""
    return documents.replace(call, KIND, heeded, body)


KIND = Kind(name=DOCUMENT, title="the objectives", check=lambda _, document: parse_slos(document))
