"""API logs: how the services behind the shop answered."""

from ecom_assets.reports.analysis import Analysis, Reader, count, milliseconds, percent


def api_logs(reader: Reader) -> Analysis:
    """Calls, errors, response times, and what is left of the error budget."""
    reader.require("kpi.api_health", "api_logs")
    first, last, calls, errors, rate = reader.row(
        "select min(business_date), max(business_date), sum(calls), sum(errors), "
        "sum(errors) / nullif(sum(answered_calls), 0) from kpi.api_health where dimension = 'all'"
    )
    p50, p95, p99 = reader.row(
        "select response_time_p50_ms, response_time_p95_ms, response_time_p99_ms from kpi.api_health "
        "where dimension = 'all' order by business_date desc limit 1"
    )
    worst = reader.rows(f"select * from ({_services()}) where error_rate > 0 order by error_rate desc, service limit 1")
    budget = reader.rows(
        "select error_budget_left_rate, availability_objective_rate from kpi.error_budget where service = 'all' "
        "order by business_date desc limit 1"
    )
    sentences = [
        f"From {first} to {last} {count(calls)} calls were logged; {count(errors)} failed, {percent(rate)}.",
        f"On {last} half were answered within {milliseconds(p50)}, 95 of 100 within {milliseconds(p95)}, "
        f"99 of 100 within {milliseconds(p99)}.",
    ]
    if worst:
        sentences.append(f"{worst[0][0]} fails most: {percent(worst[0][2])} of its calls.")
    if budget and budget[0][0] is not None:
        left, objective = budget[0]
        allowed = f"the errors that an availability of {percent(objective)} allows over 28 days"
        sentences.append(
            f"Of {allowed}, {percent(left)} are left." if left >= 0 else f"There were {1 - left:.1f} times {allowed}."
        )
    return Analysis(
        "api-logs",
        "API health",
        tuple(sentences),
        (
            reader.table("Services", f"select * from ({_services()}) order by p95_ms desc nulls last, service"),
            reader.table(
                "Error budget of the last day",
                "select service, answered_calls_28d, errors_28d, availability_28d_rate as availability, "
                "error_budget_left_rate as budget_left from kpi.error_budget "
                "where business_date = (select max(business_date) from kpi.error_budget) order by budget_left, service",
            ),
            reader.statistics("api_logs"),
        ),
        (
            reader.chart(
                "errors",
                "Share of calls that failed",
                "select business_date, error_rate from kpi.api_health where dimension = 'all' order by 1",
                "share",
            ),
            reader.chart(
                "response-times",
                "Response time",
                "select business_date, response_time_p50_ms as p50, response_time_p95_ms as p95, "
                "response_time_p99_ms as p99 from kpi.api_health where dimension = 'all' order by 1",
                "ms",
            ),
            reader.chart(
                "services",
                "Slowest services, 95th percentile",
                f"select service, p95_ms from ({_services()}) where p95_ms is not null order by 2 desc, 1",
                "ms",
                "bar",
            ),
            reader.chart(
                "budget",
                "Error budget left over 28 days",
                "select business_date, error_budget_left_rate as left_ from kpi.error_budget "
                "where service = 'all' order by 1",
                "share",
            ),
        ),
    )


def _services() -> str:
    return (
        "select member as service, sum(calls)::bigint as calls, "
        "round(sum(errors) / nullif(sum(answered_calls), 0), 6) as error_rate, "
        "median(response_time_p50_ms) as p50_ms, median(response_time_p95_ms) as p95_ms, "
        "median(response_time_p99_ms) as p99_ms from kpi.api_health where dimension = 'service' group by member"
    )
