"""From batches to the ledger: what tasks cost, with the source of each figure."""

from __future__ import annotations

import pytest

from clawpulse import Usage, price
from functions.domain.times import SECOND_MS
from tests.costs.office import Office, a_task

MODEL = "claude-sonnet-4-5"


def listed(amount_in: int, amount_out: int, at: int) -> float:
    found = price(MODEL, Usage(amount_in, amount_out), at=at / SECOND_MS)
    assert found is not None
    return float(found.usd)


@pytest.fixture
def office() -> Office:
    return Office()


def test_reported_priced_and_unpriced_costs_are_apart(office: Office) -> None:
    at = office.world.now
    office.post("a1", [*a_task("t1", MODEL, (1000, 200), cost=0.5), *a_task("t2", MODEL, (3000, 100))])
    office.post("a2", a_task("t3", "nobody-knows", (700, 30)))
    office.seal()
    total = office.ledger()["total"]
    assert (total["tasks"], total["reportedTasks"], total["pricedTasks"], total["unpricedTasks"]) == (3, 1, 1, 1)
    assert total["reportedUsd"] == 0.5
    assert total["pricedUsd"] == pytest.approx(listed(3000, 100, at), rel=1e-12)
    assert total["usd"] == total["reportedUsd"] + total["pricedUsd"]
    assert total["unpricedTokens"] == 730
    assert total["tokens"] == {"input": 4700, "output": 330, "cacheRead": 0, "cacheWrite": 0}
    sources = {(source["how"], source["source"]): (source["tasks"], source["usd"]) for source in total["sources"]}
    assert sources["reported", "reported"] == (1, 0.5)
    assert [source for how, source in sources if how == "priced"] == [price(MODEL, Usage(1, 1)).source]  # type: ignore[union-attr]
