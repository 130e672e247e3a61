"""What the contenders of the events bench share: the rows, the numbers that they must agree in, the clock."""

import resource
from datetime import date, timedelta
from pathlib import Path

FIRST_DAY = date(2025, 1, 1)
DAYS = 200
LAST_DAY = FIRST_DAY + timedelta(days=DAYS - 1)
THREADS = 2
MEMORY = "1GB"  # of the engine; percentiles and Python come on top
SHARES = {"clickstream": 0.7, "page_load_times": 0.15, "api_logs": 0.15}
TABLES = ("sessions", "session_behavior", "click_engagement", "purchase_funnel", "active_users", "page_speed",
          "api_health")  # fmt: skip
CHECKS = ("sessions_made", "page_views", "purchase_sessions", "clicking_sessions", "active_users_28d", "page_lcp_p95",
          "service_p99", "errors")  # fmt: skip

DRAWN = {
    "clickstream": """
        with visits as (select i as visit, hash(i) as h from range(greatest({rows} // 8, 1)) t (i)),
        events as (select visit, h, unnest(range(1 + (hash(visit, 9) % 15)::int)) as turn from visits)
        select
            day as business_date, 'e' || visit || '-' || turn as event_id,
            'v' || (h % greatest({rows} // 40, 1)) as visitor_id,
            day + to_seconds((hash(visit, 4) % 80000)::int) + to_seconds(turn * (5 + (hash(visit, turn) % 120)::int))
                as occurred_at,
            if(turn = 0, 'page_view', ['page_view', 'page_view', 'page_view', 'page_view', 'click', 'click',
                'product_view', 'add_to_cart', 'checkout_start', 'payment_attempt', 'purchase'][
                    1 + (hash(visit, turn, 5) % 11)::int]) as event_type,
            '/product/p' || (hash(visit, turn, 6) % 300) as page_path,
            'button' || (hash(visit, turn, 8) % 12) as element,
            ['desktop', 'mobile', 'tablet'][1 + (h % 3)::int] as device
        from (select *, date '{first}' + (visit * {days} // greatest({rows} // 8, 1))::int as day from events)
    """,
    "page_load_times": """
        select
            day as business_date, 'l' || i as load_id, day + to_seconds((hash(i) % 86000)::int) as occurred_at,
            '/product/p' || (hash(i, 1) % 300) as page_path,
            ['desktop', 'mobile', 'tablet'][1 + (hash(i, 2) % 3)::int] as device,
            ['DE', 'AT', 'CH', 'FR'][1 + (hash(i, 3) % 4)::int] as country,
            20 + (hash(i, 4) % 900)::double as ttfb_ms, 500 + (hash(i, 5) % 9000)::double as lcp_ms,
            900 + (hash(i, 6) % 12000)::double as load_time_ms
        from (select i, date '{first}' + (i * {days} // {rows})::int as day from range({rows}) t (i))
    """,
    "api_logs": """
        select
            day as business_date, 'r' || i as request_id, day + to_seconds((hash(i) % 86000)::int) as occurred_at,
            'service' || (hash(i, 1) % 8) as service, '/call' || (hash(i, 2) % 5) as endpoint, 'GET' as method,
            if(hash(i, 3) % 200 = 0, 503, 200)::bigint as status_code,
            5 + (hash(i, 4) % 3000)::double as response_time_ms
        from (select i, date '{first}' + (i * {days} // {rows})::int as day from range({rows}) t (i))
    """,
}


def cpu_seconds() -> float:
    """Processor time of this process so far: what a busy machine does not stretch."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def draw(events: int, folder: Path) -> None:
    """Writes the rows once: Parquet files that every contender loads before its clock starts, but pandas."""
    import duckdb

    connection = duckdb.connect(config={"threads": THREADS})
    for name, share in SHARES.items():
        sql = DRAWN[name].format(rows=max(int(events * share), 1), days=DAYS, first=FIRST_DAY)
        connection.execute(f"copy ({sql}) to '{folder / name}.parquet' (format parquet)")
