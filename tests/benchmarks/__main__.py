"""Runs every benchmark beside it and prints one table: `make bench`, or `python -m tests.benchmarks NAME ...`."""

import importlib
import pkgutil
import sys

from rich.console import Console
from rich.table import Table

import tests.benchmarks as package


def main(names: list[str]) -> None:
    console = Console(width=180 if not sys.stdout.isatty() else None)
    table = Table(
        "benchmark",
        "what",
        "figure",
        "beside",
        "ratio",
        "bound",
        title="Ratios hold within this run; absolute figures are this machine's, now",
    )
    for module in sorted(m.name for m in pkgutil.iter_modules(package.__path__) if m.name.startswith("bench_")):
        noun = module.removeprefix("bench_")
        if names and noun not in names:
            continue
        console.print(f"… {noun}", style="dim")
        for row in importlib.import_module(f"tests.benchmarks.{module}").rows():
            table.add_row(noun, *(str(row.get(column, "")) for column in ("what", "figure", "beside", "ratio", "bound")))
    console.print(table)


main(sys.argv[1:])
