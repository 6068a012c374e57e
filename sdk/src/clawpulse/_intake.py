"""From what a caller wrote to what travels: checks names, values, times and tags, and parts tags from attributes.

Runs in the background, so that the caller pays for none of it. A fault in a tag costs the tag, never the point.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from math import isfinite
from typing import Any

from clawpulse import wire
from clawpulse._payload import Payload
from clawpulse._reports import shown
from clawpulse.wire import Event, Pairs, Point

_LATEST_SECONDS = 1e11
"""The year 5138: a number beyond is not in seconds."""
_MEMO = 4_096


class Fault(Exception):
    """A record that cannot travel: what kind of fault, and the text for the log."""

    def __init__(self, kind: str, text: str) -> None:
        super().__init__(text)
        self.kind = kind


class Intake:
    """Turns records into points and events. `invalid(kind, text)` is told what was refused or repaired."""

    def __init__(self, attributes: frozenset[str], invalid: Callable[[str, str], None]) -> None:
        self._attribute_keys = attributes
        self._invalid = invalid
        self._memo: dict[tuple[Any, ...], tuple[Pairs, Mapping[str, str]]] = {}

    def take(self, name: Any, value: Any, time: Any, tags: Any) -> Point | Event | None:
        """The point or event of a record; None when there is nothing to send, which the log then knows."""
        if value is None:
            return None
        try:
            checked, at = _name(name), _time(name, time)
            known, attributes = self._tags(checked, tags)
            if type(value) is Payload:
                return Event(checked, at, known, attributes, self._payload(checked, value.text))
            return Point(checked, _value(checked, value), at, known, attributes)
        except Fault as fault:
            self._invalid(fault.kind, str(fault))
        except Exception as error:  # the caller's objects may do anything, one of them must not cost the others
            self._invalid("record", f"{shown(name)} not recorded: {type(error).__name__} while reading it")
        return None

    def _tags(self, name: str, tags: Any) -> tuple[Pairs, Mapping[str, str]]:
        if not tags:
            return (), {}
        if not isinstance(tags, Mapping):
            self._invalid("tags", f"{name}: tags left out, they are a {type(tags).__name__} and not a mapping")
            return (), {}
        if not all(type(value) is str for value in tags.values()):
            # Not to be remembered: True, 1 and 1.0 are equal and yet different texts.
            return self._part(name, tags)
        key = tuple(tags.items())
        parted = self._memo.get(key)
        if parted is None:
            if len(self._memo) >= _MEMO:
                self._memo.clear()
            parted = self._memo[key] = self._part(name, tags)
        return parted

    def _part(self, name: str, tags: Mapping[Any, Any]) -> tuple[Pairs, Mapping[str, str]]:
        """Tags that make the series, and attributes."""
        texts = {key: text for key, value in tags.items() if self._is_key(name, key) and (text := self._text(name, key, value))}
        series = sorted((key, text) for key, text in texts.items() if key not in self._attribute_keys)
        if len(series) > wire.MAX_TAGS:
            self._invalid("tag count", f"{name}: more than {wire.MAX_TAGS} tags; the rest is kept as attributes")
            series = series[: wire.MAX_TAGS]
        kept = dict(series)
        attributes = [(key, text) for key, text in texts.items() if key not in kept]
        if len(attributes) > wire.MAX_ATTRIBUTES:
            self._invalid("attribute count", f"{name}: more than {wire.MAX_ATTRIBUTES} attributes; the rest is left out")
        return tuple(series), dict(attributes[: wire.MAX_ATTRIBUTES])

    def _is_key(self, name: str, key: Any) -> bool:
        if isinstance(key, str) and len(key) <= wire.MAX_TAG_KEY and wire.TAG_KEY.fullmatch(key):
            return True
        self._invalid(
            "tag key", f"{name}: tag {shown(key)} left out, a key is letters, digits, . _ - and at most {wire.MAX_TAG_KEY} of them"
        )
        return False

    def _text(self, name: str, key: str, value: Any) -> str:
        """A tag's value as text; empty means: no such tag."""
        if value is None:
            return ""
        if isinstance(value, bool):
            return "true" if value else "false"
        if not isinstance(value, (str, int, float)):
            self._invalid("tag type", f"{name}: tag {key} left out, its value is a {type(value).__name__} and not a text or a number")
            return ""
        text = str(value)
        if len(text) > wire.MAX_TAG_VALUE or wire.CONTROL.search(text):
            self._invalid(
                "tag value",
                f"{name}: value of tag {key} shortened to {wire.MAX_TAG_VALUE} characters without control characters: {shown(text)}",
            )
            text = wire.CONTROL.sub(" ", text[: wire.MAX_TAG_VALUE])
        return text

    def _payload(self, name: str, text: str | None) -> Mapping[str, Any] | None:
        if text is None:
            return None
        if len(text) <= wire.MAX_PAYLOAD:
            found = json.loads(text, parse_constant=str)
            payload = found if isinstance(found, dict) else {"value": found}
            if len(wire.to_json(payload)) <= wire.MAX_PAYLOAD:
                return payload
        self._invalid("payload size", f"{name}: payload cut, its JSON has more than {wire.MAX_PAYLOAD} bytes")
        return _cut(text)


def _cut(text: str) -> Mapping[str, Any]:
    """The beginning of a payload that is too long, and the fact that it is only that."""
    size = wire.MAX_PAYLOAD - 100
    while len(wire.to_json({"truncated": text[:size]})) > wire.MAX_PAYLOAD:
        size = size * 3 // 4
    return {"truncated": text[:size]}


def _name(name: Any) -> str:
    if isinstance(name, str) and len(name) <= wire.MAX_NAME and wire.NAME.fullmatch(name):
        return name
    raise Fault("name", f"{shown(name)} not recorded: a name is letters, digits, _ . / -, at most {wire.MAX_NAME} of them, no digit first")


def _value(name: str, value: Any) -> float:
    try:
        number = float(value) if not isinstance(value, (str, bytes, bytearray)) else None
    except Exception:  # __float__ is the caller's code
        number = None
    if number is None or not isfinite(number) or abs(number) > wire.MAX_VALUE:
        raise Fault("value", f"{name}: {shown(value)} not recorded: a value is a finite number, at most {wire.MAX_VALUE:g} in size")
    return number


def _time(name: Any, time: Any) -> int:
    """Milliseconds of seconds or of an aware datetime."""
    try:
        if hasattr(time, "timestamp") and time.tzinfo is not None:
            time = time.timestamp()
        if not isinstance(time, bool) and isinstance(time, (int, float)) and 0 <= time < _LATEST_SECONDS:
            return int(time * 1000)
    except Exception:  # noqa: S110  whatever it is, it is no time
        pass
    raise Fault(
        "time", f"{shown(name)}: {shown(time)} not recorded: a time is in seconds since 1970, as time.time() is, or an aware datetime"
    )
