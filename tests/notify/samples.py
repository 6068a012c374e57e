"""Notifications to try things with: a plain one, and whatever hypothesis can think of."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from functions.domain.alert import Severity
from functions.domain.notification import Notification, NotificationKind, NotifiedAlert, TimelineEntry

START = 1_795_478_400_000
"""2026-11-23 17:20 UTC or so."""


def notification(kind: NotificationKind = NotificationKind.FIRING, **changes: Any) -> Notification:
    fields: dict[str, Any] = {
        "kind": kind,
        "workspace": "acme",
        "incident": "inc-1",
        "title": "p95 latency doubled",
        "severity": Severity.CRITICAL,
        "at": START + 90_000,
        "started": START,
        "alerts": [
            NotifiedAlert(
                rule="p95-latency",
                series={"tier": "fast"},
                since=START,
                reason="p95 of task.latency_ms is 812 ms, above 500 ms",
                value=812.0,
                threshold=500.0,
            )
        ],
        "firing": 1,
        "labels": {"env": "prod", "tier": "fast"},
        "runbook": "https://wiki.example.com/p95",
        "dashboard": "https://pulse.example.com/incidents/inc-1",
        "timeline": [TimelineEntry(at=START - 60_000, text="prompt changed by anna")],
        "owner": "team-search",
    }
    return Notification(**{**fields, **changes})


def resolved(**changes: Any) -> Notification:
    return notification(NotificationKind.RESOLVED, firing=0, resolved=1, at=START + 600_000, **changes)


_MARKUP = st.sampled_from(
    [
        "<!channel> <@U123> <#C1|x> &amp; <https://evil.example|click>",
        "@everyone @here <@123> [x](javascript:1) ||spoiler|| `code` ```",
        "<script>alert(1)</script> \"'><img src=x onerror=1>",
        "a\r\nBcc: victim@example.com\r\n\r\nbody",
        "\u202egnp.exe \u200b\ufeff",
        "é" * 3000,
        "😀" * 4000,
        "&" * 5000,
        '"' * 5000,
        "\\" * 5000,
        "\x00" * 100,
        " " * 5000,
        "\n\n\n\t\t     x",
        "",
    ]
)
texts = st.one_of(st.text(st.characters(exclude_categories=()), max_size=60), _MARKUP, st.text(max_size=2000))
tags = st.dictionaries(texts, texts, max_size=4)
times = st.integers(0, 2**48)
values = st.one_of(st.none(), st.floats())
urls = st.one_of(st.none(), texts, st.builds("https://example.com/{}".format, texts), st.just("https://e.example/?q=" + "%20" * 600))
alerts = st.builds(NotifiedAlert, rule=texts, series=tags, firing=st.booleans(), since=times, reason=texts, value=values, threshold=values)
entries = st.builds(TimelineEntry, at=times, text=texts)


def many(elements: Any, most: int) -> Any:
    """A few of them, or a few again and again."""
    return st.one_of(
        st.lists(elements, max_size=3), st.builds(lambda some: (some * most)[:most], st.lists(elements, min_size=1, max_size=3))
    )


notifications = st.builds(
    Notification,
    kind=st.sampled_from(NotificationKind),
    workspace=st.sampled_from(["acme", "a", "w" * 63]),
    incident=texts.filter(bool),
    title=texts,
    severity=st.sampled_from(Severity),
    at=times,
    started=times,
    alerts=many(alerts, 100),
    firing=st.integers(0, 10**6),
    resolved=st.integers(0, 10**6),
    labels=tags,
    runbook=urls,
    dashboard=urls,
    timeline=many(entries, 60),
    owner=st.one_of(st.none(), texts),
    by=st.one_of(st.none(), texts),
    note=st.one_of(st.none(), texts),
    approve=urls,
    figures=tags,
    highlights=many(texts, 20),
    report=urls,
)
