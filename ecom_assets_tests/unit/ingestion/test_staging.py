"""Every line is used or quarantined exactly once, with its number, its text and every reason."""

import csv
import io
from datetime import date, datetime

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ecom_assets.ingestion import LandingFile, batches, plan_sources
from ecom_assets_tests.unit.ingestion.conftest import Bench, make_shop

ORDERS = "order_id,ordered_at,shipping_amount,shipped_at,currency,fx_rate,channel"


def orders(*lines: str) -> str:
    return "\n".join([ORDERS, *lines]) + "\n"


def test_each_broken_line_is_kept_with_every_reason(bench):
    receipt = bench.receipt(
        orders(
            "o1,2024-05-01 10:00:00,4.95,,,,email",
            ",never,4 EUR,,,,email",
            "o3,2024-05-01 10:00:00,4.95",
            "",
            'o5,2024-05-01 10:00:00,4.95,,,,"a"b',
            "o6,2024-05-02 10:00:00,1,,,,email",
            "o7,2024-05-02 11:00:00,1,,,,email",
        )
    )
    assert (receipt.rows_used, receipt.rows_quarantined) == (3, 4)
    assert bench.rejects() == [
        (3, ",never,4 EUR,,,,email",
         ["order_id: missing", "ordered_at: 'never' is not a time", "shipping_amount: '4 EUR' is not an amount"]),
        (4, "o3,2024-05-01 10:00:00,4.95", ["3 fields where the header has 7"]),
        (5, "", ["blank line"]),
        (6, 'o5,2024-05-01 10:00:00,4.95,,,,"a"b', ["quotes cannot be read (',' expected after '\"')"]),
    ]  # fmt: skip
    assert bench.staged("_source_line, order_id") == [(2, "o1"), (7, "o6"), (8, "o7")]
    # Lines without a day of their own are on the file's most frequent one.
    assert bench.rows("select distinct business_date from _rejects") == [(date(2024, 5, 2),)]


def test_repairs_are_logged_and_the_row_is_used(bench):
    bench.receipt(orders("o1,2024-05-01 10:00:00,1,2024-04-30,,,email", "o2,2024-05-01 10:00:00,1,soon,,,email"))
    assert bench.repairs() == [
        (2, "shipped_at", "2024-04-30", "breaks shipped_after_it_was_ordered"),
        (3, "shipped_at", "soon", "shipped_at: 'soon' is not a time"),
    ]
    bench.to_raw("orders")
    assert bench.clean("orders", "order_id, shipped_at") == [("o1", None), ("o2", None)]
    assert bench.staged("shipped_at") == [("2024-04-30",), ("soon",)]


def test_a_foreign_amount_needs_a_rate(bench):
    receipt = bench.receipt(
        orders(
            "o1,2024-05-01,10,,USD,0.5,email",
            "o2,2024-05-01,10,,usd,,email",
            "o3,2024-05-01,10,,EUR,7,email",
            "o4,2024-05-01,0,,USD,,email",
        )
    )
    assert (receipt.rows_used, receipt.rows_quarantined) == (3, 1)
    assert bench.rejects()[0][2] == ["shipping_amount: foreign amount without a rate"]
    bench.to_raw("orders")
    found = bench.clean("orders", "order_id, shipping_amount::varchar, currency, fx_rate::varchar")
    assert found == [
        ("o1", "5.0000", "USD", "0.50000000"),
        ("o3", "10.0000", "EUR", "1.00000000"),
        ("o4", "0.0000", "USD", None),
    ]


def test_values_out_of_range(bench):
    content = (
        "traffic_date,channel,device,sessions,visitors\n2024-05-01,email,mobile,-1,5\n2024-05-01,email,tablet,9,-5\n"
    )
    bench.receipt(content, shop=make_shop("website_traffic"))
    assert bench.rejects() == [(2, "2024-05-01,email,mobile,-1,5", ["sessions: -1 must be at least 0"])]
    assert bench.repairs() == [(3, "visitors", "-5", "visitors: -5 must be at least 0")]


def test_business_dates_are_the_shops_days(bench):
    bench.receipt(
        orders("o1,2024-05-01T22:30:00Z,1,,,,", "o2,2024-05-01 22:30:00,1,,,,", "o3,2024-05-01T23:30:00-06:00,1,,,,")
    )
    assert bench.staged("_business_date") == [(date(2024, 5, 2),), (date(2024, 5, 1),), (date(2024, 5, 2),)]


def test_receipts_name_the_span_and_the_hash(bench):
    import hashlib

    content = orders("o1,2024-05-01 10:00:00,1,,,,", "o2,2024-05-01 12:00:00,1,,,,")
    receipt = bench.receipt(content)
    assert (receipt.first_event_at, receipt.last_event_at) == (datetime(2024, 5, 1, 8), datetime(2024, 5, 1, 10))
    assert (receipt.file_hash, receipt.size_bytes) == (hashlib.sha256(content.encode()).hexdigest(), len(content))


def test_files_together_give_what_they_give_alone(bench):
    files = {
        f"{n}.csv": orders(*(f"o{n}{k},2024-05-0{n} 10:00:00,{'x' if k == 3 else k},,,,email" for k in range(20)))
        for n in range(1, 6)
    }
    bench.stage(files)
    together = bench.staged("*"), bench.rejects()
    alone: tuple[list, list] = ([], [])
    for name, content in files.items():
        for path in bench.landing.iterdir():
            path.unlink()
        bench.stage({name: content})
        alone = (alone[0] + bench.staged("*"), alone[1] + bench.rejects())
    assert together == alone
    assert len(together[0]) == 5 * 19


CELL = st.one_of(
    st.sampled_from(
        ["", "x", "a b", "ä€", 'say "hi"', "two\nlines", "c,d", ";", " lead", "tail ", '"', "'", "two\r\nlines"]
    ),
    st.text(st.characters(blacklist_categories=("Cs", "Cc")), max_size=6),
)
GOOD_ROW = st.tuples(st.just("row"), CELL, CELL)
BAD_ROW = st.sampled_from(
    [("raw", "only one field"), ("raw", "a,b,c,d,e"), ("raw", ""), ("raw", 'o,2024-05-01,"x"y,z')]
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    rows=st.lists(st.one_of(GOOD_ROW, GOOD_ROW, GOOD_ROW, BAD_ROW), min_size=1, max_size=25),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    line_end=st.sampled_from(["\n", "\r\n"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
)
def test_every_line_is_used_or_quarantined_once(tmp_path_factory, rows, quoting, line_end, encoding):
    """An independent ledger of what was written: where each record starts, its text, and whether it is one."""
    rows = [*rows, ("row", "last", "last")]  # so that no tail is blank
    text, line = "customer_id,city,email,country" + line_end, 2
    used, quarantined = [], []
    for number, (kind, *cells) in enumerate(rows):
        if kind == "row":
            sink = io.StringIO()
            values = [f"c{number}", "Köln", *cells]
            csv.writer(sink, quoting=quoting, lineterminator="\r\n").writerow(values)
            raw = sink.getvalue().removesuffix("\r\n")
            used.append((line, *values))
        else:
            raw = cells[0]
            quarantined.append((line, raw))
        text += raw + line_end
        line += len(io.StringIO(raw + line_end, newline="").readlines())
    bench = Bench(tmp_path_factory.mktemp("bench"))
    receipt = bench.receipt(text.encode(encoding), shop=make_shop("customers"))
    if len(quarantined) > len(used):
        assert receipt.refused or len(quarantined) < 3
        if receipt.refused:
            return
    assert receipt.refused is None
    assert [row[:2] for row in bench.rejects()] == quarantined
    found = bench.staged("_source_line, customer_id, city, coalesce(email, ''), coalesce(country, '')", "customers")
    assert found == used
    assert (receipt.rows_used, receipt.rows_quarantined) == (len(used), len(quarantined))


def test_heavy_files_are_staged_in_batches_of_whole_files(tmp_path):
    (plan,) = plan_sources(make_shop(), tmp_path / "shop.yaml")
    sizes = {"a.csv": 300_000_000, "b.csv": 90_000_000, "c.parquet": 2_000_000, "d.parquet": 39_000_000, "e.csv": 1}
    files = [LandingFile(name, tmp_path, size, 0) for name, size in sizes.items()]
    found = [[file.name for file in batch] for batch in batches(plan, files)]
    assert found == [["a.csv", "b.csv"], ["c.parquet"], ["d.parquet", "e.csv"]]
    assert list(batches(plan, [])) == []
