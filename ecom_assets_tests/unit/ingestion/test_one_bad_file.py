"""A file that no reader foresaw is refused by name, and nothing else is lost: inputs that stopped a whole source."""

import os

import pytest

from ecom_assets.ingestion import MappingError, discovery, loading, opening
from ecom_assets_tests.malformed import good
from ecom_assets_tests.malformed.books import with_xml
from ecom_assets_tests.unit.ingestion.conftest import make_shop

GOOD = good.csv()
START = '{"order_id": "o99", "ordered_at": "2024-05-01", "channel": '


def beside(bench, content: bytes | str, name: str = "bad.csv", shop=None):
    """The receipt of a file that lies between two good ones, of which every line must be used."""
    staged = bench.stage({"a.csv": GOOD, name: content, "z.csv": GOOD}, shop)
    first, bad, last = staged.receipts
    assert [(one.refused, one.rows_used, one.rows_quarantined) for one in (first, last)] == [(None, 12, 0)] * 2
    return bad


@pytest.mark.parametrize("content", [b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff", b"\xef\xbb\xbf\n", b"\xef\xbb\xbf" * 2])
def test_a_byte_order_mark_alone_is_an_empty_file(bench, content):
    assert beside(bench, content).refused.startswith("the file is empty")


@pytest.mark.parametrize(
    ("odd", "reason"),
    [
        (START + "[" * 3_000 + "]" * 3_000 + "}", "not a JSON object (values nested too deeply)"),
        (START + '"\\ud800"}', "not text: half of a surrogate pair"),
        ('{"order_id": "\\udc00", "ordered_at": "2024-05-01"}', "not text: half of a surrogate pair"),
        (START + '1, "channel": 2}', "not a JSON object (a key stands there twice)"),
        ("[1, 2]", "not a JSON object"),
    ],
)
def test_a_line_of_odd_json_is_quarantined_alone(bench, odd, reason):
    receipt = beside(bench, good.json_lines() + odd + "\n", "bad.jsonl")
    assert (receipt.refused, receipt.rows_used, receipt.rows_quarantined) == (None, 12, 1)
    assert bench.rejects() == [(13, odd, [reason])]


def test_an_integer_of_thousands_of_digits_is_one_bad_value(bench):
    line = START.replace('"channel": ', '"shipping_amount": ') + "9" * 5_000 + "}\n"
    receipt = beside(bench, good.json_lines() + line, "bad.jsonl")
    assert (receipt.rows_used, receipt.rows_quarantined) == (12, 1)


@pytest.mark.parametrize("said", ["A1:D5", "A1", "C3:D4"])
def test_a_workbook_that_states_a_wrong_size_loses_no_row(bench, said):
    content = with_xml('<dimension ref="[^"]*"', f'<dimension ref="{said}"')
    assert beside(bench, content, "bad.xlsx").rows_used == 12
    total = "select sum(shipping_amount::decimal(9, 2))::varchar from _staged_orders where _source_file = 'bad.xlsx'"
    assert bench.rows(total) == [("77.40",)]  # 0.95 + 1.95 + ... + 11.95


def book(content: str) -> bytes:
    """The good workbook with another cell C5, the amount of o3."""
    return with_xml(r'<c r="C5"[^>]*>.*?</c>', content)


@pytest.mark.parametrize(
    ("cell", "found", "reason"),
    [
        (
            '<c r="C5"><f>A1*2</f></c>',
            "a formula",
            "a formula without a value: open the workbook in Excel and save it",
        ),
        (
            '<c r="C5"><f>A1*2</f><v /></c>',  # as openpyxl writes it
            "a formula",
            "a formula without a value: open the workbook in Excel and save it",
        ),
        ('<c r="C5" t="e"><v>#N/A</v></c>', "#N/A", "an error instead of a value"),
    ],
)
def test_a_cell_without_its_value_is_emptied_and_told(bench, cell, found, reason):
    receipt = beside(bench, book(cell), "bad.xlsx")
    assert (receipt.rows_used, receipt.rows_quarantined) == (12, 0)
    assert bench.repairs() == [(5, "shipping_amount", found, reason)]
    assert f"1 cells hold {reason}; they are read as empty" in receipt.warnings
    sql = "select order_id from _staged_orders where _source_file = 'bad.xlsx' and shipping_amount is null"
    assert bench.rows(sql) == [("o3",)]


def test_a_formula_whose_value_is_stored_is_that_value(bench):
    beside(bench, book('<c r="C5"><f>A1*2</f><v>7.5</v></c>'), "bad.xlsx")
    sql = "select shipping_amount from _staged_orders where _source_file = 'bad.xlsx' and order_id = 'o3'"
    assert (bench.rows(sql), bench.repairs()) == ([("7.5",)], [])


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        ('<c r="5C"><v>1</v></c>', "line 5: the sheet is damaged here or further down"),
        ('<c r="C99"><v>1</v></c>', "line 5: a cell says of itself that it is another"),
        ('<c r="C5" t="s"><v>99999</v></c>', "line 5: the sheet is damaged here or further down"),
    ],
)
def test_a_damaged_sheet_is_refused_with_its_row(bench, cell, words):
    assert words in beside(bench, book(cell), "bad.xlsx").refused


def test_rows_that_claim_a_place_outside_of_any_sheet_are_refused_at_once(bench):
    content = with_xml('<row r="5"', '<row r="999999999999"')
    assert "line 999999999999: no row of a sheet, behind row 4" in beside(bench, content, "bad.xlsx").refused


def test_a_date_outside_the_calendar_is_one_bad_value(bench):
    from ecom_assets_tests.malformed.books import dated

    receipt = beside(bench, dated("99999999999"), "bad.xlsx")
    assert (receipt.rows_used, receipt.rows_quarantined) == (11, 1)
    assert bench.rejects()[0][2] == ["ordered_at: '99999999999' is not a time"]


def test_a_workbook_with_a_password_is_refused_in_words(bench):
    assert "one with a password" in beside(bench, b"\xd0\xcf\x11\xe0" + bytes(600), "bad.xlsx").refused


@pytest.mark.parametrize(
    ("name", "shown", "why"),
    [(b"caf\xe9.csv", "caf\\udce9.csv", "is not UTF-8"), (b"d\\e.csv", "d\\e.csv", "holds a backslash")],
)
def test_a_name_that_not_everyone_can_write_is_refused(bench, name, shown, why):
    with open(os.path.join(os.fsencode(bench.landing), name), "wb") as stream:
        stream.write(GOOD.encode())
    receipts = {receipt.source_file: receipt for receipt in bench.stage({"a.csv": GOOD}).receipts}
    assert receipts["a.csv"].rows_used == 12
    assert why in receipts[shown].refused
    assert receipts[shown].file_hash == receipts["a.csv"].file_hash


@pytest.mark.parametrize("folder", ["a=b", "order_id=7"])
def test_a_folder_named_like_a_partition_brings_no_column(bench, folder):
    assert bench.receipt(good.parquet(), f"{folder}/a.parquet").rows_used == 12
    assert bench.staged("order_id")[0] == ("o0",)


def test_a_damaged_parquet_file_is_itself_and_no_pattern(bench):
    """Its name matches that of another file, were the brackets a pattern."""
    used, refused = bench.stage({"a[1].parquet": good.parquet()[:-9], "a1.parquet": good.parquet()}).receipts
    assert "not a whole Parquet file" in refused.refused
    assert used.rows_used == 12


def test_a_file_that_grows_while_it_is_read_is_read_again_at_once(bench, monkeypatch):
    """What was counted at the first look and what the engine read are two files; the last look is one."""
    read = loading._fill_bulk

    def meanwhile(*arguments):
        with (bench.landing / "bad.csv").open("a") as stream:
            stream.write("o98,2024-05-01 10:00:00,1,email\n")
        return read(*arguments)

    monkeypatch.setattr(loading, "_fill_bulk", meanwhile)
    receipt = beside(bench, GOOD, "bad.csv")
    assert (receipt.refused, receipt.rows_used, receipt.rows_quarantined) == (None, 13, 0)
    assert receipt.file_hash == discovery.file_hash(bench.landing / "bad.csv")
    assert bench.rows("select max(_source_line) from _staged_orders where _source_file = 'bad.csv'") == [(14,)]


def test_a_file_that_is_written_between_two_looks_waits_for_the_next_run(bench, monkeypatch):
    parsed = opening.match_header

    def meanwhile(*arguments):
        with (bench.landing / "bad.csv").open("a") as stream:
            stream.write("o98,2024-05-01 10:00:00,1,email\n")
        return parsed(*arguments)

    monkeypatch.setattr(opening, "match_header", meanwhile)
    assert beside(bench, GOOD, "bad.csv").refused == "it changed while it was read; the next run reads it again"


def broken(monkeypatch, error: Exception) -> None:
    """Reading bad.csv raises `error`."""
    matched = opening.matched

    def raises(plan, found, line=1):
        if "bad" in found:
            raise error
        return matched(plan, found, line)

    monkeypatch.setattr(opening, "matched", raises)


def test_what_nobody_foresaw_refuses_the_file_alone_and_quotes_nothing(bench, monkeypatch, caplog):
    broken(monkeypatch, KeyError("jane.doe@example.com"))
    refused = beside(bench, "bad\n1\n").refused
    assert refused.startswith("the file could not be read: an unexpected KeyError;")
    assert "jane" not in refused + caplog.text
    assert "bad.csv: KeyError in" in caplog.text


def test_what_is_no_files_fault_is_raised(bench, monkeypatch):
    broken(monkeypatch, MemoryError())
    with pytest.raises(MemoryError):
        beside(bench, "bad\n1\n")


def test_what_the_engine_cannot_stage_is_traced_to_its_file(bench, monkeypatch):
    """Behind the reading, when all files stand in one table, an error names none of them."""
    from ecom_assets.ingestion import staging

    def fails(connection, rows, is_mapped):
        if connection.execute("select 1 from _rows_orders where source_file = 'bad.csv'").fetchall():
            raise IndexError("list index out of range")
        return suspects(connection, rows, is_mapped)

    suspects = staging.find_suspects
    monkeypatch.setattr(staging, "find_suspects", fails)
    assert "an unexpected IndexError" in beside(bench, GOOD).refused


MAPPING = "name: x\ncolumns: [order_id, ordered_at, shipping_amount, channel]\ndatasets: {orders: {sql: orders.sql}}\n"
SQL = "select source_file, source_line, order_id, ordered_at from staged"


@pytest.mark.parametrize(
    ("sql", "row", "words"),
    [
        (
            SQL.replace("order_id", "shipping_amount::decimal(9, 2) as order_id"),
            "o1,2024-05-01,x,",
            "a Conversion Error",
        ),
        (
            SQL.replace("source_file,", "coalesce(channel, source_file) as source_file,"),
            "o1,2024-05-01,1,m",
            "1 of its",
        ),
        (SQL.replace("source_line,", "length(channel) as source_line,"), "o1,2024-05-01,1,abcdefghi", "1 of its rows"),
    ],
)
def test_a_file_that_a_mappings_sql_cannot_digest_is_refused_alone(bench, sql, row, words):
    (bench.folder / "mapping.yaml").write_text(MAPPING)
    (bench.folder / "orders.sql").write_text(sql)
    header = "order_id,ordered_at,shipping_amount,channel\n"
    fine = header + ("o0,2024-05-01,1,\n" if "coalesce" in sql else "o0,2024-05-01,1,ab\n")
    files = {"a.csv": fine, "bad.csv": header + row + "\n", "z.csv": fine}
    receipts = bench.stage(files, make_shop(mapping="mapping.yaml")).receipts
    assert [receipt.rows_used for receipt in receipts] == [1, 0, 1]
    assert "orders.sql" in receipts[1].refused
    assert words in receipts[1].refused


def test_sql_that_fails_over_files_which_are_good_alone_is_the_mappings_fault(bench):
    (bench.folder / "mapping.yaml").write_text(MAPPING)
    (bench.folder / "orders.sql").write_text(
        SQL + " where case when (select count(*) from staged) > 12 then error('x') end"
    )
    with pytest.raises(MappingError, match=r"orders\.sql"):
        bench.stage({"a.csv": GOOD, "b.csv": GOOD}, make_shop(mapping="mapping.yaml"))


def test_a_rejected_row_of_a_mapped_workbook_keeps_its_text(bench):
    (bench.folder / "mapping.yaml").write_text(MAPPING)
    (bench.folder / "orders.sql").write_text(SQL)
    content = with_xml(r'<c r="B5"[^>]*>.*?</c>', '<c r="B5"><v>7</v></c>')
    bench.receipt(content, "a.xlsx", make_shop(mapping="mapping.yaml"))
    assert bench.rejects() == [(5, "o3,7,3.95,email", ["ordered_at: value withheld, it is not a time"])]


def test_files_without_a_line_of_use_are_refused_and_those_without_a_line_are_not(bench):
    header = GOOD.splitlines()[0] + "\n"
    files = {"a.csv": GOOD, "b.csv": header + "o1,soon,1,\no2,later,1,\n", "c.csv": header, "d.csv": header + "x,,1,\n"}
    whole, lost, empty, one = bench.stage(files).receipts
    assert (whole.rows_used, empty.refused, empty.rows_used) == (12, None, 0)
    assert lost.refused == (
        "none of its 2 lines could be used; mostly: ordered_at is not a time (first on line 2); correct it and deliver"
        " it again, or map it"
    )
    assert one.refused.startswith("its only line could not be used; mostly: ordered_at: missing (first on line 2)")
    assert (bench.rejects(), len(bench.staged("*"))) == ([], 12)


def test_a_line_that_one_dataset_uses_is_of_use(bench):
    """Orders of guests alone: no line gives a customer, and every line an order."""
    (bench.folder / "mapping.yaml").write_text(
        "name: x\ncolumns: [number, at, who]\ndatasets:\n"
        "  orders: {columns: {order_id: number, ordered_at: at, customer_id: who}}\n"
        "  customers: {columns: {customer_id: who}}\n"
    )
    receipt = bench.receipt("number,at,who\n1,2024-05-01,\n2,2024-05-01,\n", shop=make_shop(mapping="mapping.yaml"))
    assert (receipt.refused, receipt.rows_used, receipt.rows_quarantined, receipt.unused) == (None, 0, 2, None)
    assert bench.staged("order_id") == [("1",), ("2",)]


def test_the_odd_bytes_of_a_name_are_shown():
    assert discovery.shown("caf\udce9.csv") == "caf\\udce9.csv"
    assert discovery.shown("Köln.csv") == "Köln.csv"
