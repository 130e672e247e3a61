"""Cart abandonment: how many carts were left, where, and what lay in them."""

from ecom_assets.reports.analysis import Analysis, Reader, amount, count, percent

_WEEKDAYS = "['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday']"


def cart_abandonment(reader: Reader) -> Analysis:
    """The rate of sessions, and carts with their money by step, device, channel, hour, weekday and value."""
    reader.require("kpi.cart_abandonment", "cart_abandonment")
    first, last, rate, carts, abandoned, recovered, lost = reader.row(
        """
        select
            min(business_date), max(business_date), 1 - sum(bought_cart_sessions) / sum(cart_sessions),
            sum(abandoned_carts), sum(abandoned_amount), sum(recovered_amount), sum(lost_amount)
        from kpi.cart_abandonment where dimension = 'all'
        """
    )
    sentences = [
        f"From {first} to {last} {percent(rate)} of the sessions with a cart did not buy.",
        f"{count(carts)} carts were abandoned with {amount(abandoned)} in them; {amount(recovered)} was recovered "
        f"within 7 days, {amount(lost)} was not: an upper bound of what was lost.",
    ]
    for dimension, words in (("step", "at the step"), ("device", "on the device")):
        worst = reader.rows(f"{_members(dimension)} order by 3 desc nulls last, 1 limit 1")
        if worst and worst[0][2]:
            share = worst[0][2] / lost if lost else None
            sentences.append(f"Most was lost {words} {worst[0][0]}: {amount(worst[0][2])}, {percent(share)} of it.")
    tables = [
        reader.table(f"By {dimension.replace('_', ' ')}", f"{_members(dimension)} order by 3 desc nulls last, 1")
        for dimension in ("step", "device", "channel", "value_band")
    ]
    return Analysis(
        "cart-abandonment",
        "Cart abandonment",
        tuple(sentences),
        (*tables, reader.statistics("cart_abandonment")),
        (
            reader.chart(
                "rate",
                "Share of sessions with a cart that did not buy",
                "select business_date, cart_abandonment_rate as rate from kpi.cart_abandonment "
                "where dimension = 'all' order by 1",
                "share",
            ),
            reader.chart(
                "amounts",
                "Left in carts, and recovered within 7 days",
                "select business_date, abandoned_amount as abandoned, recovered_amount as recovered "
                "from kpi.cart_abandonment where dimension = 'all' order by 1",
                "shop currency",
            ),
            reader.chart(
                "hours",
                "Abandoned carts by hour of the shop's day",
                "select member, sum(abandoned_carts) as carts from kpi.cart_abandonment "
                "where dimension = 'hour' group by 1 order by 1",
                "carts",
                "columns",
            ),
            reader.chart(
                "weekdays",
                "Abandoned carts by weekday",
                "select member, sum(abandoned_carts) as carts from kpi.cart_abandonment "
                f"where dimension = 'weekday' group by 1 order by list_position({_WEEKDAYS}, member)",
                "carts",
                "columns",
            ),
            reader.chart(
                "values",
                "Abandoned carts by what lay in them",
                "select member, sum(abandoned_carts) as carts from kpi.cart_abandonment where dimension = 'value_band' "
                "group by 1 order by try_cast(split_part(member, ' ', 1) as bigint) nulls first",
                "carts",
                "columns",
            ),
        ),
    )


def _members(dimension: str) -> str:
    return (
        f"select member as {dimension}, sum(abandoned_carts)::bigint as abandoned_carts, "
        "sum(lost_amount) as lost_amount, sum(recovered_amount) as recovered_amount, "
        "round(sum(recovered_carts) / nullif(sum(abandoned_carts), 0), 4) as recovery_rate, "
        "round(1 - sum(bought_cart_sessions) / nullif(sum(cart_sessions), 0), 4) as cart_abandonment_rate "
        f"from kpi.cart_abandonment where dimension = '{dimension}' group by member"
    )
