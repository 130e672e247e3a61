"""Damage to CSV, TSV and JSON lines. Each function gives an ending, the bytes, and the rows where they are sure."""

import codecs
import gzip
import json
import random
from collections.abc import Callable
from functools import partial

from ecom_assets_tests.malformed import good

Damaged = tuple[str | bytes, bytes, int | None]
Kind = Callable[[random.Random], Damaged]

ODD_VALUES = (
    "1e999", "-1e999", "9" * 400, "0x1F", "NaN", "inf", "-inf", "infinity", "294247-01-10 04:00:54.775806",
    "290309-12-22 (BC)", "0000-00-00", "9999-12-31 23:59:60", "2024-02-30", "2199-12-31T23:59:59.9999999Z",
    "1900-01-01 00:00:00+23:59", "\u0661\u0662", "\u202e1.00", "\U0001f600" * 50, "\u2028", "\x0b", "\x1b[31m",
    "=1+1", "'; drop table raw.orders; --", "%s%s%n", "{0}", "$1", "1,234", "1.234,56", " ", "-", "--", "\\N", "null",
    "true", "99999999999999999999.99", "0.00000000000000000001", "1 000", "12:00", "2024-05-01T10:00:00+99:99", "[/x]",
    "2024-05-01 10:00:00 PM", "45000", "1714557600", "é" * 5000,
)  # fmt: skip


def _mutated(ending: str, data: bytes, chance: random.Random) -> Damaged:
    """One of the ways in which any file is damaged on its way."""
    at, length = chance.randrange(len(data)), chance.randrange(1, 1 + len(data) // 3)
    noise = chance.randbytes(length)
    ways = [
        lambda: data[:at],
        lambda: data[at:],
        lambda: data[:at] + data[at + length :],
        lambda: data[:at] + noise + data[at:],
        lambda: data[:at] + bytes(length) + data[at + length :],
        lambda: data[:at] + noise + data[at + length :],
        lambda: data[:at] + data[at : at + length] * 3 + data[at + length :],
        lambda: data + noise,
        lambda: noise + data,
        lambda: data + data,
        lambda: b"".join(bytes([byte ^ (1 << chance.randrange(8))]) if chance.random() < 0.01 else bytes([byte])
                         for byte in data),
        lambda: b"",
    ]  # fmt: skip
    return ending, chance.choice(ways)(), None


def _misnamed(chance: random.Random) -> Damaged:
    endings = ["csv", "tsv", "jsonl", "parquet", "xlsx", "csv.gz", "jsonl.gz", "txt", "xls", "zip", "", "csv.zip"]
    content = chance.choice([good.csv().encode(), good.json_lines().encode(), good.parquet(), good.workbook()])
    return chance.choice(endings), content, None


def _marks_alone(chance: random.Random) -> Damaged:
    mark = chance.choice([codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_LE])
    return chance.choice(["csv", "jsonl", "tsv"]), mark + chance.choice([b"", b"\n", b"\r", b" ", b"\r\n\r\n"]), None


def _encoded(chance: random.Random) -> Damaged:
    encoding = chance.choice(["utf-16", "utf-16-le", "utf-32", "utf-7", "cp1252", "cp500", "shift_jis", "utf-8-sig"])
    written = good.csv().replace("email", "é" if encoding == "cp1252" else "email").encode(encoding)
    return "csv", written[: len(written) - chance.choice([0, 0, 1])], None


def _signs(chance: random.Random) -> Damaged:
    alone = [
        '"',
        '""',
        '"""',
        '"\n',
        ",",
        ",,,",
        "\r",
        "\n",
        "\0",
        "a",
        "\x1a",
        "'",
        '"' * 999,
        "," * 999,
        "\ufeff\ufeff",
    ]
    return "csv", chance.choice(alone).encode(), None


def _line_ends(chance: random.Random) -> Damaged:
    ends = chance.choice([["\r"], ["\r\n"], ["\n", "\r\n"], ["\n", "\r"], ["\n\r"], ["\x85"], ["\x0c"]])
    lines = good.csv().splitlines()
    return (
        "csv",
        "".join(line + chance.choice(ends) for line in lines).encode(),
        12 if ends in (["\r"], ["\r\n"]) else None,
    )


def _headers(chance: random.Random) -> Damaged:
    header, rows = good.csv().split("\n", 1)
    channel = [header.replace("channel", name) for name in ("\x1b[31m", "x" * 100_000, "channel ", '"chan\nnel"', "\0")]
    headers = [
        "", ",,,", "\0", header + "," + header, header.upper(), "\t".join(good.COLUMNS),
        ",".join(map(str, range(5000))), header + "," * 5000, '"' + header, header.replace(",", "\0"), *channel,
    ]  # fmt: skip
    return "csv", (chance.choice(headers) + "\n" + rows).encode(), None


def _values(chance: random.Random) -> Damaged:
    """Any value in the place of any other; every row stays a row."""
    rows = [list(row) for row in good.ROWS]
    for row in chance.sample(rows, chance.choice([1, 3, 12])):
        row[chance.randrange(4)] = chance.choice(ODD_VALUES)
    quoted = "".join(",".join('"' + cell + '"' for cell in row) + "\n" for row in rows)
    return "csv", ("order_id,ordered_at,shipping_amount,channel\n" + quoted).encode(), 12


def _ragged(chance: random.Random) -> Damaged:
    lines = good.csv().splitlines()
    for at in chance.sample(range(1, 13), chance.choice([1, 4, 7])):
        lines[at] = chance.choice(
            [lines[at] + ",x", lines[at].rpartition(",")[0], "", "x", '"' + lines[at], lines[at] + '"', lines[at] * 40]
        )
    return "csv", "\n".join(lines).encode(), None


def _totals(chance: random.Random) -> Damaged:
    """Rows that are no orders behind those that are: each is quarantined by itself."""
    count = chance.choice([1, 2])
    return "csv", (good.csv() + "Total,,141.40,\n" * count).encode(), 12 + count


def _json(chance: random.Random) -> Damaged:
    """One line of several kinds that JSON or its readers dislike, among lines that are as they should be."""
    deep = chance.choice([100, 900, 3_000, 100_000])
    start = '{"order_id": "o99", "ordered_at": "2024-05-01", "channel": '
    odd = [
        start + "[" * deep + "]" * deep + "}", start + '{"a":' * deep + "1" + "}" * deep + "}", start + '"\\ud800"}',
        start + '"\\udc00\\ud800"}', start + "NaN}", start + "-Infinity}", start + "9" * 5_000 + "}", start + "1e400}",
        start + '1, "channel": 2}', '{"\\ud800": 1}', "[1, 2]", "[" * deep, "1", '"x"', "null", "{}", "{",
        start + "1,}",
        start + '"\\u0000"}', start + '"a\x00b"}', "\ufeff{}", start + "-0.0}", start + '{"a": [1, {"b": null}]}}',
        start + "'x'}", start + '"\t"}', "//", json.dumps({str(n): n for n in range(2_000)}), start + '"\\x41"}',
    ]  # fmt: skip
    lines = good.json_lines().splitlines()
    lines.insert(chance.randrange(12), chance.choice(odd))
    return "jsonl", ("\n".join(lines) + "\n").encode(), 13


def _gzip(chance: random.Random) -> Damaged:
    ending, text = chance.choice([("csv.gz", good.csv()), ("jsonl.gz", good.json_lines())])
    packed = gzip.compress(text.encode(), mtime=0)
    cut = chance.randrange(len(packed))
    ways = [
        b"", packed[:cut], packed[:10], packed[:-4], packed + b"x", packed + bytes(9), packed + packed, text.encode(),
        gzip.compress(packed, mtime=0), gzip.compress(b"", mtime=0), packed[:cut] + b"\xff" + packed[cut + 1 :],
    ]  # fmt: skip
    return ending, chance.choice(ways), None


_BASES = {
    "csv": good.csv().encode(),
    "tsv": good.csv("\t").encode(),
    "jsonl": good.json_lines().encode(),
    "csv.gz": gzip.compress(good.csv().encode(), mtime=0),
    "parquet": good.parquet(),
    "xlsx": good.workbook(),
}
KINDS: dict[str, Kind] = {
    **{f"{ending}: damaged bytes": partial(_mutated, ending, data) for ending, data in _BASES.items()},
    "any: misnamed": _misnamed,
    "text: a mark alone": _marks_alone,
    "csv: encodings": _encoded,
    "csv: signs alone": _signs,
    "csv: line ends": _line_ends,
    "csv: headers": _headers,
    "csv: odd values": _values,
    "csv: ragged": _ragged,
    "csv: totals": _totals,
    "jsonl: odd lines": _json,
    "gzip": _gzip,
}
