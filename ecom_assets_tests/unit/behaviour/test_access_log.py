"""Web-server logs through the mapping of examples/access_log, and keys made where a source brings none."""

import gzip
import re
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest

from ecom_assets.contracts import contract
from ecom_assets.ingestion import Staged, clean_select, discover, key_hash_sql, plan_sources, stage_files
from ecom_assets.settings import Shop, load_shop
from ecom_assets.warehouse import Warehouse
from ecom_assets_tests.shared import ROOT, shared_data

SHOP_FILE = ROOT / "examples" / "access_log" / "shop.yaml"
LINE = '1.2.3.4 - - [17/May/2015:10:05:03 +0200] "{request}" {status} 5 "-" "{agent}"{end}'


@pytest.fixture
def connection() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    return connection


def staged(connection: duckdb.DuckDBPyConnection, landing: Path, shop: Shop, shop_file: Path = SHOP_FILE) -> Staged:
    [plan] = plan_sources(shop, shop_file)
    return stage_files(connection, plan, discover(plan, landing), shop)


def log_line(
    request: str = "GET /a HTTP/1.1", status: int = 200, agent: str = "Mozilla/5.0 (X11; Linux)", end: str = ""
) -> str:
    return LINE.format(request=request, status=status, agent=agent, end=end)


def write_log(folder: Path, *lines: str, name: str = "access.log") -> None:
    data = "".join(f"{line}\n" for line in lines).encode("utf-8", errors="surrogateescape")
    (folder / name).write_bytes(gzip.compress(data) if name.endswith(".gz") else data)


def calls(connection: duckdb.DuckDBPyConnection, columns: str, table: str = "api_logs") -> list[tuple[Any, ...]]:
    return connection.execute(f"select {columns} from _staged_{table} order by _source_file, _source_line").fetchall()


def test_every_line_of_a_real_log_is_a_row_or_quarantined(connection: duckdb.DuckDBPyConnection) -> None:
    folder = shared_data("apache_logs")
    lines = (folder / "access.log").read_text().splitlines()
    [receipt] = staged(connection, folder, load_shop(SHOP_FILE)).receipts
    assert receipt.rows_used + receipt.rows_quarantined == len(lines) == 2000
    rejected = {line for (line,) in connection.execute("select source_line from _rejects").fetchall()}
    used = {line: (status, path) for line, status, path in calls(connection, "_source_line, status_code, endpoint")}
    assert used.keys() | rejected == set(range(1, 2001))
    assert not used.keys() & rejected
    for number, line in enumerate(lines, 1):
        if number in used:
            _, request, after, *_ = re.split(r'(?<!\\)"', line)
            target = request.split()[1].split("?")[0].split("#")[0]
            assert used[number] == (after.split()[0], target)


@pytest.mark.parametrize(
    ("end", "took_ms"),
    [
        ("", None),
        (" 0.123", "123.0"),
        (" 4567", "4.567"),
        (" -", None),
        (' "10.0.0.1" 0.005', "5.0"),
        (" rt=1.5", "1500.0"),
    ],
)
def test_request_time_at_the_end(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path, end: str, took_ms: str | None
) -> None:
    write_log(tmp_path, log_line(end=end))
    staged(connection, tmp_path, load_shop(SHOP_FILE))
    assert calls(connection, "response_time_ms") == [(took_ms,)]
    assert calls(connection, "load_time_ms", "page_load_times") == [(took_ms,)]


def test_lines_of_another_form_are_quarantined_with_their_number(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    bad = ["", "garbage \udcff", log_line().replace("17/May", "99/May"), log_line()[:40]]
    write_log(tmp_path, log_line(), *bad, log_line("-", 408))
    [receipt] = staged(connection, tmp_path, load_shop(SHOP_FILE)).receipts
    assert (receipt.rows_used, receipt.rows_quarantined) == (2, 4)
    rejects = connection.execute("select source_line, raw_text from _rejects order by 1").fetchall()
    assert rejects == [(2, ""), (3, "garbage \\xff"), (4, bad[2]), (5, bad[3])]
    assert calls(connection, "method, endpoint, service")[1] == (None, None, "unknown")


def test_page_loads_are_pages_that_people_got(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    write_log(
        tmp_path,
        log_line("GET /shoes?size=42 HTTP/1.1", agent="Mozilla/5.0 (iPhone)"),
        log_line("GET /logo.PNG HTTP/1.1"),
        log_line("GET /api/cart HTTP/1.1"),
        log_line("POST /order HTTP/1.1"),
        log_line("GET /gone HTTP/1.1", status=404),
        log_line("GET /shoes HTTP/1.1", agent="Googlebot/2.1"),
        name="access.log.1.gz",
    )
    staged(connection, tmp_path, load_shop(SHOP_FILE))
    assert calls(connection, "page_path, device, occurred_at", "page_load_times") == [
        ("/shoes", "mobile", "2015-05-17T08:05:03Z")
    ]
    services = [service for (service,) in calls(connection, "service")]
    assert services == ["pages", "static", "api", "pages", "pages", "pages"]


def test_addresses_are_not_kept(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    write_log(tmp_path, log_line())
    staged(connection, tmp_path, load_shop(SHOP_FILE))
    assert "1.2.3.4" not in str(calls(connection, "*")) + str(calls(connection, "*", "page_load_times"))


def test_lines_make_keys_of_file_and_line(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    write_log(tmp_path, log_line(), log_line())
    staged(connection, tmp_path, load_shop(SHOP_FILE))
    assert calls(connection, "request_id") == [("access.log:1",), ("access.log:2",)]


def days_calls(connection: duckdb.DuckDBPyConnection, warehouse: Warehouse, landing: Path) -> list[tuple[str, int]]:
    """Loads what changed as a run does, and counts the day's rows of both clean tables and of raw.api_logs."""
    [plan] = plan_sources(warehouse.shop, SHOP_FILE)
    changed, _ = warehouse.changed_files(plan, found := discover(plan, landing))
    warehouse.replace_files(stage_files(connection, plan, changed, warehouse.shop), "run", seen=found)
    day = {"from_day": date(2015, 5, 17), "to_day": date(2015, 5, 17)}
    tables = {name: clean_select(contract(f"clean/{name}"), warehouse.shop) for name in ("api_logs", "page_load_times")}
    counted = [(name, f"select count(*) from ({sql})", day) for name, sql in tables.items()]
    counted.append(("raw", "select count(*) from raw.api_logs", {}))
    return [(name, connection.execute(sql, values).fetchall()[0][0]) for name, sql, values in counted]


@pytest.fixture
def warehouse(connection: duckdb.DuckDBPyConnection) -> Warehouse:
    made = Warehouse(connection, load_shop(SHOP_FILE), key_hash=key_hash_sql)
    made.prepare()
    return made


def test_a_log_that_is_compressed_is_counted_once(
    connection: duckdb.DuckDBPyConnection, warehouse: Warehouse, tmp_path: Path
) -> None:
    lines = [log_line(), log_line(), log_line("GET /b HTTP/1.1")]
    write_log(tmp_path, *lines, name="access.log-20150517")
    once = [("api_logs", 3), ("page_load_times", 3), ("raw", 3)]
    assert days_calls(connection, warehouse, tmp_path) == once
    write_log(tmp_path, *lines, name="access.log-20150517.gz")
    (tmp_path / "access.log-20150517").unlink()
    assert days_calls(connection, warehouse, tmp_path) == [*once[:2], ("raw", 6)], "the rows of a file that went stay"


def test_equal_lines_of_two_servers_stay_apart(
    connection: duckdb.DuckDBPyConnection, warehouse: Warehouse, tmp_path: Path
) -> None:
    for server in ("web1", "web2"):
        (tmp_path / server).mkdir()
        write_log(tmp_path / server, log_line(), log_line(), name="access.log")
    assert days_calls(connection, warehouse, tmp_path) == [("api_logs", 4), ("page_load_times", 4), ("raw", 4)]


def test_an_empty_log_is_one_whose_lines_were_moved(
    connection: duckdb.DuckDBPyConnection, warehouse: Warehouse, tmp_path: Path
) -> None:
    write_log(tmp_path, log_line(), log_line())
    days_calls(connection, warehouse, tmp_path)
    (tmp_path / "access.log").rename(tmp_path / "access.log-20150517")
    write_log(tmp_path)
    assert days_calls(connection, warehouse, tmp_path) == [("api_logs", 2), ("page_load_times", 2), ("raw", 2)]


class TestKeysMadeOfContent:
    header = "occurred_at,event_type,visitor_id\n"
    row = "2025-03-05T10:00:00Z,click,v1\n"

    def ids(self, connection: duckdb.DuckDBPyConnection, landing: Path, **files: str) -> list[tuple[str, str]]:
        folder = landing / "clickstream"
        folder.mkdir()
        for name, text in files.items():
            (folder / f"{name}.csv").write_text(text)
        stated = {
            "name": "Events",
            "first_day": "2025-01-01",
            "sources": {"clickstream": {"kind": "files", "path": "clickstream/*.csv"}},
        }
        [*receipts] = staged(connection, landing, Shop(**stated), landing / "shop.yaml").receipts
        assert all(receipt.refused is None and receipt.rows_quarantined == 0 for receipt in receipts)
        return [(file.split("/")[1], key) for file, key in calls(connection, "_source_file, event_id", "clickstream")]

    def test_equal_rows_of_a_file_stay_apart(self, connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
        first, second = self.ids(connection, tmp_path, a=self.header + 2 * self.row)
        assert first[1] != second[1]

    def test_the_same_rows_in_another_file_are_the_same(
        self, connection: duckdb.DuckDBPyConnection, tmp_path: Path
    ) -> None:
        other = "2025-03-05T11:00:00Z,click,v1\n"
        texts = {"a": self.header + self.row + other, "b": self.header + other + self.row}
        ids = self.ids(connection, tmp_path, **texts)
        assert {key for file, key in ids if file == "a.csv"} == {key for file, key in ids if file == "b.csv"}

    def test_a_key_that_comes_is_kept(self, connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
        text = "event_id,occurred_at,event_type\ne1,2025-03-05T10:00:00Z,click\n,2025-03-05T10:00:00Z,click\n"
        (_, first), (_, second) = self.ids(connection, tmp_path, a=text)
        assert first == "e1"
        assert second
