"""Plans, discovery and mappings: what is found, and how a mistake in them is named."""

import os
from pathlib import Path
from typing import get_args

import pytest
import yaml

from ecom_assets.ingestion import Mapping, MappingError, PlanError, discover, load_mapping, plan_sources
from ecom_assets.ingestion.discovery import alternatives
from ecom_assets.settings import Shop, Source, Targets
from ecom_assets_tests.unit.ingestion.conftest import make_shop


def touch(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("x")


def test_only_whole_visible_files_inside_the_landing_folder_are_found(tmp_path):
    landing = tmp_path / "landing"
    touch(landing, "b.csv", "a/1.csv", ".hidden.csv", "~$lock.csv", "c.csv.part", "_work/x.csv", ".git/x.csv", "d.csv~")
    touch(tmp_path, "secret.csv")
    os.symlink(tmp_path / "secret.csv", landing / "link.csv")
    os.symlink(tmp_path, landing / "up")
    (plan,) = plan_sources(make_shop(path="**/*.csv*"), tmp_path / "shop.yaml")
    found = discover(plan, landing)
    assert [file.name for file in found] == ["a/1.csv", "b.csv"]
    assert (found[0].size_bytes, found[0].modified_ns) == (1, (landing / "a/1.csv").stat().st_mtime_ns)
    (plan,) = plan_sources(make_shop(path="up/*.csv"), tmp_path / "shop.yaml")
    assert discover(plan, landing) == []
    assert discover(plan, tmp_path / "nowhere") == []


def test_braces_are_alternatives():
    assert alternatives("**/*.{csv,xlsx}") == ["**/*.csv", "**/*.xlsx"]
    assert alternatives("{a,b}/{c,d}") == ["a/c", "a/d", "b/c", "b/d"]


def test_a_simulated_dataset_has_its_own_folder(tmp_path):
    shop = Shop(name="s", first_day="2024-01-01", sources={"orders": "simulated"})
    (plan,) = plan_sources(shop, tmp_path / "shop.yaml")
    assert (plan.feeds, plan.pattern, plan.mapping) == (("orders",), "orders/*.{csv,parquet}", None)


def test_an_unknown_dataset_is_named(tmp_path):
    with pytest.raises(
        PlanError, match=r"sources\.ordres: no dataset of that name, and no mapping; did you mean orders"
    ):
        plan_sources(make_shop("ordres"), tmp_path / "shop.yaml")


MAPPING = {
    "name": "export",
    "columns": ["No", "When", "Total", "Where"],
    "datasets": {"orders": {"columns": {"order_id": "No", "ordered_at": "When", "shipping_amount": "Total"}}},
}


def write_mapping(folder: Path, **changes) -> Path:
    path = folder / "mapping.yaml"
    path.write_text(yaml.safe_dump({**MAPPING, **changes}))
    return path


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"colums": []}, "mapping.yaml: colums: unknown key"),
        ({"source_time_zone": "Berlin"}, "mapping.yaml: source_time_zone: must be an IANA time zone"),
        (
            {"datasets": {"order": {"columns": {"order_id": "No"}}}},
            "datasets: 'order' is not among its datasets; did you mean orders",
        ),
        (
            {"datasets": {"orders": {"columns": {"orderid": "No"}}}},
            "'orderid' is not among its columns of orders; did you mean order_id",
        ),
        ({"datasets": {"orders": {"columns": {"order_id": "Nr"}}}}, "'Nr' is not among its columns; known: No, Total"),
        ({"datasets": {"orders": {}}}, "mapping.yaml: datasets.orders: say `columns` or `sql`"),
        ({"datasets": {"orders": {"sql": "no.sql"}}}, "datasets.orders.sql: there is no file"),
        ({"datasets": {"orders": {"sql": "a.sql", "columns": {"order_id": "No"}}}}, "say either `sql` or `columns`"),
        (
            {"formats": {"Totale": {"decimal_comma": True}}},
            "formats: 'Totale' is not among its columns; did you mean Total",
        ),
        ({"formats": {"Total": {"decimal_comma": True, "epoch": "s"}}}, "say exactly one of"),
        (
            {"datasets": {"order_items": {"columns": {"order_id": "No", "ordered_at": "When"}}}},
            "mapping.yaml: datasets.order_items: line_number and quantity and unit_price_amount missing, without which",
        ),
        ({"delimiter": "/"}, "mapping.yaml: delimiter: "),
        ({"encoding": "latin99"}, "encoding: 'latin99' is no encoding of text; did you mean latin9?"),
        ({"encoding": "base64"}, "encoding: 'base64' is no encoding of text"),
    ],
)
def test_a_mistake_in_a_mapping_names_file_and_key(tmp_path, changes, message):
    with pytest.raises(MappingError) as error:
        load_mapping(write_mapping(tmp_path, **changes))
    assert message in str(error.value)


def test_a_required_column_may_be_a_constant_and_a_made_or_defaulted_one_need_not_come(tmp_path):
    columns = {"order_id": "No", "ordered_at": "When", "unit_price_amount": "Total"}
    items = {"columns": columns, "constants": {"line_number": 1, "quantity": 1}}  # store_id has a default
    loads = {"columns": {"occurred_at": "When"}}  # load_id is made from file and line
    mapping = load_mapping(write_mapping(tmp_path, datasets={"order_items": items, "page_load_times": loads}))
    assert set(mapping.datasets) == {"order_items", "page_load_times"}


def test_every_example_loads():
    examples = Path(__file__).parents[3] / "examples"
    found = [file for file in examples.glob("*/*.yaml") if file.name != "shop.yaml"]
    assert {load_mapping(file).name for file in found} == {"till", "access_log", "online_retail"}


def test_a_dataset_fed_twice_is_named(tmp_path):
    write_mapping(tmp_path)
    sources = {"orders": "simulated", "export": {"kind": "files", "path": "*", "mapping": "mapping.yaml"}}
    with pytest.raises(PlanError, match="orders is fed by both orders and export"):
        plan_sources(Shop(name="s", first_day="2024-01-01", sources=sources), tmp_path / "shop.yaml")


def test_a_mapping_of_columns(bench):
    write_mapping(
        bench.folder,
        delimiter=";",
        source_time_zone="America/New_York",
        aliases={"Nummer": "No"},
        formats={"Total": {"decimal_comma": True}, "When": {"timestamp": ["%d.%m.%Y %H:%M", "%d.%m.%y %H:%M"]}},
        datasets={
            "orders": {
                "columns": {"order_id": "No", "ordered_at": "When", "shipping_amount": "Total", "country": "Where"},
                "constants": {"channel": "email", "country": "Atlantis"},
                "values": {"country": {"D": "Germany"}},
            }
        },
    )
    content = (
        "Nummer;When;Total;Where\n1;1.7.2024 20:30;1.234,50;D\n2;3.11.24 1:30;7;\n3;4.11.2024 0:00;7.5;F\n"
        "4;2024-11-04 00:00;0,5;F\n"
    )
    receipt = bench.receipt(content, shop=make_shop(mapping="mapping.yaml"))
    assert (receipt.refused, receipt.rows_used, receipt.rows_quarantined) == (None, 3, 1)
    assert bench.rejects() == [
        (4, "3;4.11.2024 0:00;7.5;F", ["shipping_amount: '7.5 (a decimal comma is expected)' is not an amount"])
    ]
    bench.to_raw("orders")
    found = bench.clean(
        "orders", "order_id, strftime(ordered_at, '%d %H:%M'), shipping_amount::varchar, country, channel"
    )
    assert found == [
        ("1", "02 00:30", "1234.5000", "Germany", "email"),  # 20:30 in New York, on the next day in UTC
        ("2", "03 05:30", "7.0000", "Atlantis", "email"),  # in the fold of 3 November: the first 1:30
        ("4", "04 05:00", "0.5000", "F", "email"),
    ]
    assert str(bench.staged("_business_date")[0][0]) == "2024-07-02"


def test_a_mapping_by_sql_accounts_for_each_line(bench):
    (bench.folder / "orders.sql").write_text(
        'select source_file, min(source_line) as source_line, No as order_id, min("When") as ordered_at'
        " from staged where No <> '' group by source_file, No"
    )
    (bench.folder / "items.sql").write_text(
        "select source_file, source_line, No as order_id, row_number() over (partition by No order by source_line) as"
        " line_number, \"When\" as ordered_at, 1 as quantity, Total as unit_price_amount from staged where No <> ''"
    )
    write_mapping(bench.folder, datasets={"order_items": {"sql": "items.sql"}, "orders": {"sql": "orders.sql"}})
    content = "No,When,Total,Where\n1,2024-05-01,5,x\n1,2024-05-01,5,x\n2,2024-05-01,five,x\n,2024-05-01,5,x\nshort\n"
    receipt = bench.receipt(content, shop=make_shop(mapping="mapping.yaml"))
    assert (receipt.rows_used, receipt.rows_quarantined) == (2, 3)
    assert bench.rejects() == [
        (4, "2,2024-05-01,five,x", ["unit_price_amount: value withheld, it is not an amount"]),
        (5, ",2024-05-01,5,x", ["no dataset of the mapping uses this line"]),
        (6, "short", ["1 fields where the header has 4"]),
    ]
    assert bench.staged("order_id, line_number", "order_items") == [("1", "1"), ("1", "2")]
    assert bench.staged("order_id, _source_line") == [("1", 2), ("2", 4)]


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("select * from nowhere", "orders.sql: reads 'nowhere'; it may read staged"),
        ("select No as order_id from staged", "must give source_file and source_line"),
        ("select source_file, source_line, No as number from staged", "number: no columns of orders"),
        ("select source_file, source_line, No as order_id from staged", "orders.sql: ordered_at missing, without"),
        ("select source_file, source_line, No as order_id from staged; select 1", "must be one SELECT"),
    ],
)
def test_a_mistake_in_a_mappings_sql_names_its_file(bench, sql, message):
    (bench.folder / "orders.sql").write_text(sql)
    write_mapping(bench.folder, datasets={"orders": {"sql": "orders.sql"}})
    with pytest.raises(MappingError, match=r"orders\.sql") as error:
        bench.receipt("No,When,Total,Where\n1,2024-05-01,5,x\n", shop=make_shop(mapping="mapping.yaml"))
    assert message in str(error.value)


@pytest.mark.parametrize("end", [";", " -- the end", ";\n-- the end; really\n", "; /* the\nend */ ;;", " -- it's\n;"])
def test_a_mappings_sql_may_end_in_semicolons_and_comments(bench, end):
    sql = "select source_file, source_line, No as order_id, \"When\" as ordered_at, ' -- ;' as country from staged"
    (bench.folder / "orders.sql").write_text(sql + end)
    write_mapping(bench.folder, datasets={"orders": {"sql": "orders.sql"}})
    bench.receipt("No,When,Total,Where\n1,2024-05-01,5,x\n", shop=make_shop(mapping="mapping.yaml"))
    assert bench.staged("order_id, country") == [("1", " -- ;")]


@pytest.mark.parametrize(
    ("encoding", "row", "said"),
    [
        ("cp1252", b"2,2024-05-02,5,\x81", "line 3: not CP1252 though the mapping says so: byte 52"),
        ("utf-8", b"2,2024-05-02,5,\xfc", "line 3: not UTF-8 though the mapping says so: byte 52"),
    ],
)
def test_a_file_in_another_encoding_than_the_mappings_is_refused_alone(bench, encoding, row, said):
    write_mapping(bench.folder, encoding=encoding)
    start = b"No,When,Total,Where\n1,2024-05-01,5,x\n"
    files = {
        "a.csv": start + row + b"\n",
        "b.csv": b"\xef\xbb\xbf" * (encoding == "utf-8") + start + b'2,2024-05-02,5,"\nx"\n',
    }
    refused, used = bench.stage(files, make_shop(mapping="mapping.yaml")).receipts
    assert said in refused.refused
    assert (used.refused, used.rows_used) == (None, 2)


def test_the_guide_names_every_key_and_format():
    guide = (Path(__file__).parents[3] / "docs" / "bring-your-data.md").read_text(encoding="utf-8")
    keys = {name for model in (Shop, Source, Targets, Mapping) for name in model.model_fields} - {"path"}
    keys |= set(get_args(Source.model_fields["format"].annotation)) - {"auto"}
    assert sorted(key for key in keys if f"`{key}`" not in guide and f"`format: {key}`" not in guide) == []
    assert [
        str(field.default) for field in Targets.model_fields.values() if f"| {field.default:g} |" not in guide
    ] == []
