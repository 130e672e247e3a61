"""Clickstream: what was clicked, and how far visitors came."""

from itertools import pairwise

from ecom_assets.reports.analysis import Analysis, Chart, Reader, count, percent

_STEPS = ("view", "cart", "checkout", "payment", "purchase")


def clickstream(reader: Reader) -> Analysis:
    """Clicks, the most and least clicked, and the way to the purchase."""
    reader.require("kpi.click_engagement", "clickstream")
    first, last, clicks, per_session = reader.row(
        "select min(business_date), max(business_date), sum(clicks), sum(clicks) / sum(sessions) "
        "from kpi.click_engagement where dimension = 'all'"
    )
    sums = ", ".join(f"sum({step}_sessions)" for step in _STEPS)
    steps = [int(number or 0) for number in reader.row(f"select {sums} from kpi.purchase_funnel")]
    named = [f"sum({step}_sessions) as {step}" for step in _STEPS]
    shares = [after / before if before else None for before, after in pairwise(steps)]
    known = [(share, number) for number, share in enumerate(shares) if share is not None]
    narrowest = min(known, default=(None, 0))
    element = "select element, sum(clicks) as clicks from kpi.click_engagement where dimension = 'element' group by 1"
    most = reader.rows(f"{element} order by 2 desc, 1 limit 1")
    least = reader.rows(f"{element} order by 2, 1 limit 1")
    sentences = [
        f"From {first} to {last} visitors clicked {count(clicks)} times, "
        f"{float(per_session or 0):.2f} times a session.",
        f"Of {count(steps[0])} sessions that saw a page, {count(steps[-1])} bought: "
        f"{percent(steps[-1] / steps[0] if steps[0] else None)}.",
    ]
    if narrowest[0] is not None:
        before, after = _STEPS[narrowest[1]], _STEPS[narrowest[1] + 1]
        sentences.append(f"Most are lost from {before} to {after}: {percent(narrowest[0])} go on.")
    if most:
        sentences.append(
            f"Clicked most is {most[0][0]} ({count(most[0][1])} times), "
            f"least {least[0][0]} ({count(least[0][1])} times)."
        )
    return Analysis(
        "clickstream",
        "Clickstream",
        tuple(sentences),
        (
            reader.table(
                "The way to the purchase, by device",
                f"select device, sum(sessions) as sessions, {', '.join(named)} "
                "from kpi.purchase_funnel group by device order by 2 desc",
            ),
            reader.table("Most clicked", _elements("desc")),
            reader.table("Least clicked", _elements("asc")),
            reader.statistics("clickstream"),
        ),
        (
            Chart(
                "funnel",
                "Sessions that reached each step",
                "columns",
                _STEPS,
                {"sessions": tuple(map(float, steps))},
                "sessions",
            ),
            reader.chart(
                "clicks",
                "Clicks a day",
                "select business_date, clicks from kpi.click_engagement where dimension = 'all' order by 1",
                "clicks",
            ),
            reader.chart(
                "elements", "Most clicked elements", f"{element} order by 2 desc, 1 limit 15", "clicks", "bar"
            ),
        ),
    )


def _elements(order: str) -> str:
    return (
        "select page_path as page, element, sum(clicks)::bigint as clicks, "
        "round(sum(clicks) / sum(clicking_sessions), 2) as per_clicking_session "
        "from kpi.click_engagement where dimension = 'page_element' "
        f"group by 1, 2 order by 3 {order}, 1, 2 limit 10"
    )
