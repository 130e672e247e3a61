"""The file ledger as it is asked: which files are new, which stand, and which are told as refused.

What a file brought is replaced in `files`, and the ledger with it.
"""

import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Protocol

from ecom_assets.warehouse.connection import Connection, rows, transaction

_BLOCK = 1 << 20


class File(Protocol):
    """A landing file as found: `name` is its path relative to the landing folder."""

    name: str
    path: Path
    size_bytes: int
    modified_ns: int


class Plan(Protocol):
    """A source: its name, the datasets that its files feed, and a token of how they are read."""

    name: str
    feeds: tuple[str, ...]
    read_as: str


def changed_files(connection: Connection, plan: Plan, files: Sequence[File]) -> tuple[list[File], list[str]]:
    """The files that are new or hold something else than when last seen, and the names of those that went away.

    Size and modification time decide; where only the time differs, the content does. Files that were read by another
    mapping or under other settings count as changed: what they mean may be something else now.
    """
    sql = "select source_file, size_bytes, modified_ns, file_hash, read_as from lineage.source_files where source = ?"
    known = {row[0]: row[1:] for row in rows(connection, sql, [plan.name])}
    changed = []
    for file in files:
        size, modified, file_hash, read_as = known.get(file.name, (None, None, None, None))
        if read_as != plan.read_as:
            changed.append(file)
            continue
        if (size, modified) == (file.size_bytes, file.modified_ns):
            continue
        if size == file.size_bytes and file_hash == _hash_if_readable(file.path):
            touched = [file.modified_ns, plan.name, file.name]
            sql = "update lineage.source_files set modified_ns = ? where source = ? and source_file = ?"
            rows(connection, sql, touched)
            continue
        changed.append(file)
    return changed, sorted(known.keys() - {file.name for file in files})


def read_otherwise(connection: Connection, plan: Plan) -> int:
    """How many files of the source were last read by another mapping, contract or setting than now."""
    sql = "select count(*) from lineage.source_files where source = ? and read_as is distinct from ?"
    return int(rows(connection, sql, [plan.name, plan.read_as])[0][0])


def hash_of(path: Path) -> str:
    """SHA-256 of the file's bytes, in hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def _hash_if_readable(path: Path) -> str | None:
    """None where the file cannot be read now: whoever loads it says why."""
    try:
        return hash_of(path)
    except OSError:
        return None


def standing_files(connection: Connection, source: str, names: Iterable[str]) -> list[str]:
    """Those of the files that brought something before."""
    sql = """select source_file from lineage.source_files where source = $source and loaded_hash is not null
        and source_file in (select unnest($names::varchar[]))"""
    return [row[0] for row in rows(connection, sql, {"source": source, "names": list(names)})]


def complaints(connection: Connection, source: str, names: Sequence[str]) -> list[str]:
    """Those of the named files of a source that were refused, or of which more is in quarantine than may be."""
    sql = """select source_file from lineage.source_files where source = $source
        and source_file in (select unnest($names::varchar[])) and coalesce(refused, over_limit) is not null
        order by source_file"""
    return [row[0] for row in rows(connection, sql, {"source": source, "names": list(names)})]


def forget_complaints(connection: Connection, source: str, names: Sequence[str]) -> None:
    """Forget what was wrong with the named files of a source, which lie there no more.

    A file that never brought anything leaves the ledger. The others stand as what they brought; should they come back,
    with whatever in them, they are read.
    """
    which = "source = $source and source_file in (select unnest($names::varchar[]))"
    which += " and coalesce(refused, over_limit) is not null"
    bound = {"source": source, "names": list(names)}
    with transaction(connection):
        rows(connection, f"delete from lineage.source_files where {which} and loaded_hash is null", bound)
        stand = "file_hash = loaded_hash, size_bytes = null, modified_ns = null"
        quiet = "refused = null, over_limit = null, warnings = []"
        rows(connection, f"update lineage.source_files set {stand}, {quiet} where {which}", bound)
