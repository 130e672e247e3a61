"""Page load times: how long visitors waited, and on which pages longest."""

from ecom_assets.reports.analysis import Analysis, Reader, count, milliseconds

_WAIT = "coalesce(lcp_p75_ms, load_time_p75_ms)"


def page_load_times(reader: Reader) -> Analysis:
    """Percentiles and Apdex by day, the slowest pages, and how devices differ."""
    reader.require("kpi.page_speed", "page_load_times")
    first, last, loads, apdex = reader.row(
        "select min(business_date), max(business_date), sum(loads), "
        "(sum(satisfied_loads) + sum(tolerated_loads) / 2) / nullif(sum(timed_loads), 0) "
        "from kpi.page_speed where dimension = 'all'"
    )
    p50, p75, p95 = reader.row(
        "select lcp_p50_ms, lcp_p75_ms, lcp_p95_ms from kpi.page_speed where dimension = 'all' "
        "order by business_date desc limit 1"
    )
    complete = reader.row(
        "select load_time_p50_ms, load_time_p95_ms from kpi.page_speed where dimension = 'all' "
        "order by business_date desc limit 1"
    )
    slowest = reader.rows(f"{_pages()} limit 1")
    sentences = [
        f"From {first} to {last} {count(loads)} page loads were measured; Apdex "
        f"{'unknown' if apdex is None else f'{float(apdex):.3f}'}.",
        f"On {last} half of the pages were complete within {milliseconds(complete[0])}, 95 of 100 within "
        f"{milliseconds(complete[1])}.",
    ]
    if p75 is not None:
        sentences.append(
            f"Their main content was seen within {milliseconds(p50)} by half of the visitors, "
            f"within {milliseconds(p75)} by three quarters, within {milliseconds(p95)} by 95 of 100."
        )
    if slowest:
        sentences.append(f"Slowest is {slowest[0][0]}: the daily 75th percentile is {milliseconds(slowest[0][2])}.")
    return Analysis(
        "page-load-times",
        "Page load times",
        tuple(sentences),
        (
            reader.table("Slowest pages", f"{_pages()} limit 15"),
            reader.table("By device", _by("device")),
            reader.statistics("page_load_times"),
        ),
        (
            reader.chart(
                "percentiles",
                "Load time",
                "select business_date, load_time_p50_ms as p50, load_time_p75_ms as p75, load_time_p95_ms as p95 "
                "from kpi.page_speed where dimension = 'all' order by 1",
                "ms",
            ),
            reader.chart(
                "content",
                "Largest contentful paint",
                "select business_date, lcp_p50_ms as p50, lcp_p75_ms as p75, lcp_p95_ms as p95 "
                "from kpi.page_speed where dimension = 'all' order by 1",
                "ms",
            ),
            reader.chart(
                "apdex",
                "Apdex of page loads",
                "select business_date, apdex_score from kpi.page_speed where dimension = 'all' order by 1",
                "score",
            ),
            reader.chart(
                "slowest",
                "Slowest pages, 75th percentile",
                f"select page, wait_p75_ms from ({_pages()} limit 15)",
                "ms",
                "bar",
            ),
        ),
    )


def _pages() -> str:
    return (
        f"select member as page, sum(loads)::bigint as loads, median({_WAIT}) as wait_p75_ms, "
        "round((sum(satisfied_loads) + sum(tolerated_loads) / 2) / nullif(sum(timed_loads), 0), 3) as apdex "
        f"from kpi.page_speed where dimension = 'page' group by member having median({_WAIT}) is not null "
        "and sum(timed_loads) >= 10 order by wait_p75_ms desc, page"
    )


def _by(dimension: str) -> str:
    return (
        f"select member as {dimension}, sum(loads)::bigint as loads, median({_WAIT}) as wait_p75_ms, "
        "round((sum(satisfied_loads) + sum(tolerated_loads) / 2) / nullif(sum(timed_loads), 0), 3) as apdex "
        f"from kpi.page_speed where dimension = '{dimension}' group by member order by loads desc, member"
    )
