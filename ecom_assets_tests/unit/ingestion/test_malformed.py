"""Malformed files drawn by seed: each is refused or accounted for line by line, and none harms the files beside it."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from types import FrameType
from typing import NoReturn

import pytest

from ecom_assets_tests.malformed import KINDS, ROWS, BadFile, draw, good
from ecom_assets_tests.unit.ingestion.conftest import Bench, make_shop

SEED, FILES, TOGETHER, MOST_SECONDS = int(os.environ.get("MALFORMED_SEED", "11")), 600, 30, 20
MAPPING = """\
name: export
source_time_zone: America/New_York
columns: [order_id, ordered_at]
optional_columns: [shipping_amount, channel]
formats: {ordered_at: {timestamp: ["%Y-%m-%d %H:%M:%S", "%d.%m.%Y"]}}
datasets: {orders: {sql: orders.sql}}
"""
BESIDE = {
    "good.csv": good.csv().encode(),
    "good.jsonl": good.json_lines().encode(),
    "good.parquet": good.parquet(),
    "good.xlsx": good.workbook(),
}


class HangError(BaseException):
    """Nothing that handles errors may handle this one."""


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    def hang(_signal: int, _frame: FrameType | None) -> NoReturn:
        raise HangError(f"{seconds} s are over")

    before = signal.signal(signal.SIGALRM, hang)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def check(bench: Bench, files: list[BadFile]) -> None:
    """Lays the files beside good ones, stages all, and holds every promise against what came of them."""
    for file in files:
        path = os.path.join(os.fsencode(bench.landing), file.name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as stream:
            stream.write(file.content)
    with at_most(MOST_SECONDS):
        staged = bench.stage(dict(BESIDE), bench.wanted)
    receipts = {receipt.source_file: receipt for receipt in staged.receipts}
    assert len(receipts) == len(files) + len(BESIDE)
    counted = bench.rows(
        "select name, count(distinct line) filter (is_used), count(distinct line) filter (not is_used) from ("
        " select _source_file as name, _source_line as line, true as is_used from _staged_orders"
        " union all select source_file, source_line, false from _rejects) group by name"
    )
    found = {name: (used, quarantined) for name, used, quarantined in counted}
    for name, receipt in receipts.items():
        assert found.get(name, (0, 0)) == (receipt.rows_used, receipt.rows_quarantined), name
        if receipt.refused:
            assert len(receipt.refused) < 1_100
            assert "unexpected" not in receipt.refused, f"{name}: {receipt.refused}"
            assert name not in found
    assert bench.rows("select count(*) from _rejects where raw_text is null") == [(0,)]
    for name in BESIDE:
        assert receipts[name].refused is None
        sql = "select order_id, ordered_at, shipping_amount, channel from _staged_orders where _source_file = ?"
        assert sorted(bench.rows(sql, [name])) == sorted(bench.expected), name
    for file in files:
        receipt = receipts[file.name.decode("utf-8", "surrogateescape").encode("utf-8", "backslashreplace").decode()]
        if file.lines is not None and not receipt.refused:
            assert receipt.rows_used + receipt.rows_quarantined == file.lines, (file.kind, file.name, receipt)


@pytest.fixture(params=["plain", "mapped"])
def shops(request, tmp_path_factory):
    """Makes benches of a shop that takes files as they are, or through a mapping's SQL."""

    def made() -> Bench:
        bench = Bench(tmp_path_factory.mktemp("landing"))
        bench.wanted = make_shop(mapping="mapping.yaml") if request.param == "mapped" else make_shop()
        bench.expected, bench.seed = list(ROWS), SEED
        if request.param == "mapped":
            (bench.folder / "mapping.yaml").write_text(MAPPING)
            columns = "source_file, source_line, order_id, ordered_at, shipping_amount, channel"
            (bench.folder / "orders.sql").write_text(f"select {columns} from staged")
            bench.seed += 1_000
            bench.expected = [(o, str_at(at), amount, channel) for o, at, amount, channel in ROWS]
        return bench

    return made


def str_at(moment: str) -> str:
    """New York is four hours behind UTC in May."""
    return f"{moment[:11]}14:00:00Z"


def test_malformed_files_are_refused_or_accounted_for_and_harm_no_other(shops):
    files = draw(shops().seed, FILES // 2)
    while some := list(islice(files, TOGETHER)):
        check(shops(), some)


def test_the_drawn_files_hold_every_kind():
    assert {file.kind for file in draw(SEED, FILES // 2)} == KINDS.keys()
    assert list(draw(1, 40)) == list(draw(1, 40))
