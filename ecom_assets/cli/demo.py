"""The verb `demo`: a shop that is simulated up to its last finished day, in a home of its own."""

from contextlib import closing
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import typer
import yaml

from ecom_assets.cli import show
from ecom_assets.cli.labels import newest_alarms
from ecom_assets.cli.work import keep_log, print_next, print_report, progress
from ecom_assets.orchestration.shop import PROJECT, ShopContext
from ecom_assets.settings import Home, SettingsError

if TYPE_CHECKING:
    from rich.console import Console

DEMO_DAYS = 180
_HEADER = "# Written by `ecom demo`; `ecom reset` takes it away again.\n"
_LAST_DAY = """
    with newest as (select max(business_date) as newest_date from kpi.daily_revenue)
    select business_date, orders, gross_amount, discount_amount, refund_amount, net_amount, total_sales_amount,
        average_order_value, conversion_rate
    from kpi.daily_revenue, newest
    where business_date in (newest_date, newest_date - 7)
    order by business_date desc
"""


def demo(days: int | None, seed: int | None, orders_per_day: float | None) -> None:
    """Simulate the demo shop up to its last finished day, run it, and show that day.

    Data that is refused is no failure here: the simulated source systems make mistakes on purpose.

    Raises:
        SettingsError: the home holds another shop, or a demo of another size or seed.
        typer.Exit: with 1, the work itself failed.
    """
    from ecom_assets.orchestration.runs import execute
    from ecom_assets.warehouse.days import last_day_over

    home = Home.from_environment()
    context = _open_demo(home, days, seed, orders_per_day)
    last = last_day_over(context.shop, context.now())
    first = min(_newest_simulated(context) or context.shop.first_day, last)
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
    home.root.mkdir(parents=True, exist_ok=True)
    if seed is not None:
        stated["seed"] = seed
    if orders_per_day is not None:
        stated["simulation"] = {**stated.get("simulation", {}), "orders_per_day": orders_per_day}
    stated["first_day"] = _first_day(context, days)
    home.shop_file.write_text(_HEADER + yaml.safe_dump(stated, sort_keys=False), encoding="utf-8")


def _first_day(context: ShopContext, days: int) -> date:
    from ecom_assets.warehouse.days import last_day_over

    return last_day_over(context.shop, context.now()) - timedelta(days=days - 1)


def _newest_simulated(context: ShopContext) -> date | None:
    """The newest day of which files lie in the landing folder; it is written again, in case it was cut short."""
    endings = [path.name.split(".")[0][-10:] for path in (context.landing / "orders").glob("*_????-??-??.*")]
    return max((date.fromisoformat(ending) for ending in endings), default=None)


def _print_last_day(screen: "Console", context: ShopContext) -> None:
    """The newest day's sales beside those of a week before, from the snapshot as any reader sees it."""
    from ecom_assets.warehouse import open_snapshot

    with closing(open_snapshot(context.home)) as connection:
        found = connection.execute(_LAST_DAY)
        names = [column[0] for column in found.description]
        rows = found.fetchall()
        alarms = newest_alarms(connection)
    if not rows:
        return
    currency = context.shop.currency
    made = [
        (f"{name.replace('_', ' ')}{f' ({currency})' if name.endswith(('_amount', '_value')) else ''}",
         *(show.readable(row[at], name) for row in rows))
        for at, name in enumerate(names)
        if at
    ]  # fmt: skip
    titles = [f"{context.shop.name}, sales of", *(f"{row[0]:%A} {row[0]}" for row in rows)]
    screen.print()
    screen.print(show.table(titles, made, right=True))
    for line in alarms:
        screen.print(line, markup=False, soft_wrap=True)
