"""`ecom` alone on a terminal: what can be done now, by number."""

from collections.abc import Callable
from dataclasses import dataclass

from rich.prompt import Prompt

from ecom_assets.cli import show
from ecom_assets.settings import Home


@dataclass(frozen=True)
class Choice:
    """One line of the menu: what it says, and the arguments of `ecom` that it stands for."""

    label: str
    arguments: tuple[str, ...]
    asks: str | None = None  # what to ask for before it runs; the answer is the last argument


def choices(home: Home) -> list[Choice]:
    """What can be done now: reading needs a published snapshot, and a first run comes before everything else."""
    published = (home.published / "current").is_file()
    known = home.record.is_file()
    demo = Choice("Bring the simulated shop up to yesterday" if known else "Simulate a shop and run it", ("demo",))
    run = Choice("Load what is new and bring every table up to date", ("run",))
    reading = [
        Choice("How does everything stand?", ("status",)),
        Choice("The last days' sales", ("query", LAST_DAYS)),
        Choice("Ask in SQL", ("query",), "SQL"),
        Choice("Which input lines were not used, and why?", ("quarantine",)),
        Choice("Where does a number come from?", ("lineage",), "Table or column, such as kpi.daily_revenue.net_amount"),
    ]
    ui = Choice("Open Dagster's UI", ("ui",))
    forget = Choice("Forget what was made in this home", ("reset",))
    if not known:
        own = Choice("Run your own files (docs/bring-your-data.md)", ("run", "--shop"), "Where is their shop.yaml?")
        return [demo, own, ui]
    writing = [demo, run] if _is_demo(home) else [run]
    return [*(reading if published else []), *writing, ui, forget]


LAST_DAYS = (
    "select business_date, orders, gross_amount, refund_amount, net_amount "  # as many as a narrow terminal shows
    "from kpi.daily_revenue order by business_date desc limit 14"
)


def menu(ask: Callable[[str], str] = Prompt.ask) -> None:
    """Show the choices and do what is chosen until nothing is."""
    from ecom_assets.cli.entry import run

    screen = show.console()
    while True:
        offered = choices(Home.from_environment())
        screen.print()
        for number, choice in enumerate(offered, 1):
            screen.print(f" {number}", style="bold", end="")
            screen.print(f"  {choice.label}", end="")
            screen.print(f"  ecom {choice.arguments[0]}", style="dim")
        try:
            answer = ask("\nNumber, or Enter to leave").strip()
        except EOFError:  # Ctrl-D
            return
        if not answer.isdigit() or not 1 <= int(answer) <= len(offered):
            return
        chosen = offered[int(answer) - 1]
        given = (ask(chosen.asks),) if chosen.asks else ()
        run([*chosen.arguments, *given])


def _is_demo(home: Home) -> bool:
    return home.shop_file.is_file()
