"""A provider's reports in memory."""

from __future__ import annotations

from functions.domain.errors import ProviderUnavailable
from functions.domain.provider_report import CostRow, ProviderReport, UseRow


class MemoryReports:
    """A `ProviderReports`. `away` plays an outage."""

    def __init__(self) -> None:
        self.use: list[UseRow] = []
        self.costs: list[CostRow] = []
        self.away = False

    def report(self, first_day: int, last_day: int) -> ProviderReport:
        if self.away:
            raise ProviderUnavailable("the provider is away")
        return ProviderReport(
            [row for row in self.use if first_day <= row.day < last_day],
            [row for row in self.costs if first_day <= row.day < last_day],
            "the whole organisation",
        )
