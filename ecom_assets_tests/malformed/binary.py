"""Parquet files that are whole and yet unlike what anybody expects of orders."""

import random
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

import pyarrow as pa

from ecom_assets_tests.malformed import good
from ecom_assets_tests.malformed.text import Damaged, Kind

_N = len(good.ROWS)
_MOMENTS = [datetime(2024, 5, 1 + n % 28, 10) for n in range(_N)]
_FAR = [-(2**62), 2**62, 0, *range(_N - 3)]

# Columns that stand in the place of `channel`, or of the moment.
_CHANNELS = {
    "lists": pa.array([["a", None]] * _N),
    "structs": pa.array([{"a": 1, "b": {"c": "x"}}] * _N),
    "maps": pa.array([[("k", 1)]] * _N, pa.map_(pa.string(), pa.int64())),
    "dictionary": pa.array(["email", None] * (_N // 2)).dictionary_encode(),
    "decimals": pa.array([Decimal("1.23")] * _N, pa.decimal128(38, 10)),
    "wide decimals": pa.array([Decimal("1.23")] * _N, pa.decimal256(76, 10)),
    "bytes": pa.array([b"\xff\xfe\x00"] * _N),
    "text that is none": pa.Array.from_buffers(
        pa.string(), 1, [None, pa.py_buffer(b"\0\0\0\0\2\0\0\0"), pa.py_buffer(b"\xff\xfe")]
    ).take(pa.array([0] * _N)),
    "nothing": pa.nulls(_N),
    "half floats": pa.array([1.5] * _N, pa.float32()).cast(pa.float16()),
    "not numbers": pa.array([float("nan"), float("inf")] * (_N // 2)),
    "times": pa.array([time(10, 30)] * _N),
    "spans": pa.array([timedelta(days=1)] * _N),
    "huge text": pa.array(["x" * 1_000_000] + ["y"] * (_N - 1)),
    "zeros": pa.array(["a\0b"] * _N),
}
_TIMES = {
    "dates": pa.array([date(2024, 5, 1)] * _N),
    "zoned": pa.array([moment.replace(tzinfo=UTC) for moment in _MOMENTS], pa.timestamp("us", "America/New_York")),
    "nanoseconds": pa.array(_MOMENTS, pa.timestamp("ns")),
    "far off": pa.array(_FAR, pa.timestamp("us")),
    "far off and zoned": pa.array(_FAR, pa.timestamp("us", "UTC")),
    "far off in seconds": pa.array([one // 1000 for one in _FAR], pa.timestamp("s")),
    "epochs": pa.array([1714557600] * _N),
}


def _put(name: str, column: pa.Array) -> pa.Table:
    made = good.table()
    return made.set_column(made.schema.get_field_index(name), name, column)


def _channel(chance: random.Random) -> Damaged:
    return "parquet", good.parquet(_put("channel", _CHANNELS[chance.choice(sorted(_CHANNELS))])), _N


def _moment(chance: random.Random) -> Damaged:
    column = _TIMES[chance.choice(sorted(_TIMES))]
    is_old = chance.random() < 0.3 and pa.types.is_timestamp(column.type) and column.type.unit != "s"
    return "parquet", good.parquet(_put("ordered_at", column), use_deprecated_int96_timestamps=is_old), _N


def _shape(chance: random.Random) -> Damaged:
    made, names = good.table(), list(good.COLUMNS)
    shapes = [
        (pa.table({}), None), (made.slice(0, 0), 0), (pa.table({}, schema=pa.schema([])), None),
        (made.rename_columns([*names[:3], "order_id"]), None), (made.rename_columns([*names[:3], "ORDER_ID"]), None),
        (made.append_column("_path", pa.array(["x"] * _N)), None), (made.rename_columns([*names[:3], ""]), None),
        (made.append_column("file_row_number", pa.array([7] * _N)), None),
        (made.rename_columns([*names[:3], 'a"b']), None),
        (pa.concat_tables([made, pa.table({name: pa.array([None] * 3, pa.string()) for name in names}), made]), 27),
        (made.append_column("filename", pa.array(["x"] * _N)), None),
    ]  # fmt: skip
    table, lines = chance.choice(shapes)
    return "parquet", good.parquet(table, row_group_size=chance.choice([1, 5, 1000])), lines


KINDS: dict[str, Kind] = {
    "parquet: odd channels": _channel, "parquet: odd moments": _moment, "parquet: odd shapes": _shape,
}  # fmt: skip
