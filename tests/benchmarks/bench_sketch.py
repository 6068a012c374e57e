"""The sketch beside its peers: adding, merging, size, worst error. `python -m tests.benchmarks sketch`."""

from __future__ import annotations

import random
import zlib
from collections.abc import Callable, Mapping

from datasketches import kll_doubles_sketch, tdigest_double
from ddsketch import DDSketch
from ddsketch.pb.proto import DDSketchProto

from clawpulse.sketch import Sketch
from tests.benchmarks.measure import beside, medians, show

QUANTILES = (0.01, 0.1, 0.5, 0.9, 0.95, 0.99, 0.999)
VALUES = 500
BLOBS = 40


def draws(kind: str, n: int, seed: int) -> list[float]:
    source = random.Random(seed)
    make: Mapping[str, Callable[[], float]] = {
        "lognormal": lambda: source.lognormvariate(6, 1),
        "Pareto": lambda: source.paretovariate(1.1),
        "bimodal": lambda: source.gauss(120, 15) if source.random() < 0.7 else source.gauss(4_000, 300),
    }
    return [make[kind]() for _ in range(n)]


def _dd(values: list[float]) -> DDSketch:
    sketch = DDSketch(0.01)
    for value in values:
        sketch.add(value)
    return sketch


def _fed(empty: object, values: list[float]) -> object:
    for value in values:
        empty.update(value)  # type: ignore[attr-defined]
    return empty


def _adding(values: list[float]) -> dict[str, float]:
    def ours() -> int:
        add = Sketch().add
        for value in values:
            add(value)
        return len(values)

    def extend() -> int:
        Sketch().extend(values)
        return len(values)

    def oracle() -> int:
        return len(values) if _dd(values) else 0

    def kll() -> int:
        return len(values) if _fed(kll_doubles_sketch(200), values) else 0

    def tdigest() -> int:
        return len(values) if _fed(tdigest_double(100), values) else 0

    return medians({"ours": ours, "extend": extend, "ddsketch": oracle, "KLL": kll, "t-digest": tdigest})


def _merging(values: list[float]) -> dict[str, float]:
    parts = [values[i * VALUES : (i + 1) * VALUES] for i in range(BLOBS)]
    ours = [Sketch(part).to_bytes() for part in parts]
    dd = [DDSketchProto.to_proto(_dd(part)).SerializeToString() for part in parts]
    kll = [_fed(kll_doubles_sketch(200), part).serialize() for part in parts]  # type: ignore[attr-defined]

    def merge_ours() -> int:
        total = Sketch()
        for blob in ours:
            total.merge(Sketch.from_bytes(blob))
        return BLOBS

    def merge_dd() -> int:
        total = DDSketch(0.01)
        for blob in dd:
            total.merge(DDSketchProto.from_proto(_parsed(blob)))
        return BLOBS

    def merge_kll() -> int:
        total = kll_doubles_sketch(200)
        for blob in kll:
            total.merge(kll_doubles_sketch.deserialize(blob))
        return BLOBS

    contestants = {"ours": merge_ours, "ddsketch": merge_dd, "KLL": merge_kll}
    vectorised = _vectorised(ours)
    return medians({**contestants, "vectorised": vectorised} if vectorised else contestants, rounds=9)


def _vectorised(blobs: list[bytes]) -> Callable[[], int] | None:
    """Ten thousand at once with numpy, as seal and the API do it."""
    from functions.domain.sketches import merge_encoded

    many = blobs * (10_000 // len(blobs))

    def merge() -> int:
        merge_encoded(many)
        return len(many)

    return merge


def _parsed(blob: bytes) -> object:
    from ddsketch.pb import ddsketch_pb2

    return ddsketch_pb2.DDSketch.FromString(blob)


def _worst_error(quantile: Callable[[float], float], values: list[float]) -> float:
    ordered = sorted(values)
    exact = {q: ordered[int(q * (len(ordered) - 1))] for q in QUANTILES}
    return max(abs(quantile(q) - value) / abs(value) for q, value in exact.items())


def _errors(kind: str) -> dict[str, str]:
    values = draws(kind, 20_000, seed=5)
    dd, kll, tdigest = _dd(values), _fed(kll_doubles_sketch(200), values), _fed(tdigest_double(100), values)
    return {
        "what": f"worst error, p1 to p99.9, {kind}",
        "figure": f"{_worst_error(Sketch(values).quantile, values):.2%}",
        "beside": f"ddsketch {_worst_error(dd.get_quantile_value, values):.2%}, "
        f"KLL {_worst_error(kll.get_quantile, values):.1%}, "  # type: ignore[attr-defined]
        f"t-digest {_worst_error(tdigest.get_quantile, values):.1%}",  # type: ignore[attr-defined]
        "bound": "<= 1 %",
    }


def _size() -> dict[str, str]:
    values = draws("lognormal", VALUES, seed=2)
    ours, dd = Sketch(values).to_bytes(), DDSketchProto.to_proto(_dd(values)).SerializeToString()
    kll, tdigest = (_fed(empty, values).serialize() for empty in (kll_doubles_sketch(200), tdigest_double(100)))  # type: ignore[attr-defined]
    return {
        "what": f"bytes at {VALUES} values (zlib)",
        "figure": f"{len(ours)} ({len(zlib.compress(ours))})",
        "beside": f"ddsketch {len(dd)} ({len(zlib.compress(dd))}), KLL {len(kll)}, t-digest {len(tdigest)}",
        "ratio": f"{len(ours) / len(dd):.3f}",
        "bound": "<= 400 B",
    }


def rows() -> list[dict[str, str]]:
    values = draws("lognormal", VALUES * BLOBS, seed=1)
    adding, merging = _adding(values[:5_000]), _merging(values)
    merged = merging.get("vectorised")
    return [
        beside("add a value", adding["ours"], "ddsketch", adding["ddsketch"]),
        beside("add a value, many at once", adding["extend"], "ddsketch", adding["ddsketch"]),
        beside("add a value", adding["ours"], "KLL (C++)", adding["KLL"]),
        beside("add a value", adding["ours"], "t-digest (C++)", adding["t-digest"]),
        beside("decode and merge, pure Python", merging["ours"], "ddsketch", merging["ddsketch"]),
        beside("decode and merge, pure Python", merging["ours"], "KLL (C++)", merging["KLL"]),
        *([beside("decode and merge, 10,000 at once", merged, "ddsketch", merging["ddsketch"], "<= 1/150")] if merged else []),
        _size(),
        *(_errors(kind) for kind in ("lognormal", "Pareto", "bimodal")),
    ]


def main() -> None:
    show(rows())


if __name__ == "__main__":
    main()
