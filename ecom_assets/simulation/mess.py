"""Rows as broken sources write them. Which rows break is decided where files are made; here is how they look."""

import csv
import io

import pyarrow as pa

from ecom_assets.contracts import dataset_contracts
from ecom_assets.simulation import columns
from ecom_assets.simulation.streams import Ints, hashed

# What a row is rejected for, and what is merely emptied or renamed.
REJECTED = ("no_key", "unreadable_time", "unreadable_amount", "too_many_fields", "too_few_fields")
REPAIRED = ("unreadable_optional", "unknown_word")
KINDS = REJECTED + REPAIRED
_UNKNOWN, _UNREADABLE = "(not set)", "##"


def broken_lines(seed: int, dataset: str, rows: pa.Table, number: Ints) -> bytes:
    """CSV lines of the rows, each broken in one of the `KINDS`: its own, whatever else is broken."""
    if not len(number):
        return b""
    kinds = (hashed(seed, f"bad_kind.{dataset}", number) * len(KINDS)).astype(int)
    sink = io.StringIO()
    writer = csv.writer(sink, lineterminator="\n")
    header = rows.column_names
    for values, kind in zip(columns.as_text(rows).to_pylist(), kinds.tolist(), strict=True):
        fields = ["" if value is None else _shown(value) for value in values.values()]
        writer.writerow(_broken(header, fields, dataset, KINDS[kind]))
    return sink.getvalue().encode()


def typed(seed: int, dataset: str, rows: pa.Table, number: Ints) -> pa.Table:
    """What a typed format keeps of broken rows: those that are repaired, with that repair's loss.

    A row without its key is among them where a key is made for rows that bring none.
    """
    kinds = (hashed(seed, f"bad_kind.{dataset}", number) * len(KINDS)).astype(int)
    parts = []
    kept = [("unreadable_optional", _optional(dataset), _UNREADABLE), ("unknown_word", _word(dataset), _UNKNOWN)]
    if dataset_contracts()[dataset].by_name[_last_key(dataset)].made_from:
        kept.append(("no_key", _last_key(dataset), ""))
    for kind, name, value in kept:
        chosen = columns.plain(rows.filter(pa.array(kinds == KINDS.index(kind))))
        position = chosen.column_names.index(name)
        field = chosen.schema.field(position)
        spoiled = pa.array([value or None if pa.types.is_string(field.type) else None] * chosen.num_rows, field.type)
        parts.append(chosen.set_column(position, field, spoiled))
    return pa.concat_tables(parts)


def _shown(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _broken(header: list[str], fields: list[str], dataset: str, kind: str) -> list[str]:
    if kind == "too_many_fields":
        return [*fields, "", "?"]
    if kind == "too_few_fields":
        return fields[: len(fields) // 2]
    name = {
        "no_key": _last_key(dataset),
        "unreadable_time": _time(dataset),
        "unreadable_amount": _amount(dataset),
        "unreadable_optional": _optional(dataset),
        "unknown_word": _word(dataset),
    }[kind]
    value = {"no_key": "", "unreadable_time": "0000-00-00", "unreadable_amount": "n/a",
             "unreadable_optional": _UNREADABLE, "unknown_word": _UNKNOWN}[kind]  # fmt: skip
    return [value if column == name else field for column, field in zip(header, fields, strict=True)]


def _last_key(dataset: str) -> str:
    """The key column without a default that says most."""
    contract = dataset_contracts()[dataset]
    return next(name for name in reversed(contract.key) if contract.by_name[name].default is None)


def _time(dataset: str) -> str:
    return dataset_contracts()[dataset].partitioned_by or _last_key(dataset)


def _amount(dataset: str) -> str:
    """The last required number that is no key, else the business time."""
    contract = dataset_contracts()[dataset]
    numbers = [c.name for c in contract.input_columns if c.required and c.type in ("money", "integer")]
    return next((name for name in reversed(numbers) if name not in contract.key), _time(dataset))


def _optional(dataset: str) -> str:
    contract = dataset_contracts()[dataset]
    typed = [c.name for c in contract.input_columns if c.type in ("timestamp", "integer", "date") and not c.required]
    return typed[0] if typed else _word(dataset)


def _word(dataset: str) -> str:
    """The first column with a closed set of words, else the last one of free text."""
    contract = dataset_contracts()[dataset]
    texts = [column.name for column in contract.input_columns if column.type == "text"]
    return next((column.name for column in contract.input_columns if column.values), texts[-1])
