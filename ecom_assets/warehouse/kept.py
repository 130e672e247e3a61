"""Labels and snoozes outside the warehouse: a small file of the home that holds them while tables are made anew.

No table can say again what people said. A file is one shop's: what was said of one simulated shop must not move the
detectors of another that takes its place in the same home. Call these while holding `writer_lock`.
"""

import hashlib
import json
from contextlib import closing
from pathlib import Path
from typing import Any

import duckdb

from ecom_assets.quality.hashing import quoted
from ecom_assets.settings import Home, Shop
from ecom_assets.warehouse import records
from ecom_assets.warehouse.connection import Connection, columns_of, connect, rows, table_exists, transaction
from ecom_assets.warehouse.reading import NoSnapshotError, open_snapshot

# What tells two rows of a table apart; null is a value here.
_KEYS = {"labels": ("notification_id",), "snoozes": ("notification_id", "metric")}
PATTERN = "labels-*.json"


class UnreadableLabelsError(RuntimeError):
    """What people said cannot be read: where it is kept, or to be kept."""


def kept_file(home: Home, shop: Shop) -> Path:
    """Where labels and snoozes of this shop are kept: shops differ by name, simulated ones by what makes their days."""
    made_by = [shop.name]
    if shop.is_simulated:
        made_by += [str(shop.first_day), str(shop.seed), json.dumps(shop.simulation, sort_keys=True, default=str)]
    return home.root / f"labels-{hashlib.sha256('|'.join(made_by).encode()).hexdigest()[:8]}.json"


def read_said(home: Home) -> dict[str, list[dict[str, Any]]]:
    """Rows of labels and snoozes by column name, from the warehouse, else as the published snapshot shows them.

    Raises:
        UnreadableLabelsError: there is one of them, and it cannot be read.
    """
    fault: Exception | None = None
    warehouse = [lambda: connect(home.warehouse)] if home.warehouse.is_file() else []
    for opened in (*warehouse, lambda: open_snapshot(home)):
        try:
            with closing(opened()) as connection:
                return _rows_of(connection)
        except NoSnapshotError:
            continue
        except duckdb.Error as error:
            fault = fault or error
    if fault is None:
        return {name: [] for name in _KEYS}
    raise UnreadableLabelsError(
        f"{home.root}: its labels and snoozes cannot be read to keep them ({str(fault).splitlines()[0]}); "
        "`ecom reset --all` deletes them too"
    ) from fault


def keep(home: Home, shop: Shop, said: dict[str, list[dict[str, Any]]]) -> Path | None:
    """Write what `read_said` gave into the shop's file, for `take_back`; None where nobody said anything."""
    if not any(said.values()):
        return None
    path = kept_file(home, shop)
    half = path.with_suffix(".tmp")
    half.write_text(json.dumps({"shop": shop.name, **said}, default=str, ensure_ascii=False, indent=1) + "\n", "utf-8")
    half.replace(path)
    return path


def take_back(connection: Connection, home: Home, shop: Shop) -> int:
    """Put into lineage what the shop's file holds and is not there, and delete the file; how many rows that were.

    Raises:
        UnreadableLabelsError: the file is not as `keep` wrote it; nothing was taken.
    """
    path = kept_file(home, shop)
    if not path.is_file():
        return 0
    try:
        with transaction(connection):
            taken = _insert(connection, json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, AttributeError, duckdb.Error) as error:
        why = str(error).splitlines()[0]
        raise UnreadableLabelsError(f"{path}: cannot be read ({why}); delete it to go on without them") from error
    path.unlink()
    return taken


def _insert(connection: Connection, said: dict[str, list[dict[str, Any]]]) -> int:
    taken = 0
    for name, keys in _KEYS.items():
        columns = list(columns_of(connection, f"lineage.{name}"))
        there = set(rows(connection, f"select {', '.join(keys)} from lineage.{name}"))
        fresh = [row for row in said.get(name, []) if tuple(row.get(key) for key in keys) not in there]
        records.insert(connection, name, [tuple(row.get(column) for column in columns) for row in fresh])
        taken += len(fresh)
    return taken


def _rows_of(connection: Connection) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for name in _KEYS:
        table = f"lineage.{quoted(name)}"
        columns = list(columns_of(connection, table)) if table_exists(connection, "lineage", name) else []
        listed = rows(connection, f"select * from {table} order by all") if columns else []
        found[name] = [dict(zip(columns, row, strict=True)) for row in listed]
    return found
