"""A mapping's SQL is one SELECT over the export's own lines; its files lie in the shop's folder."""

from pathlib import Path

import pytest

from ecom_assets.guard.statements import StatementError, check_select
from ecom_assets.ingestion import MappingError, plan_sources
from ecom_assets.settings import load_shop

KNOWN = frozenset({"staged", "lines"})
HOSTILE = [
    "delete from staged",
    "drop table clean.orders",
    "select 1; drop table clean.orders",
    "from staged; from staged",
    "",
    "-- nothing",
    "attach 'x.duckdb' as x",
    "copy staged to 'x.csv'",
    "copy (from staged) to 'x.csv'",
    "install httpfs",
    "set memory_limit = '1GB'",
    "create table t as from staged",
    "insert into clean.orders from staged",
    "pragma database_list",
    "call enable_logging()",
    "explain analyze from staged",
    "describe staged",
    "show tables",
    "select 1) union all (select 2",
    "select * from raw.orders",
    "select * from clean.customers join staged using (customer_id)",
    "select * from temp.main.staged",
    "select * from lineage.days",
    "select * from information_schema.tables",
    "select * from duckdb_settings()",
    "select * from '/etc/passwd'",
    "select * from 'secret.key'",
    "select * from read_text('/etc/passwd')",
    "select * from read_csv(['/etc/passwd'])",
    "select * from parquet_scan('x.parquet')",
    "select * from glob('/*')",
    "select * from query('from raw.orders')",
    "select * from query_table('raw.orders')",
    "select (select max(content) from read_text('/etc/passwd')) from staged",
    "select * from staged where No in (select order_id from clean.orders)",
    "select * from staged order by (select 1 from _rejects)",
    "select list_transform([1], lambda x: (select count(*) from raw.orders)) from staged",
    "with orders as (from staged) from orders, (with raw as (from orders) from raw), raw",
    "with a as (from b), b as (from staged) from a",
    'with "/etc/hosts.csv" as (select * from "/etc/hosts.csv") select (select any_value(k) from "/etc/hosts.csv"), *'
    " from staged",
    "with _lines as (from _lines) from _lines",
    "with sqlite_master as (select * from sqlite_master) from staged, sqlite_master",
    "with recursive _rejects as (from _rejects) from _rejects",
    "with recursive _rejects as (from _rejects union all select r.* from _rejects r where false) from _rejects",
    "with a as (with b as (from b) from b), b as (from staged) from a",
    "select * from staged where exists (with x as (from raw.orders) from x)",
    "select " + "+".join(["1"] * 3000) + " from staged",
    "select " + "(select " * 300 + "1" + ")" * 300 + " from staged",
    "select '\udcff' from staged",
    "select getenv('HOME') from staged",
    "select current_setting('secret_directory') from staged",
    "select getvariable('x') from staged",
    "select system.main.current_setting('threads') from staged",
    "select nextval('s') from staged",
    "select sleep_ms(60000) from staged",
    "from staged, range((select count(*) from raw.orders))",
]


@pytest.mark.parametrize("sql", HOSTILE)
def test_anything_but_one_select_over_the_lines_is_refused_in_one_line(sql):
    with pytest.raises(StatementError) as refusal:
        check_select(sql, KNOWN)
    assert len(str(refusal.value).splitlines()) == 1


@pytest.mark.parametrize(
    "sql",
    [
        "select * from staged",
        'SELECT s."No" FROM STAGED s LEFT JOIN Lines l USING (source_line)',
        "with a as (from staged), b as (from a join lines using (source_line)) select *, now() from b",
        "with recursive r as (select 1 as n union all select n + 1 from r where n < 9), s as (from r) from s, staged",
        "with recursive r as (select 1 as n union all select n + 1 from r where n < 9) from r, staged",
        "select * from staged, unnest(string_split(items, ';')) t(item)",
        "select *, row_number() over (partition by No order by source_line) from staged qualify true",
        "select 'drop table x; -- read_text(''y'')' as note from staged",
        "(from staged) union all by name (from lines)",
        "pivot staged on kind in ('a', 'b') using count(*)",
        "from staged select No, regexp_extract(line, '(\\d+)', 1)",
    ],
)
def test_one_select_over_the_lines_may_use_all_of_sql(sql):
    check_select(sql, KNOWN)


MAPPING = """\
name: X
columns: [a]
views: {%s: %s}
datasets: {orders: {sql: orders.sql}}
"""
SHOP = """\
name: X
first_day: 2026-01-01
sources: {x: {kind: files, path: "*.csv", mapping: %s}}
"""


@pytest.fixture
def plan(tmp_path):
    """Plans the sources of a shop whose folder is the folder `shop`, beside which others lie."""
    folder = tmp_path / "shop"
    (folder / "maps").mkdir(parents=True)
    for place in (folder / "maps", tmp_path):
        (place / "orders.sql").write_text("from staged")
        (place / "v.sql").write_text("from staged")
        (place / "m.yaml").write_text(MAPPING % ("v", "v.sql"))
    (folder / "linked.yaml").symlink_to(tmp_path / "m.yaml")

    def planned(mapping: str = "maps/m.yaml", view: str = "v", sql: str = "v.sql", text: str = "from staged") -> None:
        (folder / "maps" / "m.yaml").write_text(MAPPING % (view, sql))
        (folder / "maps" / "orders.sql").write_text(text)
        (folder / "shop.yaml").write_text(SHOP % mapping)
        plan_sources(load_shop(folder / "shop.yaml", {}), folder / "shop.yaml")

    return planned


def test_mappings_and_their_sql_lie_in_the_folder_of_the_shop(plan, tmp_path):
    plan()
    plan(sql="../maps/v.sql")
    plan(text="from v join staged using (source_line)")
    for mapping in ("../m.yaml", str(tmp_path / "m.yaml"), "linked.yaml", "maps/../../m.yaml"):
        with pytest.raises(MappingError, match=r"lies outside the shop's folder .*; put the file into it"):
            plan(mapping=mapping)
    for sql in ("../../v.sql", str(tmp_path / "v.sql"), "/etc/passwd"):
        with pytest.raises(MappingError, match=r"m\.yaml: views\.v: .* lies outside the shop's folder"):
            plan(sql=sql)


def test_a_mapping_with_other_statements_is_refused_with_its_file(plan):
    with pytest.raises(MappingError, match=r"orders\.sql: reads 'raw\.orders'; it may read staged, v and its own CTEs"):
        plan(text="from raw.orders")
    for name in ("_rejects", "staged", "Staged", '"a b"', "1x"):
        with pytest.raises(MappingError, match="cannot name a view"):
            plan(view=name)


@pytest.mark.parametrize("pattern", ["../*.csv", "/etc/*.csv", "a/../../*.csv"])
def test_the_pattern_of_a_source_stays_in_the_landing_folder(tmp_path, pattern):
    (tmp_path / "shop.yaml").write_text(
        f'name: X\nfirst_day: 2026-01-01\nsources: {{orders: {{kind: files, path: "{pattern}"}}}}\n'
    )
    with pytest.raises(ValueError, match="must be a pattern inside the landing folder"):
        load_shop(tmp_path / "shop.yaml", {})


def test_a_pattern_of_alternatives_does_so_too(tmp_path):
    from ecom_assets.ingestion import discover

    shop_file, landing = Path(tmp_path / "shop.yaml"), tmp_path / "landing"
    landing.mkdir()
    for place in (tmp_path, landing):
        (place / "a.csv").write_text("order_id,ordered_at\n")
    shop_file.write_text(
        'name: X\nfirst_day: 2026-01-01\nsources: {orders: {kind: files, path: "{../,}*.{csv,txt}"}}\n'
    )
    (plan,) = plan_sources(load_shop(shop_file, {}), shop_file)
    assert [file.name for file in discover(plan, landing)] == ["a.csv"]
