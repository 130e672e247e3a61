"""Contracts: what the loader makes of a file, and what every contract of the project keeps to."""

from pathlib import Path

import pytest
import sqlglot
import yaml
from sqlglot import exp

from ecom_assets.contracts import (
    Contract,
    ContractError,
    contract,
    dataset_contracts,
    load_contract,
    table_contracts,
)
from ecom_assets.contracts.loader import FOLDER

FILES = sorted(FOLDER.rglob("*.yaml"))
ALL = [*dataset_contracts().values(), *table_contracts().values()]
every_contract = pytest.mark.parametrize("stated", ALL, ids=lambda stated: stated.asset)

SMALL = """\
domain: sales
owner: team:growth
grain: One row per order.
key: [order_id]
partitioned_by: ordered_at
columns:
  order_id: {required: true, description: "Id."}
  ordered_at: {type: timestamp, required: true, unit: UTC, description: "When."}
  channel: {default: unknown, values: [web, other, unknown], description: "Channel."}
  amount: {type: money, description: "Amount."}
"""


def made(folder: Path, text: str = SMALL, layer: str = "datasets") -> Contract:
    (folder / layer).mkdir(exist_ok=True)
    path = folder / layer / "orders.yaml"
    path.write_text(text, encoding="utf-8")
    return load_contract(path)


def test_a_file_becomes_a_contract(tmp_path):
    stated = made(tmp_path)
    assert (stated.asset, stated.key, stated.required_columns) == (
        "clean/orders",
        ("order_id",),
        ("order_id", "ordered_at"),
    )
    assert stated.by_name["amount"].sql_type == "DECIMAL(18,4)"
    assert made(tmp_path, layer="kpi").asset == "kpi/orders"


def test_a_closed_set_keeps_its_original_beside_it(tmp_path):
    stated = made(tmp_path)
    assert [column.name for column in stated.columns] == [
        "order_id",
        "ordered_at",
        "channel",
        "source_channel",
        "amount",
    ]
    assert stated.by_name["source_channel"].source_of == "channel"
    assert "source_channel" not in [column.name for column in stated.input_columns]


def test_a_stated_companion_is_left_as_stated(tmp_path):
    text = SMALL + '  source_channel: {description: "As sent."}\n'
    assert made(tmp_path, text).by_name["source_channel"].description == "As sent."


@pytest.mark.parametrize(
    ("found", "written", "message"),
    [
        ("key: [order_id]", "key: [order]", "not among its columns: order"),
        ("type: money", "type: monye", "columns.amount.type: Input should be"),
        ("type: timestamp", "type: timestamp, min: 0", "columns.ordered_at: min and max go with numbers"),
        ("type: timestamp", "type: timestamp, converts: true", "only money is converted"),
        ("type: timestamp", "type: timestamp, requird: true", "columns.ordered_at.requird: Extra inputs"),
        ("grain: One row per order.\n", "", "grain: Field required"),
        ("columns:", "colums:", "must state `columns`"),
        ("key: [order_id]", "key: [order_id", "not valid YAML"),
        ('  amount: {type: money, description: "Amount."}', "  amount:", "columns without a description: amount"),
    ],
)
def test_a_faulty_contract_names_its_file_and_the_fault(tmp_path, found, written, message):
    assert found in SMALL
    with pytest.raises(ContractError) as caught:
        made(tmp_path, SMALL.replace(found, written, 1))
    assert "orders.yaml: " in str(caught.value)
    assert message in str(caught.value)


def test_a_repair_says_what_it_empties(tmp_path):
    rule = "rules:\n  - {name: late, expression: amount > 0, on_break: repair}\n"
    with pytest.raises(ContractError, match="'empties' goes with on_break: repair"):
        made(tmp_path, SMALL + rule)


def test_a_reference_pairs_its_columns(tmp_path):
    reference = "references:\n  - {columns: [order_id], to: items, to_columns: [store_id, order_id]}\n"
    with pytest.raises(ContractError, match="1 columns against 2"):
        made(tmp_path, SMALL + reference)


def test_a_contract_is_found_by_its_asset():
    assert contract("clean/orders") is contract("raw/orders") is dataset_contracts()["orders"]
    with pytest.raises(KeyError):
        contract("clean/no_such_dataset")


class _OnceOnly(yaml.SafeLoader):
    """PyYAML lets the second of two equal keys win in silence; here that is a fault."""

    def construct_mapping(self, node, deep=False):
        keys = [key.value for key, _ in node.value]
        assert len(keys) == len(set(keys)), f"stated twice: {sorted({key for key in keys if keys.count(key) > 1})}"
        return super().construct_mapping(node, deep)


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_no_key_is_stated_twice(path):
    yaml.load(path.read_text(encoding="utf-8"), Loader=_OnceOnly)


@every_contract
def test_grain_and_meaning_are_sentences(stated):
    assert stated.grain.startswith("One row per ")
    for column in stated.columns:
        assert column.description.strip().endswith("."), column.name


@every_contract
def test_names_say_the_type(stated):
    kinds = {"_at": {"timestamp"}, "_date": {"date"}, "_amount": {"money"}, "_rate": {"rate", "double"}}
    for column in stated.columns:
        for ending, types in kinds.items():
            if column.name.endswith(ending):
                assert column.type in types, f"{column.name} is {column.type}"
        if column.name.startswith(("is_", "has_")):
            assert column.type == "boolean", column.name
        if column.type == "timestamp":
            assert column.name.endswith("_at"), column.name


@every_contract
def test_keys_are_required_and_the_day_can_be_told(stated):
    if stated.layer == "clean":
        for name in stated.key:
            column = stated.by_name[name]
            assert column.required or column.default, name
    if stated.partitioned_by:
        column = stated.by_name[stated.partitioned_by]
        assert column.required
        assert column.type in ("timestamp", "date")


@every_contract
def test_closed_sets_hold_what_replaces_a_stranger(stated):
    for column in stated.columns:
        if column.values:
            assert len(set(column.values)) == len(column.values), column.name
            assert column.default is None or column.default in column.values, column.name
            if f"source_{column.name}" in stated.by_name:
                assert column.other in column.values, column.name


@every_contract
def test_converted_amounts_have_a_currency_and_a_rate(stated):
    if any(column.converts for column in stated.columns):
        assert {"currency", "fx_rate"} <= set(stated.by_name)


@every_contract
def test_rules_are_sql_over_the_tables_own_columns(stated):
    for rule in stated.rules:
        expression = sqlglot.parse_one(rule.expression, dialect="duckdb")
        used = {column.name for column in expression.find_all(exp.Column)}
        assert used, rule.name
        assert used <= set(stated.by_name), rule.name
    names = [rule.name for rule in stated.rules]
    assert len(names) == len(set(names))


@every_contract
def test_references_lead_to_a_key_of_the_same_type(stated):
    for reference in stated.references:
        if reference.to not in dataset_contracts():
            continue  # a dataset that this edition does not hold yet
        there = dataset_contracts()[reference.to]
        assert set(reference.to_columns) <= set(there.key), reference.name
        for here, name in zip(reference.columns, reference.to_columns, strict=True):
            assert stated.by_name[here].type == there.by_name[name].type


@every_contract
def test_reconciliations_yield_a_day_and_a_gap(stated):
    for reconciliation in stated.reconciliations:
        query = sqlglot.parse_one(reconciliation.query, dialect="duckdb")
        assert query.named_selects == ["business_date", "gap"], reconciliation.name


def test_the_same_name_has_the_same_type_in_every_dataset():
    types: dict[str, dict[str, str]] = {}
    for stated in dataset_contracts().values():
        for column in stated.columns:
            types.setdefault(column.name, {})[stated.name] = column.type
    assert {name: kinds for name, kinds in types.items() if len(set(kinds.values())) > 1} == {}


def test_personal_columns_are_those_that_name_or_reach_a_person():
    personal = {f"{stated.name}.{column.name}" for stated in ALL for column in stated.columns if column.personal}
    sales = {"customers.email", "customers.full_name", "customers.birth_year"}
    assert {name for name in personal if name.startswith("customers.")} == sales
