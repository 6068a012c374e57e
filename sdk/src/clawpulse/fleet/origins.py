"""Where each part of a merged document comes from: the last layer that has a say in it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from clawpulse.fleet.faults import below
from clawpulse.fleet.layers import Layer


def origins(document: Mapping[str, Any], layers: list[Layer]) -> dict[str, str]:
    """`file:line` by path, for mappings and what is in them. A list that a layer changed comes from there."""
    return {path: place for keys, path in _paths(document, (), "") if (place := _place(layers, keys))}


def _paths(value: Mapping[str, Any], above: tuple[str, ...], path: str) -> Iterator[tuple[tuple[str, ...], str]]:
    for key, inner in value.items():
        yield (*above, key), below(path, key)
        if isinstance(inner, dict):
            yield from _paths(inner, (*above, key), below(path, key))


def _place(layers: list[Layer], keys: tuple[str, ...]) -> str | None:
    for layer in reversed(layers):
        written = _written(layer.value, keys)
        if written:
            fault = layer.source.fault(written, "")
            return f"{fault.file}:{fault.line}"
    return None


def _written(value: Any, keys: tuple[str, ...]) -> str | None:
    """The path as the layer writes it, `allow+` for instance; None when the layer says nothing about it."""
    path = ""
    for key in keys:
        found = next((name for name in (key, f"{key}+", f"{key}-") if isinstance(value, dict) and value.get(name) is not None), None)
        if found is None:
            return None
        path, value = below(path, found), value[found]
    return path
