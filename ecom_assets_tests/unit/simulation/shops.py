"""Shops that the simulation's tests share: settings, days, and files read back."""

import csv
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from ecom_assets.simulation import Simulator

SALES = (
    "products", "customers", "campaigns", "marketing_spend", "website_traffic", "orders", "order_items", "refunds",
)  # fmt: skip
FIRST = date(2026, 3, 2)
QUIET: dict[str, Any] = {"incidents": {"none_share": 1.0}}
CLEAN: dict[str, Any] = {
    **QUIET,
    "mess": {"bad_row_rate": 0, "late_row_rate": 0, "resent_row_rate": 0, "late_file_rate": 0},
}


def shop(seed: int = 11, orders_per_day: float = 60, settings: dict[str, Any] | None = None, **more: Any) -> Simulator:
    return Simulator(settings or QUIET, seed, FIRST, time_zone="Europe/Berlin", orders_per_day=orders_per_day, **more)


def with_incident(kind: str, size: float, day: int = 10, hours: float = 24, **scope: str) -> dict[str, Any]:
    stated = {"kind": kind, "starts": day, "hours": hours, "size": size, "scope": scope}
    return {"incidents": {"none_share": 1.0, "scheduled": [stated]}}


def days(first: int, last: int) -> list[date]:
    return [FIRST + timedelta(days=number) for number in range(first, last + 1)]


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def lines(path: Path) -> list[dict[str, str]]:
    """Rows of a landing file that have the right number of fields."""
    if path.suffix == ".parquet":
        return pq.read_table(path).to_pylist()
    with path.open(newline="") as source:
        reader = csv.reader(source)
        header = next(reader)
        return [dict(zip(header, row, strict=True)) for row in reader if len(row) == len(header)]


def rows_by(table: pa.Table, *key: str) -> dict[Any, dict[str, Any]]:
    return {tuple(row[name] for name in key): row for row in table.to_pylist()}
