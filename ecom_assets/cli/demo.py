"""The verb `demo`: a shop that is simulated up to its last finished day, in a home of its own."""

from contextlib import closing
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import typer
import yaml

from ecom_assets.cli import show
from ecom_assets.cli.coverage import coverage
from ecom_assets.cli.labels import newest_alarms
from ecom_assets.cli.work import keep_log, print_next, print_report, progress
from ecom_assets.orchestration.shop import PROJECT, ShopContext
from ecom_assets.settings import Home, SettingsError

if TYPE_CHECKING:
    from rich.console import Console

DEMO_DAYS = 180
_HEADER = "# Written by `ecom demo`; `ecom reset` takes it away again.\n"
# What the newest day's tables say, by heading: table, its columns and the row that stands for the whole shop.
_DAY = {
    "sales": (
        "kpi.daily_revenue", ("orders", "gross_amount", "discount_amount", "refund_amount", "net_amount",
                              "total_sales_amount", "average_order_value", "conversion_rate"), "true",
    ),
    "visits": (
        "kpi.session_behavior", ("sessions", "pages_per_session", "bounce_rate", "duration_median_s"),
        "dimension = 'all'",
    ),
    "way to the purchase": ("kpi.purchase_funnel", (), "true"),
    "carts": ("kpi.cart_abandonment", ("cart_abandonment_rate", "abandoned_carts", "lost_amount"), "dimension = 'all'"),
    "speed": ("kpi.page_speed", ("lcp_p75_ms", "lcp_p95_ms", "apdex_score"), "dimension = 'all'"),
    "services": ("kpi.api_health", ("calls", "errors", "error_rate", "response_time_p95_ms"), "dimension = 'all'"),
    "help and opinions": ("kpi.support_performance", ("opened", "resolved", "backlog"), "dimension = 'all'"),
}  # fmt: skip
# Visits are counted by two systems, of which neither sees what the other one does.
_COUNTED_BY = {"conversion_rate": " (web analytics)", "sessions": " (tracked)"}
_STEPS = ("view", "cart", "checkout", "payment", "purchase")


def demo(days: int | None, seed: int | None, orders_per_day: float | None) -> None:
    """Simulate the demo shop up to its last finished day, run it, and show that day.

    Data that is refused is no failure here: the simulated source systems make mistakes on purpose.

    Raises:
        SettingsError: the home holds another shop, or a demo of another size or seed.
        typer.Exit: with 1, the work itself failed.
    """
    from ecom_assets.orchestration.runs import execute
    from ecom_assets.orchestration.simulating import newest_simulated_day
    from ecom_assets.warehouse.days import last_day_over

    home = Home.from_environment()
    context = _open_demo(home, days, seed, orders_per_day)
    last = last_day_over(context.shop, context.now())
    first = min(newest_simulated_day(context) or context.shop.first_day, last)  # again, in case it was cut short
    with progress() as on_progress:
        report = execute(context, on_progress=on_progress, simulate=(first, last), purpose="ecom demo")
    keep_log(home, report)
    screen = show.console()
    print_report(screen, report, context.shop)
    if report.refusals or report.refused_files:
        show.errors().print(
            "The simulated systems make mistakes on purpose; what was refused is kept out of every table."
        )
    _print_last_day(screen, context)
    print_next(context)
    if report.errors:
        raise typer.Exit(1)


def _open_demo(home: Home, days: int | None, seed: int | None, orders_per_day: float | None) -> ShopContext:
    if not home.record.is_file():
        _write_demo_shop(home, days or DEMO_DAYS, seed, orders_per_day)
        return ShopContext.resolve(home.shop_file, home.landing)
    context = ShopContext.resolve()
    if context.shop_file != home.shop_file or not context.shop.is_simulated:
        raise SettingsError(
            f"{home.root} holds the shop '{context.shop.name}'; give the demo a home of its own: "
            f"ECOM_HOME={home.root.parent / 'demo'} ecom demo"
        )
    shop = context.shop
    stands = {"--seed": shop.seed, "--orders-per-day": shop.simulation.get("orders_per_day")}
    for option, wanted in (("--seed", seed), ("--orders-per-day", orders_per_day)):
        if wanted is not None and wanted != stands[option]:
            raise SettingsError(
                f"{option}: {home.root} holds a demo with {stands[option] or 'the usual number'}; "
                "`ecom reset` forgets it"
            )
    if days and shop.first_day != _first_day(context, days):
        raise SettingsError(
            f"--days: {home.root} holds a demo that opened on {shop.first_day}; `ecom reset` forgets it, "
            "and `ecom demo` without --days brings it up to date"
        )
    return context


def _write_demo_shop(home: Home, days: int, seed: int | None, orders_per_day: float | None) -> None:
    """`shop.yaml` of the home: the project's demo shop, opened `days` before its last finished day."""
    if home.shop_file.is_file() and not home.shop_file.read_text(encoding="utf-8").startswith(_HEADER):
        raise SettingsError(f"{home.shop_file} was not written by `ecom demo`; move it away or run it with `ecom run`")
    template = PROJECT / "shop.yaml"
    context = ShopContext.resolve(template)
    stated: dict[str, Any] = yaml.safe_load(template.read_text(encoding="utf-8"))
    home.require_writable()
    if seed is not None:
        stated["seed"] = seed
    if orders_per_day is not None:
        stated["simulation"] = {**stated.get("simulation", {}), "orders_per_day": orders_per_day}
    stated["first_day"] = _first_day(context, days)
    home.shop_file.write_text(_HEADER + yaml.safe_dump(stated, sort_keys=False), encoding="utf-8")


def _first_day(context: ShopContext, days: int) -> date:
    from ecom_assets.warehouse.days import last_day_over

    return last_day_over(context.shop, context.now()) - timedelta(days=days - 1)


def _print_last_day(screen: "Console", context: ShopContext) -> None:
    """The newest day's numbers beside those of a week before, from the snapshot as any reader sees it."""
    from ecom_assets.warehouse import open_snapshot

    with closing(open_snapshot(context.home)) as connection:
        (newest,) = connection.execute("select max(business_date) from kpi.daily_revenue").fetchall()[0]
        if newest is None:
            return
        days = (newest, newest - timedelta(days=7))
        made: list[tuple[str, ...]] = []
        for heading, (table, names, where) in _DAY.items():
            found = _of_days(connection, table, names or tuple(f"{step}_sessions" for step in _STEPS), where, days)
            if any(value is not None for _, *values in found for value in values):
                made += [(f"{heading}:", "", "")] if heading != "sales" else []
                made += [(_named(name, context.shop.currency), *(show.readable(value, name) for value in values))
                         for name, *values in found]  # fmt: skip
        alarms = [*newest_alarms(connection), f"watched  {coverage(connection).line}"]
    titles = [f"{context.shop.name}, sales of", *(f"{day:%A} {day}" for day in days)]
    screen.print()
    screen.print(show.table(titles, made, right=True))
    for line in alarms:
        screen.print(line, soft_wrap=True)


def _of_days(
    connection: Any, table: str, names: tuple[str, ...], where: str, days: tuple[date, ...]
) -> list[tuple[Any, ...]]:
    """Each measure with its value on each of the days; none where the shop has no such table."""
    schema, name = table.split(".")
    known = "select 1 from information_schema.tables where table_schema = ? and table_name = ?"
    if not connection.execute(known, [schema, name]).fetchall():
        return []
    # Only the funnel has several rows a day, of counts.
    measures = ", ".join(f"sum({each})" if each.endswith("_sessions") else f"any_value({each})" for each in names)
    rows = connection.execute(
        f"select business_date, {measures} from {table} where {where} and list_contains(?, business_date) group by all",
        [list(days)],
    ).fetchall()
    by_day = {day: values for day, *values in rows}
    return [(each, *(by_day.get(day, [None] * len(names))[at] for day in days)) for at, each in enumerate(names)]


def _named(name: str, currency: str) -> str:
    """A measure as the table names it, with its unit."""
    for ending, unit in (("_ms", " (ms)"), ("_s", " (s)")):
        if name.endswith(ending):
            return name.removesuffix(ending).replace("_", " ") + unit
    unit = f" ({currency})" if name.endswith(("_amount", "_value")) else _COUNTED_BY.get(name, "")
    return name.replace("_", " ") + unit
