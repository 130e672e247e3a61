"""Orders: what was sold, when, and of what."""

from ecom_assets.reports.analysis import Analysis, Reader, amount, count, percent

_WEEKDAYS = "['', 'monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday']"


def orders(reader: Reader) -> Analysis:
    """Sales by day and weekday, channels, products."""
    reader.require("kpi.daily_revenue", "orders", "order_items")
    first, last, number, net, total, value, refunds = reader.row(
        """
        select
            min(business_date), max(business_date), sum(orders), sum(net_amount), sum(total_sales_amount),
            sum(ordered_amount) / nullif(sum(valued_orders), 0), sum(refund_amount) / nullif(sum(gross_amount), 0)
        from kpi.daily_revenue
        """
    )
    best = reader.rows("select business_date, net_amount from kpi.daily_revenue order by 2 desc, 1 limit 1")
    sentences = (
        f"From {first} to {last} {count(number)} orders brought {amount(net)} net, {amount(total)} in all.",
        f"An order was worth {'unknown' if value is None else f'{float(value):,.2f}'} before refunds; refunds were "
        f"{percent(refunds)} of gross sales.",
        f"The best day was {best[0][0]} with {amount(best[0][1])} net.",
    )
    return Analysis(
        "orders",
        "Orders",
        sentences,
        (
            reader.table(
                "By channel",
                "select channel, sum(orders)::bigint as orders, sum(net_amount) as net_amount, "
                "round(sum(ordered_amount) / nullif(sum(valued_orders), 0), 2) as average_order_value "
                "from kpi.sales_by_segment group by channel having sum(orders) > 0 order by net_amount desc, 1",
            ),
            reader.table(
                "By weekday",
                f"select {_WEEKDAYS}[isodow(business_date) + 1] as weekday, count(*) as days, "
                "round(avg(orders), 1) as orders_a_day, round(avg(net_amount), 2) as net_amount_a_day "
                "from kpi.daily_revenue group by isodow(business_date) order by isodow(business_date)",
            ),
            reader.statistics("orders"),
        ),
        (
            reader.chart(
                "sales",
                "Sales a day",
                "select business_date, net_amount as net, total_sales_amount as total "
                "from kpi.daily_revenue order by 1",
                "shop currency",
            ),
            reader.chart(
                "orders", "Orders a day", "select business_date, orders from kpi.daily_revenue order by 1", "orders"
            ),
            reader.chart(
                "order-value",
                "Average order value",
                "select business_date, average_order_value from kpi.daily_revenue order by 1",
                "shop currency",
            ),
            reader.chart(
                "channels",
                "Net sales by channel",
                "select channel, sum(net_amount) as net_amount from kpi.sales_by_segment group by channel "
                "having sum(net_amount) <> 0 order by 2 desc, 1",
                "shop currency",
                "bar",
            ),
        ),
    )
