"""Alert rules: those in force, the workspace's own as a document, and checks of documents that are not stored."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import Field

from functions.api import documents
from functions.api.desired import IfMatch
from functions.api.documents import Document, Kind, Stored
from functions.api.endpoint import Call, Noun, Reply, Visit
from functions.api.models import Answer, Moment
from functions.api.page import CACHE
from functions.domain.alert_faults import Fault, Faults, InvalidDocument, Node, nearest
from functions.domain.alert_parse import check_rules
from functions.domain.alert_rules import Rule
from functions.domain.token import Scope
from functions.runtime.rule_book import DOCUMENT, book_of, pack, pack_document, pack_names

noun = Noun("rules")

SCHEMA = Path(__file__).parent.parent / "alerts" / "rules.schema.json"
OWN = "own"
_KEYS = ("packs", "rules")


class RulesDocument(Document):
    """The workspace's own rules: `{"packs": ["cost"], "rules": [{…}]}`. Without `packs`, all packs are in force.

    A rule is described by `GET /api/rules/schema.json`; one with the name of a rule of a pack takes its place.
    """


class RulesToCheck(Document):
    """As for `PUT /api/rules`, or one rule alone."""


class RuleAnswer(Answer):
    """A rule in force."""

    name: str
    origin: str = Field(description="The pack that it comes from, or `own`.")
    replaces: str | None = Field(description="The pack in force whose rule of this name it replaces.")
    severity: str
    digest: str = Field(description="Changes when it decides by something else: its alerts then begin anew.")
    expires: Moment | None
    document: dict[str, Any] = Field(description="As it was written.")


class RulesAnswer(Answer):
    """What is evaluated, and what of it is the workspace's own."""

    packs: list[str] = Field(description="Packs in force.")
    rules: list[RuleAnswer]
    own: dict[str, Any] = Field(description="The document that `PUT /api/rules` replaces.")
    faults: list[str] = Field(description="Stored rules that this release does not understand, and leaves out.")


class FaultAnswer(Answer):
    """One thing that is wrong."""

    path: str
    reason: str


class Checked(Answer):
    """Everything that is wrong with a document; nothing when it is sound."""

    faults: list[FaultAnswer]


class PackAnswer(Answer):
    """Rules that ClawPulse brings."""

    name: str
    in_force: bool
    rules: list[dict[str, Any]]


class Packs(Answer):
    """All packs of this release."""

    packs: list[PackAnswer]


@noun.endpoint("GET", "/api/rules", scope=Scope.READ, answers=RulesAnswer)
def read(call: Call) -> Reply:
    """All rules in force, with where they come from, and the workspace's own document."""
    return documents.read(call, RULES)


@noun.endpoint(
    "PUT", "/api/rules", scope=Scope.OPERATE, heeds=IfMatch, takes=RulesDocument, answers=RulesAnswer, max_body=documents.MAX_BYTES
)
def replace(call: Call, heeded: IfMatch, body: RulesDocument) -> Reply:
    """Replace the workspace's own rules. Refused as a whole, with every fault, when anything is wrong with one."""
    return documents.replace(call, RULES, heeded, body)


@noun.endpoint("POST", "/api/rules/check", scope=Scope.READ, takes=RulesToCheck, answers=Checked, max_body=documents.MAX_BYTES)
def check(call: Call, body: RulesToCheck) -> Checked:
    """What is wrong with a document of rules; stores nothing."""
    try:
        documents.checked(call, RULES if body.root.keys() & set(_KEYS) else ONE_RULE, body)
    except InvalidDocument as error:
        return Checked(faults=[FaultAnswer(path=fault.path, reason=fault.reason) for fault in error.faults])
    return Checked(faults=[])


@noun.endpoint("GET", "/api/rules/packs", scope=Scope.READ, answers=Packs)
def packs(call: Call) -> Packs:
    """The packs of this release with their rules, in force or not."""
    book = call.services.rules.book(call.caller.workspace)
    found = [
        PackAnswer(name=name, in_force=name in book.packs, rules=list(_written(pack_document(name)).values())) for name in pack_names()
    ]
    return Packs(packs=found)


@noun.endpoint("GET", "/api/rules/schema.json", scope=None)
def schema(visit: Visit) -> Reply:
    """JSON Schema of files with rules, for editors."""
    return Reply(body=_schema(), headers=CACHE)


@cache
def _schema() -> str:
    return SCHEMA.read_text("utf-8")


def faults_of(document: Stored, known_packs: Collection[str]) -> Iterator[Fault]:
    """Everything that is wrong with a document of own rules."""
    faults = Faults()
    Node(document, "", faults).keys(_KEYS)
    given = document.get("packs", [])
    if not isinstance(given, list):
        faults.add("packs", f"must be a list of packs: {', '.join(known_packs)}")
        given = []
    for place, name in enumerate(given):
        if not isinstance(name, str) or name not in known_packs:
            faults.add(f"packs[{place}]", "is no pack" + nearest(str(name)[:63], known_packs))
    yield from faults.found
    if document.get("rules") is not None:
        yield from check_rules({"rules": document["rules"]})


def _check(_call: Call, document: Stored) -> None:
    faults = list(faults_of(document, pack_names()))
    if faults:
        raise InvalidDocument(faults)


def _check_one(_call: Call, document: Stored) -> None:
    faults = check_rules(document)
    if faults:
        raise InvalidDocument(faults)


def _shown(_call: Call, document: Stored) -> str:
    book = book_of(document)
    origins = {rule.name: name for name in book.packs for rule in pack(name)}
    shipped = {name: one for pack_name in book.packs for name, one in _written(pack_document(pack_name)).items()}
    own = _written(document)
    rules = [
        _rule(rule, origins[rule.name], None, shipped[rule.name])
        if rule.name in book.shipped
        else _rule(rule, OWN, origins.get(rule.name), own[rule.name])
        for rule in book.rules
    ]
    return RulesAnswer(packs=list(book.packs), rules=rules, own=dict(document), faults=list(book.faults)).model_dump_json(by_alias=True)


def _rule(rule: Rule, origin: str, replaces: str | None, document: Mapping[str, Any]) -> RuleAnswer:
    return RuleAnswer(
        name=rule.name,
        origin=origin,
        replaces=replaces,
        severity=rule.severity,
        digest=rule.digest,
        expires=rule.expires,
        document=dict(document),
    )


def _written(document: Any) -> dict[str, dict[str, Any]]:
    """Rules of a document as they were written, by name; those without one are left out."""
    given = document.get("rules") or [] if "rules" in document else [document]
    return {str(one["name"]): dict(one) for one in given if isinstance(one, Mapping) and "name" in one}


RULES = Kind(name=DOCUMENT, title="the rules", check=_check, shown=_shown)
ONE_RULE = Kind(name=DOCUMENT, title="the rule", check=_check_one)
