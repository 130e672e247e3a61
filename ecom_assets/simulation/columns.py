"""Arrow columns from numpy arrays: ids, exact money, UTC timestamps, words by index. No meaning here."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ecom_assets.simulation.streams import Floats, Ints

MONEY = pa.decimal128(18, 2)
UTC = pa.timestamp("s", tz="UTC")
UTC_MS = pa.timestamp("ms", tz="UTC")
_FOUR_DIGITS = np.array([list(f"{number:04d}".encode()) for number in range(10_000)], dtype=np.uint8)
_FOUR_DIGIT_WORDS = _FOUR_DIGITS.view("<u4").ravel()


def ids(prefix: str, number: Ints, missing: np.ndarray | None = None) -> pa.Array:
    """Text ids such as 'O123', null where `missing`."""
    text = pc.cast(pa.array(number, mask=missing), pa.string())
    return pc.binary_join_element_wise(pa.scalar(prefix), text, "")


def long_ids(prefix: str, number: Ints) -> pa.Array:
    """Text ids of one prefix letter and 19 digits, several times faster than `ids`: five words of four bytes each."""
    text = np.empty((len(number), 5), dtype="<u4")
    rest = number.astype(np.int64, copy=False)
    for position in (4, 3, 2, 1):
        ahead = rest // 10_000
        text[:, position] = _FOUR_DIGIT_WORDS[rest - ahead * 10_000]
        rest = ahead
    first = _FOUR_DIGITS[:1000].copy()
    first[:, 0] = ord(prefix)
    text[:, 0] = first.view("<u4").ravel()[rest]
    offsets = np.arange(len(number) + 1, dtype=np.int32) * 20
    return pa.Array.from_buffers(pa.string(), len(number), [None, pa.py_buffer(offsets), pa.py_buffer(text)])


def chosen(dictionary: pa.Array, index: Ints, missing: np.ndarray | None = None) -> pa.DictionaryArray:
    """Values of a dictionary by index, kept as such: written to Parquet without a copy a row.

    A dictionary in which a value stands twice must come as `words_once` gives it: of such values Arrow 26 writes
    now one, now the other, so that equal rows would give unequal bytes.
    """
    if isinstance(dictionary, pa.DictionaryArray):
        index, dictionary = dictionary.indices.to_numpy()[index], dictionary.dictionary
    return pa.DictionaryArray.from_arrays(pa.array(index.astype(np.int32, copy=False), mask=missing), dictionary)


def words_once(values: pa.Array) -> pa.DictionaryArray:
    """The values, each of which may stand several times, as a dictionary for `chosen`."""
    return values.dictionary_encode()


def plain(table: pa.Table) -> pa.Table:
    """The table with dictionaries written out."""
    for position, field in enumerate(table.schema):
        if pa.types.is_dictionary(field.type):
            table = table.set_column(position, field.name, table.column(position).cast(field.type.value_type))
    return table


def as_text(table: pa.Table) -> pa.Table:
    """The table as CSV shows it: dictionaries written out, timestamps as text in UTC with a Z.

    Arrow's own writer takes a microsecond a timestamp, five times what the rest of a row of events takes.
    """
    for position, field in enumerate(table.schema):
        if pa.types.is_timestamp(field.type):
            table = table.set_column(position, field.name, _timestamp_text(table.column(position)))
    return plain(table)


def _timestamp_text(values: pa.ChunkedArray) -> pa.Array:
    in_ms, n = values.type.unit == "ms", len(values)
    missing = values.is_null().to_numpy() if values.null_count else None
    epoch = values.cast(pa.int64()).fill_null(0).to_numpy()
    seconds = epoch // 1000 if in_ms else epoch
    days, second = np.divmod(seconds, 86_400)
    first = int(days.min()) if n else 0
    known = np.arange(first, int(days.max()) + 1 if n else 1).astype("datetime64[D]").astype("S10")
    width = 24 if in_ms else 20
    text = np.full((n, width), ord(":"), dtype=np.uint8)
    text[:, :10] = known.view(np.uint8).reshape(-1, 10)[days - first]
    text[:, 10], text[:, -1] = ord(" "), ord("Z")
    for start, part in ((11, second // 3600), (14, second // 60 % 60), (17, second % 60)):
        text[:, start : start + 2] = _FOUR_DIGITS[part, 2:]
    if in_ms:
        text[:, 19] = ord(".")
        text[:, 20:23] = _FOUR_DIGITS[epoch - seconds * 1000, 1:]
    offsets = np.arange(n + 1, dtype=np.int32) * width
    made = pa.Array.from_buffers(pa.string(), n, [None, pa.py_buffer(offsets), pa.py_buffer(text)])
    return made if missing is None else pc.if_else(pa.array(~missing), made, pa.scalar(None, pa.string()))


def words(names: Sequence[str | None], index: Ints, missing: np.ndarray | None = None) -> pa.Array:
    """The word that each index names, null where `missing` or where the word is None."""
    return pa.array(list(names), pa.string()).take(pa.array(index, mask=missing))


def constant(word: str | None, count: int) -> pa.Array:
    """One word throughout."""
    return pa.nulls(count, pa.string()) if word is None else pa.repeat(word, count)


def money(cents: Ints, missing: np.ndarray | None = None) -> pa.Array:
    """Exact DECIMAL(18, 2) of whole cents: the 128-bit little-endian integers that Arrow keeps."""
    pairs = np.empty((len(cents), 2), dtype="<i8")
    pairs[:, 0] = cents
    pairs[:, 1] = pairs[:, 0] >> 63
    made = pa.Array.from_buffers(MONEY, len(cents), [None, pa.py_buffer(pairs.tobytes())])
    return made if missing is None else pc.if_else(pa.array(~missing), made, pa.scalar(None, MONEY))


def rates(values: Floats) -> pa.Array:
    """Exchange rates with six places, exact."""
    return money(np.rint(values * 1e6).astype(np.int64)).view(pa.decimal128(18, 6))


def timestamps(epoch_s: Ints, missing: np.ndarray | None = None) -> pa.Array:
    """UTC timestamps of seconds since 1970."""
    return pa.array(epoch_s.astype("datetime64[s]"), UTC, mask=missing)


def timestamps_ms(epoch_ms: Ints, missing: np.ndarray | None = None) -> pa.Array:
    """UTC timestamps of milliseconds since 1970."""
    return pa.array(epoch_ms.astype("datetime64[ms]"), UTC_MS, mask=missing)


def dates(epoch_days: Ints, missing: np.ndarray | None = None) -> pa.Array:
    """Dates of days since 1970."""
    return pa.array(epoch_days.astype("datetime64[D]"), pa.date32(), mask=missing)
