"""Formats of times: MySQL's (`date_format`) and Joda's (`format_datetime`) in DuckDB's letters; replacements of regular expressions."""

from __future__ import annotations

import re

from clawpulse_localstack.timestream.errors import invalid

_MYSQL = {
    "a": "%a",
    "b": "%b",
    "c": "%-m",
    "d": "%d",
    "e": "%-d",
    "f": "%f",
    "H": "%H",
    "h": "%I",
    "I": "%I",
    "i": "%M",
    "j": "%j",
    "k": "%-H",
    "l": "%-I",
    "M": "%B",
    "m": "%m",
    "p": "%p",
    "r": "%I:%M:%S %p",
    "S": "%S",
    "s": "%S",
    "T": "%H:%M:%S",
    "v": "%V",
    "W": "%A",
    "Y": "%Y",
    "y": "%y",
    "%": "%%",
}

_JODA = {
    "yyyy": "%Y",
    "uuuu": "%Y",
    "YYYY": "%Y",
    "y": "%Y",
    "yy": "%y",
    "MM": "%m",
    "LL": "%m",
    "M": "%-m",
    "MMM": "%b",
    "MMMM": "%B",
    "dd": "%d",
    "d": "%-d",
    "DDD": "%j",
    "D": "%-j",
    "HH": "%H",
    "H": "%-H",
    "hh": "%I",
    "h": "%-I",
    "mm": "%M",
    "m": "%-M",
    "ss": "%S",
    "s": "%-S",
    "SSS": "%g",
    "SSSSSS": "%f",
    "SSSSSSSSS": "%n",
    "a": "%p",
    "E": "%a",
    "EEE": "%a",
    "EEEE": "%A",
    "e": "%u",
    "xxxx": "%G",
    "ww": "%V",
    "z": "%Z",
    "Z": "%z",
}


_JODA_PARTS = re.compile(r"(?P<quoted>'(?:[^']|'')*')|(?P<letters>(?P<letter>[a-zA-Z])(?P=letter)*)|(?P<other>.)", re.DOTALL)


def mysql(text: str) -> str:
    """DuckDB's format for one in MySQL's letters."""

    def letter(match: re.Match[str]) -> str:
        if match[1] not in _MYSQL:
            raise invalid(f"The date format specifier %{match[1]} is not supported")
        return _MYSQL[match[1]]

    return re.sub(r"%(.)", letter, text, flags=re.DOTALL)


def joda(text: str) -> str:
    """DuckDB's format for one in Joda's letters; text in single quotes stands for itself."""

    def part(match: re.Match[str]) -> str:
        quoted, letters, other = match["quoted"], match["letters"], match["other"]
        if quoted is not None:
            return (quoted[1:-1].replace("''", "'") or "'").replace("%", "%%")
        if other is not None:
            return "%%" if other == "%" else str(other)
        if letters not in _JODA:
            raise invalid(f"The date format pattern '{letters}' is not supported")
        return _JODA[letters]

    return _JODA_PARTS.sub(part, text)


def replacement(text: str) -> str:
    r"""DuckDB's replacement (`\1`) for Java's (`$1`, `\$`)."""

    def part(match: re.Match[str]) -> str:
        escaped, group = match.groups()
        if group is not None:
            return "\\" + group
        return "\\\\" if escaped == "\\" else str(escaped)

    return re.sub(r"\\(.)|\$(\d)", part, text, flags=re.DOTALL)
