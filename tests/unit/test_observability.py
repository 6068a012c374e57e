"""What logs do not have, whoever wrote it into them."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator

import pytest

from functions.runtime.observability import logger, redact

KEY = "sk-ant-api03-0123456789-ABCDEFGHIJ"


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """What the service `observed` logs, as it is written."""
    log = logger("observed")
    handler = log.registered_handler
    assert isinstance(handler, logging.StreamHandler)
    written = io.StringIO()
    before = handler.setStream(written)
    yield written
    if before is not None:
        handler.setStream(before)


@pytest.mark.parametrize("secret", [KEY, "Bearer 0123456789abcdef", "cp_id1_0123456789abcdef"])
def test_secrets_in_messages_fields_and_traces_are_not_written(lines: io.StringIO, secret: str) -> None:
    try:
        raise ValueError(f"the provider refused {secret}")
    except ValueError:
        logger("observed").exception(f"went wrong with {secret}", extra={"reason": [f"it was '{secret}'"]})
    line = json.loads(lines.getvalue())
    assert "0123456789" not in str(line)
    assert (line["level"], line["message"].startswith("went wrong with ")) == ("ERROR", True)
    assert "ValueError" in str(line)


def test_what_is_no_secret_stays() -> None:
    kept = {"agent": "sk-7", "fingerprint": "00000001-0123456789abcdef", "task-0123456789-0123456789": "risk-0123456789-0123456789"}
    assert redact(kept) == kept
    assert redact({"token": "x", "inner": [f"cp_id1_abc and {KEY}"]}) == {
        "token": "[redacted]",
        "inner": ["cp_id1_[redacted] and [redacted]"],
    }
