"""Every report store keeps these promises."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.request import urlopen
from uuid import uuid4

import msgspec
import pytest
from botocore.config import Config

from functions.adapters.reports import Reports
from functions.domain.report_record import ReportPhase, ReportRecord, new_id
from functions.ports import ReportStore
from tests.fakes.reports import MemoryReportStore

T0 = 1_795_464_000_000


def memory(_request: Any) -> ReportStore:
    return MemoryReportStore()


def on_boto3(request: Any) -> ReportStore:
    client = request.getfixturevalue("localstack").client("s3", config=Config(signature_version="s3v4", s3={"addressing_style": "path"}))
    bucket = f"reports-{uuid4().hex}"
    client.create_bucket(Bucket=bucket)
    return Reports(client, bucket)


@pytest.fixture(params=[memory, pytest.param(on_boto3, marks=pytest.mark.cloud)])
def store(request: pytest.FixtureRequest) -> ReportStore:
    make: Callable[[Any], ReportStore] = request.param
    return make(request)


def record(at: int = T0, **more: Any) -> ReportRecord:
    return ReportRecord(id=new_id(at, b"\x01\x02\x03\x04\x05"), created=at, start=at - 7, end=at, **{"by": "t1", **more})


def test_a_record_is_put_once(store: ReportStore) -> None:
    one = record(tags="env=prod", channels=("mail",))
    assert store.read("ws", one.id) is None
    assert store.create("ws", one)
    assert not store.create("ws", record(title="another"))
    kept = store.read("ws", one.id)
    assert kept is not None
    assert kept.record == one
    assert store.read("other", one.id) is None


def test_who_has_seen_the_record_replaces_it_and_nobody_else(store: ReportStore) -> None:
    one = record()
    store.create("ws", one)
    kept = store.read("ws", one.id)
    assert kept
    after = store.save("ws", msgspec.structs.replace(one, phase=ReportPhase.RUNNING), kept.seen)
    assert after
    assert store.save("ws", msgspec.structs.replace(one, phase=ReportPhase.FAILED), kept.seen) is None
    done = store.save("ws", msgspec.structs.replace(after.record, phase=ReportPhase.DONE), after.seen)
    assert done
    assert store.read("ws", one.id) == done


def test_nothing_is_saved_that_was_not_created(store: ReportStore) -> None:
    other = record(T0 + 1)
    store.create("ws", other)
    seen = store.read("ws", other.id)
    assert seen
    assert store.save("ws", record(), seen.seen) is None
    assert store.read("ws", record().id) is None


def test_of_many_at_once_one_creates_it(store: ReportStore) -> None:
    with ThreadPoolExecutor(8) as pool:
        created = list(pool.map(lambda number: store.create("ws", record(by=f"run-{number}")), range(16)))
    assert sum(created) == 1
    kept = store.read("ws", record().id)
    assert kept
    assert kept.record.by == f"run-{created.index(True)}"


def test_they_are_listed_newest_first_page_by_page(store: ReportStore) -> None:
    made = [record(T0 + number * 3_600_000) for number in (3, 0, 4, 1, 2)]
    for one in made:
        store.create("ws", one)
    store.create("other", record(T0 + 99))
    wanted = sorted((one.id for one in made), reverse=True)
    first = store.reports("ws", 2)
    assert [one.id for one in first] == wanted[:2]
    assert [one.id for one in store.reports("ws", 10, first[-1].id)] == wanted[2:]
    assert store.reports("nobody", 5) == []


def test_files_are_replaced_and_their_links_name_them(store: ReportStore) -> None:
    one = record()
    store.put_file("ws", one.id, "report.md", "old", "text/markdown")
    store.put_file("ws", one.id, "report.md", "new", "text/markdown")
    url = store.link("ws", one.id, "report.md", 60)
    assert url.startswith("http")
    assert f"{one.id}/report.md?" in url


@pytest.mark.cloud
def test_a_signed_link_opens_its_file_for_a_while(request: pytest.FixtureRequest) -> None:
    store, one = on_boto3(request), record()
    store.put_file("ws", one.id, "report.html", "<p>für alle</p>", "text/html; charset=utf-8")
    url = store.link("ws", one.id, "report.html", 60)
    with urlopen(url, timeout=10) as answer:
        assert answer.read().decode() == "<p>für alle</p>"
        assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
        assert answer.headers["Content-Disposition"] == f'inline; filename="{one.id}-report.html"'
    assert "X-Amz-Expires=60" in url
    assert "X-Amz-Algorithm=AWS4-HMAC-SHA256" in url
