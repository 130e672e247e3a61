"""Sessions: how visits went, where they began and where they ended."""

from ecom_assets.reports.analysis import Analysis, Reader, count, duration, percent


def sessions(reader: Reader) -> Analysis:
    """Sessions, bounces, duration and pages; channels, entry pages, and pages where visitors leave."""
    reader.require("kpi.session_behavior", "session_tracking or clickstream")
    first, last, number, bounce_rate, pages = reader.row(
        "select min(business_date), max(business_date), sum(sessions), sum(bounces) / nullif(sum(sessions), 0), "
        "sum(page_views) / nullif(sum(sessions), 0) from kpi.session_behavior where dimension = 'all'"
    )
    median_s, p90_s = reader.row(
        "select duration_median_s, duration_p90_s from kpi.session_behavior where dimension = 'all' "
        "order by business_date desc limit 1"
    )
    users = reader.rows(
        "select active_users_1d, active_users_28d, stickiness_rate from kpi.active_users "
        "order by business_date desc limit 1"
    )
    left = reader.rows(f"{_exits()} limit 1")
    sentences = [
        f"From {first} to {last} there were {count(number)} sessions of {float(pages or 0):.1f} pages; "
        f"{percent(bounce_rate)} bounced.",
        f"On {last} half of them lasted {duration(median_s)} or less, nine tenths {duration(p90_s)} or less.",
    ]
    if users and users[0][1] is not None:
        sentences.append(
            f"{count(users[0][0])} visitors came on the last day, {count(users[0][1])} in the last 28: "
            f"{percent(users[0][2])} of these."
        )
    if left:
        sentences.append(f"Most leave from {left[0][0]}: {count(left[0][2])} sessions ended there.")
    return Analysis(
        "sessions",
        "Sessions",
        tuple(sentences),
        (
            reader.table("By channel", _by("channel")),
            reader.table("By device", _by("device")),
            reader.table("Entry pages", f"{_by('entry_page')} limit 10"),
            reader.table("Where visitors leave", f"{_exits()} limit 10"),
            *([reader.statistics("session_tracking")] if _has_profile(reader) else []),
        ),
        (
            reader.chart(
                "sessions",
                "Sessions a day",
                "select business_date, sessions, bounces from kpi.session_behavior where dimension = 'all' order by 1",
                "sessions",
            ),
            reader.chart(
                "durations",
                "Length of a session",
                "select business_date, duration_median_s as median, duration_p90_s as nine_tenths "
                "from kpi.session_behavior where dimension = 'all' order by 1",
                "s",
            ),
            reader.chart(
                "users",
                "Active users",
                "select business_date, active_users_1d as day, active_users_7d as seven_days, "
                "active_users_28d as month from kpi.active_users order by 1",
                "visitors",
            ),
            reader.chart(
                "bounces",
                "Bounce rate by channel",
                f"select channel, bounce_rate from ({_by('channel')}) order by 2 desc, 1",
                "share",
                "bar",
            ),
        ),
    )


def _by(dimension: str) -> str:
    return (
        f"select member as {dimension}, sum(sessions)::bigint as sessions, "
        "round(sum(bounces) / sum(sessions), 4) as bounce_rate, "
        "round(sum(page_views) / sum(sessions), 2) as pages_per_session "
        f"from kpi.session_behavior where dimension = '{dimension}' group by member order by sessions desc, 1"
    )


def _exits() -> str:
    return (
        "select member as page, sum(page_views)::bigint as page_views, sum(exits)::bigint as exits, "
        "sum(entries)::bigint as entries from kpi.session_behavior where dimension = 'page' "
        "group by member order by exits desc, page"
    )


def _has_profile(reader: Reader) -> bool:
    return bool(
        reader.rows("select 1 from duckdb_tables() where schema_name = 'profile' and table_name = 'session_tracking'")
    )
