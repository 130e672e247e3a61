"""A shop of two small tables and the means to load and write them by hand, for the warehouse's tests."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from ecom_assets.contracts.model import Column, Contract, Reconciliation, Reference, Rule
from ecom_assets.settings import Shop
from ecom_assets.warehouse import Warehouse, connect
from ecom_assets.warehouse.ddl import raw_columns

DAY = date(2024, 3, 1)
AS_OF = datetime(2024, 6, 1, 12, tzinfo=UTC)

BUYERS = Contract(
    name="buyers",
    layer="clean",
    domain="customers",
    owner="team:growth",
    grain="One row per buyer.",
    key=("buyer_id",),
    columns=(
        Column(name="buyer_id", required=True, description="Id."),
        Column(name="email", personal="keyed_hash", description="Mail."),
        Column(name="full_name", personal="drop", description="Name."),
        Column(name="birth_year", type="integer", personal="band", description="Year."),
    ),
)
SALES = Contract(
    name="sales",
    layer="clean",
    domain="sales",
    owner="team:growth",
    grain="One row per sale.",
    key=("sale_id",),
    partitioned_by="sold_at",
    columns=(
        Column(name="sale_id", required=True, description="Id."),
        Column(name="buyer_id", description="Who."),
        Column(name="sold_at", type="timestamp", required=True, description="When."),
        Column(name="amount", type="money", required=True, description="How much."),
        Column(name="channel", values=("web", "shop"), default="unknown", description="Where."),
        Column(name="stars", type="integer", min=1, max=5, description="Rating."),
    ),
    rules=(
        Rule(name="amount_is_not_negative", expression="amount >= 0", on_break="reject"),
        Rule(name="amount_is_plausible", expression="amount < 10000"),
    ),
    references=(
        Reference(
            columns=("buyer_id",), to="buyers", to_columns=("buyer_id",), severity="error", max_unresolved_rate=0.5
        ),
    ),
)
DAILY = Contract(
    name="daily",
    layer="kpi",
    domain="sales",
    owner="team:growth",
    grain="One row per day.",
    key=("business_date",),
    tracks_restatements=True,
    columns=(
        Column(name="business_date", type="date", required=True, description="Day."),
        Column(name="sales", type="integer", min=0, description="Number."),
        Column(name="amount", type="money", description="Sum."),
    ),
    reconciliations=(
        Reconciliation(
            name="amount_equals_clean_sales",
            query="""select coalesce(a.business_date, b.business_date) as business_date,
                coalesce(a.amount, 0) - coalesce(b.amount, 0) as gap
                from (select business_date, sum(amount) as amount from clean.sales group by 1) a
                full join _staged b on a.business_date = b.business_date""",
        ),
    ),
)
CONTRACTS = (BUYERS, SALES, DAILY)
SHOP = Shop(name="Small", first_day=DAY, sources={"sales": "simulated", "buyers": "simulated"})


def key_hash_sql(contract: Contract) -> str:
    return f"hash({', '.join(contract.key)})"


@dataclass(frozen=True)
class Sql:
    """A SELECT as the warehouse takes it."""

    sql: str
    params: Mapping[str, Any] = field(default_factory=dict)
    reads: frozenset[str] = frozenset()

    def tables(self) -> frozenset[str]:
        return self.reads


# What ingestion generates for `sales`, by hand: the last arrival of a key wins, and leaves its other days.
CLEAN_SALES = Sql(
    f"""
    with arrived as (
        select *, {key_hash_sql(SALES)} as key_hash from raw.sales
        where _business_date between $from_day and $to_day
            or {key_hash_sql(SALES)} in (select key_hash from raw.moved_keys where dataset = 'sales')
        qualify row_number() over (partition by sale_id order by _source_file desc, _source_line desc) = 1
    )
    select _business_date as business_date, sale_id, buyer_id, sold_at::timestamp as sold_at,
        amount::decimal(18, 4) as amount, coalesce(channel, 'unknown') as channel,
        stars::bigint as stars, _source_file, _source_line
    from arrived where _business_date between $from_day and $to_day
    """
)
CLEAN_BUYERS = Sql(
    "select buyer_id, email, full_name, birth_year::bigint as birth_year, _source_file, _source_line from raw.buyers"
)
DAILY_SALES = Sql(
    "select business_date, count(*) as sales, sum(amount) as amount from clean.sales group by business_date",
    reads=frozenset({"clean/sales"}),
)


def daily_of_days(table: str = "clean.sales") -> Sql:
    """The same, of a table by choice and for a range of days where one is asked for."""
    text = f"""select business_date, count(*) as sales, sum(amount) as amount from {table}
        where business_date between coalesce($from_day, '-infinity'::date) and coalesce($to_day, 'infinity'::date)
        group by business_date"""
    return Sql(text, {"from_day": None, "to_day": None}, frozenset({table.replace(".", "/")}))


def day(number: int) -> date:
    return DAY + timedelta(days=number)


def sale(sale_id: str, number: int = 0, amount: Any = "10", **columns: Any) -> dict[str, Any]:
    return {
        "sale_id": sale_id,
        "buyer_id": "b1",
        "sold_at": f"{day(number)} 10:00:00",
        "amount": str(amount),
        **columns,
    }


@dataclass(frozen=True)
class Receipt:
    source_file: str
    size_bytes: int
    file_hash: str
    rows_used: int
    rows_quarantined: int
    first_event_at: datetime | None = None
    last_event_at: datetime | None = None
    refused: str | None = None
    warnings: tuple[str, ...] = ()
    over_limit: str | None = None


@dataclass(frozen=True)
class StagedFiles:
    source: str
    feeds: tuple[str, ...]
    receipts: list[Receipt]
    read_as: str = "v1"
    may_hold_persons: bool = False
    mixes_files: bool = False


@dataclass(frozen=True)
class Plan:
    name: str
    feeds: tuple[str, ...]
    read_as: str = "v1"


def new_warehouse(path: Any = ":memory:", shop: Shop = SHOP, contracts: Sequence[Contract] = CONTRACTS) -> Warehouse:
    warehouse = Warehouse(connect(path), shop, contracts, key_hash_sql)
    warehouse.prepare()
    return warehouse


def warehouse_of_days(days: int, contracts: Sequence[Contract]) -> Warehouse:
    """One with a sale on each of so many days, written as clean."""
    made = new_warehouse(contracts=contracts)
    load_buyers(made)
    load(made, SALES, {"a.csv": [sale(f"s{number}", number, 10 + number) for number in range(days)]})
    write_sales(made, *range(days))
    return made


def stage_rows(
    warehouse: Warehouse,
    contract: Contract,
    files: Mapping[str, Sequence[Mapping[str, Any]]],
    rejects: Sequence[tuple] = (),
    repairs: Sequence[tuple] = (),
) -> StagedFiles:
    """Leave the temp tables that ingestion leaves; `rejects` are (file, line, day, text, reasons)."""
    run = warehouse.connection.execute
    columns = raw_columns(contract)
    listed = ", ".join(f'"{name}" {kind}' for name, kind in columns.items())
    run(f"create or replace temp table _staged_{contract.name} ({listed})").fetchall()
    run(
        "create or replace temp table _rejects (dataset VARCHAR, source_file VARCHAR, source_line BIGINT, "
        "business_date DATE, raw_text VARCHAR, reasons VARCHAR[])"
    ).fetchall()
    run(
        "create or replace temp table _repairs (dataset VARCHAR, source_file VARCHAR, source_line BIGINT, "
        "column_name VARCHAR, found VARCHAR, reason VARCHAR)"
    ).fetchall()
    receipts = []
    for name, brought in files.items():
        for line, row in enumerate(brought, 2):
            when = row.get(contract.partitioned_by) if contract.partitioned_by else None
            values = [name, line, str(when)[:10] if when else None, *(row.get(column) for column in [*columns][3:])]
            run(f"insert into _staged_{contract.name} values ({', '.join('?' * len(values))})", values).fetchall()
        mine = [each for each in rejects if each[0] == name]
        content = str((brought, mine))
        receipts.append(Receipt(name, len(content), str(hash(content)), len(brought), len(mine)))
    for each in rejects:
        run("insert into _rejects values (?, ?, ?, ?, ?, ?)", [contract.name, *each]).fetchall()
    for each in repairs:
        run("insert into _repairs values (?, ?, ?, ?, ?, ?)", [contract.name, *each]).fetchall()
    return StagedFiles(contract.name, (contract.name,), receipts)


def load(
    warehouse: Warehouse, contract: Contract, files: Mapping[str, Sequence[Mapping[str, Any]]], **more: Any
) -> None:
    warehouse.replace_files(stage_rows(warehouse, contract, files, **more), "load")


def load_buyers(warehouse: Warehouse, *names: str) -> None:
    buyers = [{"buyer_id": name, "email": f"{name}@shop.test", "birth_year": "1987"} for name in names or ("b1",)]
    load(warehouse, BUYERS, {"buyers.csv": buyers})
    assert warehouse.write(BUYERS, CLEAN_BUYERS, None, "run", as_of=AS_OF).accepted


def write_sales(warehouse: Warehouse, *numbers: int, run_id: str = "run", query: Any = CLEAN_SALES) -> Any:
    return warehouse.write(SALES, query, [day(number) for number in numbers], run_id, "v1", AS_OF)


def write_daily(warehouse: Warehouse, run_id: str = "run", query: Any = DAILY_SALES) -> Any:
    return warehouse.write(DAILY, query, None, run_id, "v1", AS_OF)


def fetch(warehouse: Warehouse, sql: str) -> list[tuple]:
    return warehouse.connection.execute(sql).fetchall()
