"""Support: how much help was asked for, about what, and how soon it came."""

from ecom_assets.reports.analysis import Analysis, Reader, count, duration


def support(reader: Reader) -> Analysis:
    """Tickets by issue and channel, the backlog, response and resolution times, satisfaction."""
    reader.require("kpi.support_performance", "support_tickets")
    first, last, opened, resolved, satisfaction = reader.row(
        "select min(business_date), max(business_date), sum(opened), sum(resolved), "
        "sum(satisfaction_sum) / nullif(sum(rated), 0) from kpi.support_performance where dimension = 'all'"
    )
    response_s, resolution_s, backlog = reader.row(
        "select median(first_response_median_s), median(resolution_median_s), arg_max(backlog, business_date) "
        "from kpi.support_performance where dimension = 'all'"
    )
    top = reader.rows(f"{_by('issue')} limit 1")
    sentences = [
        f"From {first} to {last} {count(opened)} tickets were opened and {count(resolved)} resolved; "
        f"{count(backlog)} were open at the end.",
        f"On a usual day half of those answered had waited {duration(response_s)} or less, and half of those resolved "
        f"had taken {duration(resolution_s)} or less.",
    ]
    if top:
        sentences.append(f"Most are about {top[0][0]}: {count(top[0][1])}.")
    if satisfaction is not None:
        sentences.append(f"Customers rated the help {float(satisfaction):.2f} of 5.")
    return Analysis(
        "support",
        "Support",
        tuple(sentences),
        (
            reader.table("By issue", _by("issue")),
            reader.table("By contact channel", _by("contact_channel")),
            reader.table("By priority", _by("priority")),
            reader.statistics("support_tickets"),
        ),
        (
            reader.chart(
                "tickets",
                "Tickets a day",
                "select business_date, opened, resolved, backlog from kpi.support_performance "
                "where dimension = 'all' order by 1",
                "tickets",
            ),
            reader.chart(
                "response",
                "Median time to the first response",
                "select business_date, first_response_median_s / 3600 as hours from kpi.support_performance "
                "where dimension = 'all' order by 1",
                "hours",
            ),
            reader.chart(
                "issues", "What tickets are about", f"select issue, opened from ({_by('issue')})", "tickets", "bar"
            ),
        ),
    )


def _by(dimension: str) -> str:
    return (
        f"select member as {dimension}, sum(opened)::bigint as opened, sum(resolved)::bigint as resolved, "
        "round(median(first_response_median_s) / 3600, 2) as first_response_hours, "
        "round(median(resolution_median_s) / 3600, 2) as resolution_hours, "
        "round(sum(satisfaction_sum) / nullif(sum(rated), 0), 2) as satisfaction "
        f"from kpi.support_performance where dimension = '{dimension}' group by member order by opened desc, 1"
    )
