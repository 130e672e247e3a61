"""Keys that were seen on more than one business date: a corrected row must leave its old day.

The last arrival of a key says where it belongs. The ledger keeps every date of such a key, so that a load asks
for both days again, and a write takes both or neither.
"""

from collections.abc import Callable, Sequence
from datetime import date

from ecom_assets.contracts import Contract
from ecom_assets.quality.hashing import quoted
from ecom_assets.warehouse.connection import Connection, rows, value

KEY_HASH = "_key_hash"  # the column of a raw table, where keys can move
KeyHash = Callable[[Contract], str]  # SQL (UBIGINT) of a raw row's key, equal for values that clean reads as equal


def hash_keys(connection: Connection, contract: Contract, key_hash: KeyHash) -> None:
    """Keep the hash of every row's key beside it in raw; all of them anew where the SQL of it changed.

    With it a load looks for the keys that came among eight bytes a row of history instead of among its texts.
    """
    if not contract.keys_can_move:
        return
    name, raw, key = contract.name, f"raw.{quoted(contract.name)}", key_hash(contract)
    known = value(connection, "select made_by from lineage.key_hashes where dataset = ?", [name])
    if known == key:
        return
    rows(connection, f"update {raw} set {KEY_HASH} = {key}")
    rows(connection, "delete from lineage.key_hashes where dataset = ?", [name])
    rows(connection, "insert into lineage.key_hashes values (?, ?)", [name, key])


def touched_keys(
    connection: Connection, contract: Contract, key_hash: KeyHash, replaced: Sequence[str], staged: str | None
) -> str | None:
    """Keep, in a temp table, the keys that files bring now and brought before; its name, None for all keys.

    Args:
        connection: the warehouse.
        contract: of the dataset.
        key_hash: the SQL of a key's hash.
        replaced: the files that brought something before.
        staged: what they bring now.
    """
    if not contract.keys_can_move:
        return None
    raw = f"raw.{quoted(contract.name)}"
    if staged and 2 * (value(connection, f"select count(*) from {staged}") or 0) >= value(
        connection, f"select count(*) from {raw}"
    ):
        return None  # most of the table is new: looking at all of it is cheaper
    table = quoted(f"_touched_{contract.name}")
    came = [f"select {key_hash(contract)} as key_hash from {staged}"] if staged else []
    if replaced:  # looking for them reads the history of the file names
        came.append(
            f"select {KEY_HASH} as key_hash from {raw} where _source_file in (select unnest($names::varchar[]))"
        )
    found = " union all ".join(came) or "select null::ubigint as key_hash where false"
    rows(
        connection,
        f"create or replace temp table {table} as select distinct key_hash from ({found})",
        {"names": list(replaced)} if replaced else None,
    )
    return f"temp.main.{table}"


def refresh(connection: Connection, contract: Contract, touched: str | None) -> None:
    """Find out anew which of the touched keys (None: of all keys) lie on more than one date in raw."""
    if not contract.keys_can_move:
        return
    raw, bound = f"raw.{quoted(contract.name)}", {"dataset": contract.name}
    among = f"key_hash in (select key_hash from {touched})" if touched else "true"
    rows(connection, f"delete from lineage.moved_days where dataset = $dataset and {among}", bound)
    keyed = f"(select {KEY_HASH} as key_hash, _business_date, _source_file, _source_line from {raw})"
    rows(
        connection,
        f"create or replace temp table _moved as select key_hash from {keyed} where {among} "
        "group by key_hash having min(_business_date) <> max(_business_date)",
    )
    if value(connection, "select count(*) from temp.main._moved"):
        sql = f"""
            insert into lineage.moved_days by name
            select distinct $dataset as dataset, key_hash, _business_date as business_date,
                last_value(_business_date) over (partition by key_hash order by _source_file, _source_line
                    rows between unbounded preceding and unbounded following) as last_date
            from {keyed} where key_hash in (select key_hash from temp.main._moved)
        """
        rows(connection, sql, bound)
    rows(connection, "drop table temp.main._moved")
    if touched:
        rows(connection, f"drop table {touched}")


def partner_days(connection: Connection, contract: Contract, days: Sequence[date]) -> list[date]:
    """Further days to write along with `days`.

    Those that share a moved key with them and were not evaluated since it moved, and those that were held back.
    """
    if not contract.keys_can_move or contract.layer != "clean" or not days:
        return []
    sql = """
        select distinct other.business_date from lineage.moved_days mine
        join lineage.moved_days other on other.dataset = mine.dataset and other.key_hash = mine.key_hash
        left join lineage.fingerprints delivered
            on delivered.dataset = other.dataset and delivered.business_date = other.business_date
        left join lineage.days evaluated
            on evaluated.asset = 'clean/' || other.dataset and evaluated.business_date = other.business_date
        where mine.dataset = $dataset and mine.business_date in (select unnest($days::date[]))
            and other.business_date not in (select unnest($days::date[]))
            and delivered.fingerprint is distinct from evaluated.fingerprint
        union
        select business_date from lineage.days where asset = 'clean/' || $dataset and held
            and business_date not in (select unnest($days::date[]))
    """
    found = [row[0] for row in rows(connection, sql, {"dataset": contract.name, "days": list(days)})]
    return found + partner_days(connection, contract, [*days, *found]) if found else []


def torn_days(
    connection: Connection,
    contract: Contract,
    target: str,
    staged: str,
    swapped: Sequence[date],
    refused: Sequence[date],
    unsettled: Sequence[date],
) -> dict[date, date]:
    """Days that cannot be swapped without another one that is not: {day: the other day}.

    Either a staged row's key still stands on a day that is left as it was (it would be there twice), or a standing
    row now belongs to a day that was refused (it would be nowhere). Standing rows are looked at, not the ledger of
    moved keys: a file that was replaced moves rows too, and a refused day holds what raw has long forgotten.

    Args:
        connection: the warehouse.
        contract: of a clean table.
        target: the table as it stands.
        staged: the staged rows.
        swapped: days that would be replaced or emptied.
        refused: staged days that would not.
        unsettled: standing days, not among the swapped, that are not what was last delivered. On all others the
            table holds what raw says, and raw knows a key on one day only.
    """
    if not contract.keys_can_move or contract.layer != "clean":
        return {}
    key = " and ".join(f"new.{quoted(name)} = old.{quoted(name)}" for name in contract.key)
    found: dict[date, date] = {}
    for day, other, of_new, of_old in (("new", "old", swapped, unsettled), ("old", "new", refused, swapped)):
        if of_new and of_old:
            sql = f"""
                select {day}.business_date, min({other}.business_date) from {staged} new join {target} old on {key}
                where new.business_date in (select unnest($of_new::date[]))
                    and old.business_date in (select unnest($of_old::date[]))
                    and new.business_date <> old.business_date
                group by 1
            """
            found |= dict(rows(connection, sql, {"of_new": list(of_new), "of_old": list(of_old)}))
    return found
