"""What prometheus-adapter makes of its external rules. Source: kubernetes-sigs/prometheus-adapter 0.12, pkg/naming."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any


def name_of(rule: Mapping[str, Any], series: str) -> str | None:
    """The name of a series in the metrics API; None for one that the rule is not about."""
    pattern = rule.get("name", {}).get("matches") or ".*"
    found = re.search(pattern, series)
    if found is None:
        return None
    template = rule.get("name", {}).get("as") or ("$1" if found.re.groups == 1 else "$0")
    return re.sub(r"\$(\d)", lambda part: found[int(part[1])], template)


def query_of(rule: Mapping[str, Any], series: str, labels: Mapping[str, str]) -> str:
    """The query for a series with the labels of an HPA's selector."""
    assert rule["resources"]["namespaced"] is False, "the adapter would add a label `namespace`"
    matchers = ",".join(f'{key}="{value}"' for key, value in labels.items())
    found: str = rule["metricsQuery"].replace("<<.Series>>", series).replace("<<.LabelMatchers>>", matchers)
    assert "<<" not in found
    return found


def selected(query: str) -> tuple[str, dict[str, str]]:
    """Series and labels of a query of the form `max(series{label="value"}) …`."""
    found = re.fullmatch(r'max\((\w+)\{((?:\w+="[^"]*",?)*)\}\)(?: by \(\w+\))?', query)
    assert found, query
    return found[1], dict(re.findall(r'(\w+)="([^"]*)"', found[2]))
