"""Failed tasks by kind: what a batch tells of them, and groups that do not depend on the order of their parts."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.domain import batch as batches
from functions.domain.dimensions import DEFAULT_DIMENSIONS
from functions.domain.failure_groups import (
    MAX_CELLS,
    MAX_GROUPS,
    OTHER_CELL,
    OTHER_KINDS,
    Sample,
    cell_key,
    cell_of,
    decode_groups,
    encode_groups,
    group_failures,
    merge_groups,
)
from functions.domain.failure_text import MAX_MESSAGE, MAX_SAMPLE, kind, normalised, said, sample
from functions.domain.failures import (
    MAX_A_MINUTE,
    MAX_COUNT,
    OTHER,
    Failure,
    decode_failures,
    encode_failures,
    failures_of,
    fingerprint,
    pairs_of,
)
from functions.domain.naming import naming
from functions.domain.times import MINUTE_MS
from tests.ingest.support import MINUTE, NOW, batch, encoded, events, series

WHOLE = naming(frozenset(DEFAULT_DIMENSIONS), ())


def found_in(*event_columns: dict[str, Any], metrics: Iterable[dict[str, Any]] = (), **more: Any) -> dict[int, tuple[Failure, ...]]:
    document = batch(events=list(event_columns), series=list(metrics), **more)
    checked = batches.check(encoded(document), WHOLE, NOW)
    assert checked.rejected.count == 0
    return failures_of(checked)


def failed(*payloads: Any, tasks: Iterable[str] = (), **more: Any) -> dict[str, Any]:
    """An event for each payload."""
    attributes = {"task_id": list(tasks)} if tasks else {}
    return events("task.failed", [0] * len(payloads), payloads=list(payloads), attributes=attributes, **more)


def only(found: Mapping[int, tuple[Failure, ...]]) -> Failure:
    ((failure,),) = found.values()
    return failure


# What a message comes to


@pytest.mark.parametrize(
    ("one", "other", "both"),
    [
        ("took 31 s, limit 30", "took 4.5 s, limit 30", "took … s, limit …"),
        ("no file '/tmp/a b.txt'", "no file '/var/x'", "no file …"),
        ('key "alpha" is missing', 'key "beta" is missing', "key … is missing"),
        ("cannot read /tmp/x1/y.json: denied", "cannot read /home/ada/z: denied", "cannot read …: denied"),
        (r"cannot read C:\Users\ada\x.txt now", r"cannot read D:\data\7 now", "cannot read … now"),
        ("GET https://a.example/x?y=1 failed", "GET http://b.example failed", "GET … failed"),
        ("agent 6f9619ff-8b86-d011-b42d-00c04fc964ff gone", "agent 00000000-8b86-d011-b42d-00c04fc964ff gone", "agent … gone"),
        ("object at 0x7f3a", "object at 0x10", "object at …"),
        ("commit a1b2c3d4e5 unknown", "commit 0f0f0f0 unknown", "commit … unknown"),
        ("request req_011CSHoEeqs5C35K2UUqR7Fy", "request req_018EeQbYzZ19aaBBccDD22", "request …"),
        ("10.0.0.1:8080 refused", "192.168.1.17:80 refused", "… refused"),
        ("ask ada@example.org", "ask b.c+d@mail.example.com", "ask …"),
        ("bad ids [1, 2, 3]", "bad ids [7]", "bad ids […]"),
        ("loss 1e-5 too small", "loss 0.25 too small", "loss … too small"),
        ("a\n  b\tc", "a b c", "a b c"),
    ],
)
def test_what_differs_from_case_to_case_is_left_out(one: str, other: str, both: str) -> None:
    assert (normalised(one), normalised(other)) == (both, both)


@pytest.mark.parametrize(
    "text",
    [
        "can't open it, won't retry",
        "either/or",
        "no tool named and no default",
        "Error code: 429",
        "status=503 from upstream",
        "HTTP/1.1 502 from upstream",
        "429 Too Many Requests",
    ],
)
def test_what_tells_kinds_apart_stays(text: str) -> None:
    assert normalised(text) == text


@pytest.mark.parametrize(
    "secret",
    ["cp_abc_0123456789abcdefXYZ", "sk-proj-abcdefghijklmnopqrstuvwx", "password=hunter2hunter", "Bearer abcdefgh.ijklmnop"],
)
def test_secrets_are_in_no_message_type_or_sample(secret: str) -> None:
    found = only(found_in(failed({"err": f"login with {secret} failed", "deep": [{"note": secret}], "api_key": "quiet"})))
    tail = secret.rpartition("=")[2].rpartition(" ")[2]
    assert "[redacted]" in found.message
    assert tail not in found.message + found.sample
    assert "quiet" not in found.sample
    assert tail not in only(found_in(metrics=[series("task.errors", tags={"error": secret.replace("=", ":")})])).type.replace(":", "=")


def test_a_secret_where_the_text_is_cut_is_not_left_in_pieces() -> None:
    for before in range(MAX_MESSAGE - 30, MAX_MESSAGE):
        assert "sk-proj-abc" not in normalised("x" * before + " sk-proj-abcdefghijklmnopqrstuvwx")


@pytest.mark.parametrize(
    ("type", "text", "expected"),
    [
        ("", "ValueError: bad value 7", ("ValueError", "bad value …")),
        ("", "openai.RateLimitError: slow down", ("openai.RateLimitError", "slow down")),
        ("", "Error: ENOENT: no such file, open '/x'\n    at read (fs.js:1:2)", ("Error", "ENOENT: no such file, open …")),
        ("", "Timeout waiting for it", ("unknown", "Timeout waiting for it")),
        ("", "Traceback (most recent call last):\n  File \"x\", line 3\nKeyError: 'k'", ("KeyError", "…")),
        ("RateLimitError", "anthropic.RateLimitError: slow down", ("RateLimitError", "slow down")),
        ("http_500", "ValueError: x", ("http_500", "ValueError: x")),
        (
            "BadRequestError",
            "Error code: 400 - {'type': 'error', 'error': {'type': 'invalid', 'message': 'prompt is too long: 9 > 8'}, 'request_id': 'r'}",
            ("BadRequestError", "Error code: 400 - prompt is too long: … > …"),
        ),
        ("", "", ("unknown", "")),
    ],
)
def test_a_message_without_its_type_and_trace(type: str, text: str, expected: tuple[str, str]) -> None:
    assert kind(type, text) == expected


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        ({"err": "boom"}, ("", "boom")),
        ("boom", ("", "boom")),
        ({"error": "TimeoutError", "message": "took long"}, ("TimeoutError", "took long")),
        ({"type": "Refused", "reason": "full"}, ("Refused", "full")),
        ({"error": {"type": "overloaded_error", "message": "Overloaded"}}, ("overloaded_error", "Overloaded")),
        ({"error": {"error": {"message": "deep"}}}, ("", "")),
        ({"err": 7, "message": ""}, ("", "")),
        (["boom"], ("", "")),
        (None, ("", "")),
    ],
)
def test_what_payloads_say(payload: Any, expected: tuple[str, str]) -> None:
    assert said(json.dumps(payload).encode()) == expected


JSON_TEXTS = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["err", "error", "message", "token", "x"]), inner, max_size=4)
    ),
    max_leaves=10,
).map(lambda value: json.dumps(value).encode())


@given(st.one_of(JSON_TEXTS, st.binary(max_size=200), st.just(b"[" * 4000), st.just(b'{"err":' * 500 + b"1" + b"}" * 500)))
def test_nothing_raises_and_all_is_bounded(payload: bytes) -> None:
    words = said(payload)
    type, message = kind(*words)
    assert (0 < len(type) <= 80, len(message) <= MAX_MESSAGE, len(sample(payload)) <= MAX_SAMPLE) == (True, True, True)
    failure = Failure(type, message, "", 1, 1, 1, sample(payload))
    assert decode_failures(encode_failures([failure])) == (failure,)
    assert len(failure.fingerprint) == 16


@given(st.text(max_size=400))
def test_a_normalised_message_has_no_digits_but_of_a_status(text: str) -> None:
    left = normalised(text)
    assert not any(ch in "0123456789" for ch in left) or any(word in left for word in ("code", "status", "HTTP")) or left[:1] in "12345"
    assert "\n" not in left


HOSTILE = {
    "quotes": "a'" * 2000,
    "one quote": '"' + "x" * 4000,
    "quotes apart": ('"' + "x" * 201) * 20,
    "hex": "a" * 4000,
    "mixed": "1a" * 2000,
    "almost an id": "a" * 3999 + "!",
    "mail": "a." * 2000,
    "at": "a@" * 2000,
    "slashes": "/ " * 2000,
    "numbers": "1.,:" * 1000,
    "exponents": "1e" * 2000,
    "spaces": " " * 4000,
    "named": "token= " * 570,
    "named spaces": "password" + " " * 4000,
    "bearer": "authorization: bearer " * 180,
    "url": "://:" * 1000,
    "key": "-----BEGIN " + "A " * 1990,
    "types": ("x" * 60 + "Error") * 60,
    "separators": "… " * 900 + " " * 1000,
    "traces": "\n at" * 1000,
    "message": "'message': '" * 340,
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_no_text_costs_more_than_going_through_it(text: str) -> None:
    payload = json.dumps({"err": text}, ensure_ascii=False).encode()
    start = time.process_time()
    kind(*said(payload))
    sample(payload)
    # It takes about 2 ms; one pattern that backtracks would take minutes.
    assert time.process_time() - start < 2


# What a batch tells


def test_the_sdks_failure_has_its_type_from_the_metric_and_its_message_from_the_event() -> None:
    found = only(
        found_in(
            failed({"err": "took 31 s"}, tasks=["t1"], tags={"tier": "fast"}),
            metrics=[series("task.errors", tags={"tier": "fast", "error": "TimeoutError"}, attributes={"task_id": ["t1"]})],
        )
    )
    assert found == Failure("TimeoutError", "took … s", "tier=fast", 1, NOW, NOW, '{"err":"took 31 s"}')
    assert pairs_of(found.tags) == (("tier", "fast"),)


def test_a_task_id_that_all_points_share_is_a_tag() -> None:
    tags = {"tier": "fast", "task_id": "t1"}
    found = only(found_in(failed({"err": "x"}, tags=tags), metrics=[series("task.errors", tags={**tags, "error": "Boom"})]))
    assert (found.type, found.message, found.count) == ("Boom", "x", 1)


def test_types_belong_to_their_tasks() -> None:
    metrics = [series("task.errors", (1.0, 1.0), attributes={"task_id": ["b", "a"], "error": ["B", "A"]})]
    (minute,) = found_in(failed({"err": "x"}, {"err": "y"}, {"err": "z"}, tasks=["a", "b", "c"]), metrics=metrics).values()
    assert [(one.type, one.message) for one in minute] == [("A", "x"), ("B", "y"), ("unknown", "z")]


def test_events_alone_and_metrics_alone_tell_what_they_know() -> None:
    assert only(found_in(failed({"err": "KeyError: 'x'"}))).type == "KeyError"
    assert only(found_in(events("task.failed"))) == Failure("unknown", "", "", 1, NOW, NOW, "")
    assert only(found_in(events("task.failed", attributes={"error": ["Boom"]}))).type == "Boom"
    alone = only(found_in(metrics=[series("task.errors", (3.0,), tags={"error": "Boom"})]))
    assert (alone.type, alone.message, alone.count, alone.sample) == ("Boom", "", 3, "")
    assert only(found_in(metrics=[series("task.errors", (2.0,))])).type == "unknown"
    assert found_in(metrics=[series("task.errors", (0.0, -1.0))]) == {}
    assert found_in(events("task.completed")) == {}


def test_a_failure_that_is_told_both_ways_counts_once() -> None:
    both = {"metrics": [series("task.errors", (1.0, 1.0), tags={"error": "Boom"}, attributes={"task_id": ["a", "b"]})]}
    (minute,) = found_in(failed({"err": "x"}, tasks=["a"]), **both).values()
    assert [(one.type, one.message, one.count) for one in minute] == [("Boom", "", 1), ("Boom", "x", 1)]
    assert only(found_in(failed({"err": "x"}), metrics=[series("task.errors")])).count == 1


def test_a_thousand_of_one_kind_are_one_with_first_last_and_the_newest_sample() -> None:
    times = [-n for n in range(1000)]
    column = events("task.failed", times, payloads=[{"err": f"no {n}"} for n in range(1000)])
    assert only(found_in(column)) == Failure("unknown", "no …", "", 1000, NOW - 999, NOW, '{"err":"no 0"}')


def test_each_minute_has_its_own() -> None:
    found = found_in(events("task.failed", [0, -MINUTE_MS, -MINUTE_MS + 5]))
    assert {minute: only({minute: kinds}).count for minute, kinds in found.items()} == {MINUTE: 1, MINUTE - 1: 2}


def test_the_rarest_kinds_of_a_minute_count_as_other() -> None:
    words = [chr(97 + n) * 4 for n in range(15)]
    (minute,) = found_in(failed(*({"err": word} for word in [*words, words[14]]))).values()
    assert len(minute) == MAX_A_MINUTE + 1
    assert (minute[0].message, minute[0].count) == (words[14], 2)
    assert (minute[-1].type, minute[-1].count, minute[-1].sample) == (OTHER, 5, "")
    assert sum(one.count for one in minute) == 16


def test_absurd_values_are_bounded() -> None:
    assert only(found_in(metrics=[series("task.errors", (1e290,))])).count == MAX_COUNT
    found = only(found_in(events("task.failed", tags=dict.fromkeys(("tier", "env", "region"), "v" * 120))))
    assert (found.tags, pairs_of(found.tags)) == (OTHER, ())
    assert len(encode_failures(found_in(failed({"err": "ä" * 1900})).popitem()[1])) < 3_000


def test_long_samples_are_cut_visibly() -> None:
    assert sample(json.dumps({"err": "x" * 4000}).encode())[-3:] == "xx…"


# Groups

NAMES = st.sampled_from(["a1", "a2", "a3"])
FAILURES = st.builds(
    Failure,
    type=st.sampled_from(["A", "B"]),
    message=st.sampled_from(["", "m"]),
    tags=st.sampled_from(["", "tier=fast", "env=prod,tier=smart"]),
    count=st.integers(1, 9),
    first=st.integers(0, 20),
    last=st.integers(20, 40),
    sample=st.sampled_from(["", "1", "2", "3", "4", "5"]),
)
PARTS = st.lists(st.tuples(NAMES, FAILURES), max_size=25)


@given(PARTS, st.randoms(), st.integers(1, 6))
def test_groups_are_the_same_in_any_order_and_any_partition(parts: list[tuple[str, Failure]], rng: Any, size: int) -> None:
    whole = group_failures(parts)
    rng.shuffle(parts)
    lots = [group_failures(parts[start : start + size]) for start in range(0, len(parts), size)]
    nested = merge_groups([merge_groups(lots[: size + 1]), merge_groups(lots[size + 1 :])])
    assert group_failures(parts) == whole == merge_groups(lots) == nested
    assert encode_groups(nested) == encode_groups(whole)
    assert decode_groups(encode_groups(whole)) == whole
    assert sum(group.count for group in whole.values()) == sum(failure.count for _, failure in parts)
    assert all(sum(group.cells.values()) == group.count for group in whole.values())


@pytest.mark.parametrize("seed", range(5))
def test_beyond_the_bounds_nothing_is_lost_and_order_does_not_matter(seed: int) -> None:
    parts = [(f"a{n % 149}", Failure("T", str(n % 4 if n < 500 else n), "", 1 + n % 3, n, n, str(n))) for n in range(900)]
    whole = group_failures(parts)
    random.Random(seed).shuffle(parts)
    assert group_failures(parts) == whole
    halves = merge_groups([group_failures(parts[:450]), group_failures(parts[450:])])
    for groups in (whole, halves):
        assert len(groups) <= MAX_GROUPS
        assert all(len(group.cells) <= MAX_CELLS and sum(group.cells.values()) == group.count for group in groups.values())
        assert sum(group.count for group in groups.values()) == sum(failure.count for _, failure in parts)
        assert (groups[OTHER_KINDS].type, groups[OTHER_KINDS].samples) == (OTHER, [])
        assert min(group.first for group in groups.values()) == 0
        assert max(group.last for group in groups.values()) == 899
        assert fingerprint("T", "3") in groups
    assert whole[fingerprint("T", "3")].cells[OTHER_CELL] > 0


def test_what_is_merged_stays_as_it_is() -> None:
    one, other = (group_failures([(name, Failure("A", "", "", 1, 1, 1, name))]) for name in ("a1", "a2"))
    before = encode_groups(one)
    merge_groups([one, other, one])
    assert encode_groups(one) == before


def test_samples_are_the_newest_different_ones_with_their_agent() -> None:
    parts = [(f"a{n}", Failure("A", "", "tier=fast", 1, n, n, "same" if n > 6 else str(n))) for n in range(10)]
    (group,) = group_failures(parts).values()
    assert group.samples == [Sample(9, "a9", "tier=fast", "same"), Sample(6, "a6", "tier=fast", "6"), Sample(5, "a5", "tier=fast", "5")]
    assert group.cells == {cell_key(f"a{n}", "tier=fast"): 1 for n in range(10)}
    assert cell_of(cell_key("a@b:c", "tier=fast")) == ("a@b:c", "tier=fast")


@pytest.mark.parametrize("data", [b"", b"\x00", msgspec.msgpack.encode({"a": 1})])
def test_what_is_no_stored_form_is_a_value_error(data: bytes) -> None:
    with pytest.raises(ValueError, match="no groups of failures"):
        decode_groups(data)
    with pytest.raises(ValueError, match="no failures"):
        decode_failures(data)
