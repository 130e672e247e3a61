"""Names that shells, globs, file systems and encodings read differently; the files themselves are as they should be."""

import random

from ecom_assets_tests.malformed import good
from ecom_assets_tests.malformed.text import Damaged, Kind

_ODD = (
    b"a b.csv", b"a'b.csv", b'a"b.csv', b"a[1].csv", b"a*.csv", b"a?.csv", b"a{1,2}.csv", b"-rf.csv", b"a\nb.csv",
    b"a\x1b[31m.csv", b"a%20b.csv", b"a=b/c=d.csv", b"x/y/z.csv", b"a;b.csv", b"a$HOME.csv", b"$(id).csv", b"a\\b.csv",
    b"\\.csv", b"d\\e/f.csv", b"caf\xe9.csv", b"\xff\xfe.csv", b"d\xe9/f.csv", "é.csv".encode(), "e\u0301.csv".encode(),
    "\u202egnp.csv".encode(), "\U0001f600.csv".encode(), b"a" * 240 + b".csv", b"a.csv.csv", b"A.CSV", b"a..csv",
    b"#.csv", b"a,b.csv", b"[/x].csv", b"nul.csv", b"a\tb.csv", b"a|b.csv", b"a:b.csv", b"a<b>.csv", b"@.csv",
    b"a\rb.csv",
)  # fmt: skip


def _named(chance: random.Random) -> Damaged:
    folder = f"n{chance.randrange(10**9)}/".encode()
    return folder + chance.choice(_ODD), good.csv().encode(), 12


def _parquet_named(chance: random.Random) -> Damaged:
    folder = f"n{chance.randrange(10**9)}/".encode()
    return folder + chance.choice(_ODD).lower().replace(b".csv", b".parquet"), good.parquet(), 12


KINDS: dict[str, Kind] = {"names: csv": _named, "names: parquet": _parquet_named}
