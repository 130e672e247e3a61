"""Files that must not be loaded: each is refused whole, with what was found, the line and what to do."""

import gzip

import pytest

from ecom_assets_tests.unit.ingestion.conftest import make_shop

HEADER = "order_id,ordered_at,shipping_amount,channel\n"
GOOD = HEADER + "".join(f"o{n},2024-05-01 10:00:00,4.95,email\n" for n in range(8))


def test_the_good_file_is_used(bench):
    receipt = bench.receipt(GOOD)
    assert (receipt.refused, receipt.rows_used, receipt.rows_quarantined) == (None, 8, 0)


REFUSED = {
    "merge conflict": (
        GOOD + "<<<<<<< HEAD\no9,2024-05-01,1,\n=======\no9,2024-05-01,2,\n>>>>>>> other\n",
        ["line 10", "merge-conflict marker", "resolve"],
    ),
    "blank tail of delimiters": (GOOD + ",,,\n,,,\n", ["line 10", "all-blank tail", "2 lines"]),
    "blank tail of one delimited line": (GOOD + ",,,\n", ["line 10", "all-blank tail"]),
    "blank tail of empty lines": (GOOD + "\n\n\n", ["line 10", "all-blank tail"]),
    "blank tail of blanks and quotes": (GOOD + '  \n"","","",""\n', ["line 10", "all-blank tail"]),
    "semicolons": (GOOD.replace(",", ";"), ["line 1", "wrong delimiter", "semicolons", "mapping"]),
    "tabs": (GOOD.replace(",", "\t"), ["line 1", "wrong delimiter", "tabs"]),
    "bars": (GOOD.replace(",", "|"), ["line 1", "wrong delimiter", "bars"]),
    "rows in semicolons": (HEADER + GOOD.removeprefix(HEADER).replace(",", ";"), ["line 2", "1 fields", "8 of 8"]),
    "unclosed quote to the end": (GOOD + 'o9,"2024-05-01,1,\no10,2024-05-01,1,\n', ["line 10", "unclosed quote"]),
    "unclosed quote at the end": (GOOD + 'o9,2024-05-01,1,"email', ["line 10", "unclosed quote"]),
    "unclosed quote closed by another": (
        GOOD + 'o9,2024-05-01,1,"em\no10,2024-05-01,1,"email"\n',
        ["line 10", "unclosed"],
    ),
    "no header": (GOOD.removeprefix(HEADER), ["line 1", "no header", "its 4 fields", "order_id"]),
    "blank header": ("\n" + GOOD, ["line 1", "no header"]),
    "empty": ("", ["empty"]),
    "blank": (" \n \n", ["empty"]),
    "binary": (GOOD.encode()[:90] + b"\0\1\2" + GOOD.encode()[90:], ["line 3", "not text", "NUL"]),
    "a workbook called csv": (b"PK\x03\x04" + b"x" * 50, ["not text", "Excel"]),
    "a Parquet file called csv": (b"PAR1" + b"x" * 50, ["not text", "Parquet"]),
    "gzip called csv": (gzip.compress(GOOD.encode()), ["not text", "gzip"]),
    "mixed encodings": (
        (GOOD + "ö1,2024-05-01,1,\n").encode() + b"\xf62,2024-05-01,1,\n",
        ["line 11", "mixed encodings"],
    ),
    "no encoding at all": (
        GOOD.encode() + b"\x81\x8d,2024-05-01,1,\n",
        ["line 10", "not text in UTF-8 or Windows-1252"],
    ),
    "half of UTF-16": (GOOD.encode("utf-16")[:-1], ["not UTF-16"]),
    "renamed": (
        GOOD.replace("ordered_at", "ordered_on"),
        ["line 1", "unknown column 'ordered_on'", "did you mean ordered_at"],
    ),
    "added": (
        GOOD.replace("channel", "channel,voucher").replace("email", "email,v1"),
        ["line 1", "'voucher'", "ignore_columns"],
    ),
    "dropped": (GOOD.replace("ordered_at,", "").replace("2024-05-01 10:00:00,", ""), ["required column ordered_at"]),
    "re-typed time": (
        GOOD.replace("2024-05-01 10:00:00", "1714557600"),
        ["line 2", "re-typed", "ordered_at", "8 of 8"],
    ),
    "re-typed money": (GOOD.replace("4.95", "'4,95'").replace("'", '"'), ["re-typed", "shipping_amount", "'9,99'"]),
    "a name without end": (GOOD.replace("channel", "x" * 17_000_000), ["line 1", "no header", "longer than any name"]),
    "a column twice": (GOOD.replace("channel", "order_id"), ["line 1", "order_id", "twice"]),
    "a column without name": (GOOD.replace(",channel", ","), ["column 4 has no name"]),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_a_file_is_refused_with_what_to_do(bench, kind):
    content, words = REFUSED[kind]
    receipt = bench.receipt(content)
    assert receipt.refused, f"loaded silently: {receipt}"
    for word in words:
        assert word in receipt.refused
    assert (receipt.rows_used, receipt.rows_quarantined) == (0, 0)
    assert bench.staged("*") == bench.rejects() == bench.repairs() == []


def test_cut_off_and_damaged_archives_are_refused(bench):
    whole = gzip.compress(GOOD.encode() * 50)
    damaged = whole[:40] + bytes([whole[40] ^ 255]) + whole[41:]
    receipts = bench.stage({"cut.csv.gz": whole[: len(whole) // 2], "bad.csv.gz": damaged, "no.csv.gz": GOOD}).receipts
    assert ["gzip" in (receipt.refused or "") for receipt in receipts] == [True, True, True]
    assert "cut off" in receipts[1].refused


def test_a_refused_file_leaves_the_others_alone(bench):
    staged = bench.stage(
        {"a.csv": GOOD, "b.csv": GOOD.replace("channel", "colour"), "c.csv": GOOD.replace("o", "p", 0)}
    )
    assert [bool(receipt.refused) for receipt in staged.receipts] == [False, True, False]
    assert len(bench.staged("*")) == 16


def test_the_same_columns_in_another_order_are_the_same_rows(bench):
    turned = "\n".join(",".join(reversed(line.split(","))) for line in GOOD.splitlines()) + "\n"
    bench.receipt(GOOD, "a.csv")
    straight = bench.staged("* exclude (_source_file)")
    (bench.landing / "a.csv").unlink()
    bench.receipt(turned, "b.csv")
    assert bench.staged("* exclude (_source_file)") == straight
    assert len(straight) == 8


def test_a_missing_optional_column_and_a_file_without_rows_are_said(bench):
    receipt = bench.receipt(HEADER)
    assert "holds no rows" in receipt.warnings[0]
    assert "column customer_id is missing; its values are empty" in receipt.warnings
    assert (receipt.refused, receipt.rows_used) == (None, 0)


def test_ignored_columns_are_left_out(bench):
    content = GOOD.replace("channel", "channel,voucher").replace("email", "email,v1")
    receipt = bench.receipt(content, shop=make_shop(ignore_columns=["Voucher"]))
    assert receipt.rows_used == 8


def test_one_bad_value_in_a_short_file_is_a_bad_value(bench):
    receipt = bench.receipt(HEADER + "o1,2024-05-01,x,\no2,2024-05-01,y,\no3,2024-05-01,1,\n")
    assert (receipt.refused, receipt.rows_quarantined) == (None, 2)


def test_formats_that_are_not_read_are_refused_by_name(bench):
    assert ".xls files are not read" in bench.receipt(b"\xd0\xcf\x11\xe0", "a.xls").refused


CUSTOMERS = "customer_id,full_name,email,birth_year\n"
JANE = "C1,Jane Doe,jane.doe@example.com,1980\n"
PERSONAL = {
    "no header": (2 * JANE, "customers.csv", "no header"),
    "no header and one field": (JANE.replace(",", ";"), "customers.csv", "no header"),
    "unclosed quote": (
        CUSTOMERS + JANE + 'C2,"Jane Doe,jane.doe@example.com,1980\nC3,x,y,1980',
        "customers.csv",
        "line 3",
    ),
    "re-typed": (CUSTOMERS + 3 * "C1,jane.doe@example.com,1980,Jane Doe\n", "customers.csv", "'aaaa aaa'"),
    "no JSON": ('["Jane Doe"]\n', "customers.jsonl", "no JSON object"),
    "rows that do not fit": (CUSTOMERS + 4 * JANE.replace(" ", ",", 1), "customers.csv", "5 fields"),
    "merge conflict": (CUSTOMERS + "<<<<<<< Jane Doe\n" + JANE, "customers.csv", "merge-conflict marker"),
    "broken JSON": ('{"customer_id": "C1"}\n' + 3 * '{"email": "jane.doe@example.com\n', "customers.jsonl", "line 2"),
}


@pytest.mark.parametrize("kind", PERSONAL)
def test_a_refusal_quotes_no_values(bench, kind):
    """Receipts are published, raw text is not."""
    content, name, words = PERSONAL[kind]
    said = bench.receipt(content, name, make_shop("customers")).refused
    assert words in said
    assert not [part for part in ("Jane", "Doe", "jane", "example", "1980", "C1") if part in said]
