"""The project as a contender of the events bench: the KPI tables' own SQL through stage, judge and swap."""

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from bench.events_shared import CHECKS, DAYS, FIRST_DAY, LAST_DAY, MEMORY, SHARES, TABLES, THREADS, cpu_seconds


def project(folder: Path) -> dict[str, float]:
    """The project: the KPI tables' own SQL through stage, judge and swap."""
    import great_expectations  # noqa: F401 - seconds, and never the work's own

    from ecom_assets.contracts import contract
    from ecom_assets.settings import Shop
    from ecom_assets.sql import Query
    from ecom_assets.warehouse import Warehouse, connect

    connection = connect(folder / "project.duckdb")
    connection.execute(f"set threads = {THREADS}")
    connection.execute(f"set memory_limit = '{MEMORY}'")
    shop = Shop(
        name="Bench",
        first_day=FIRST_DAY,
        last_day=LAST_DAY,
        sources={name: {"kind": "files", "path": name} for name in SHARES},
    )
    warehouse = Warehouse(connection, shop)
    warehouse.prepare()
    for name in SHARES:
        connection.execute(f"insert into clean.{name} by name select * from '{folder / name}.parquet'")
        connection.execute(
            "insert into lineage.days by name select ? as asset, business_date, 'accepted' as state,"
            " count(*) as row_count,"
            f" 1::hugeint as content_hash, 'x' as fingerprint from clean.{name} group by business_date",
            [f"clean/{name}"],
        )
    connection.execute("checkpoint")
    values = {
        "datasets": sorted(SHARES),
        "time_zone": "UTC",
        "from_day": None,
        "to_day": None,
        **shop.targets.model_dump(),
    }
    days = [FIRST_DAY + timedelta(days=number) for number in range(DAYS)]
    parts = {"judging": 0.0}
    started, cpu = time.perf_counter(), cpu_seconds()
    for name in TABLES:
        table = contract(f"kpi/{name}")
        query = Query(table.asset).bind(values)
        outcome = warehouse.write(
            table, query, days if table.partitioned_by else None, "bench", as_of=datetime.now(UTC)
        )
        if not outcome.accepted:
            raise SystemExit(f"{table.asset} was refused: {outcome.reasons}")
        parts[name] = outcome.stage_seconds + outcome.swap_seconds
        parts["judging"] += outcome.judge_seconds
    parts["total"] = time.perf_counter() - started
    parts["cpu"] = cpu_seconds() - cpu
    return {**parts, **checks(connection, "kpi.")}


def checks(connection: Any, schema: str) -> dict[str, float]:
    """Numbers of the project's tables by which the contenders are compared."""
    found = connection.execute(
        f"""
        select
            (select count(*) from {schema}sessions), (select sum(page_view_events) from {schema}sessions),
            (select sum(purchase_sessions) from {schema}purchase_funnel),
            (select sum(clicking_sessions) from {schema}click_engagement where dimension = 'all'),
            (select active_users_28d from {schema}active_users order by business_date desc limit 1),
            (select sum(lcp_p95_ms) from {schema}page_speed where dimension = 'page'),
            (select sum(response_time_p99_ms) from {schema}api_health where dimension = 'service'),
            (select sum(errors) from {schema}api_health where dimension = 'all')
        """
    ).fetchall()[0]
    return dict(zip(CHECKS, map(float, found), strict=True))
