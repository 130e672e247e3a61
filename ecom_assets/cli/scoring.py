"""The verb `anomalies score`: the detectors of this shop against its truth, where it has one."""

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from ecom_assets.cli import show
from ecom_assets.cli.series import _print
from ecom_assets.cli.show import Format
from ecom_assets.settings import Home

if TYPE_CHECKING:
    import pandas as pd

TRUTH_FILES = ("incidents.csv", "series_effects.csv", "quiet_series.csv")
_NEEDED = ("discount_rate",)  # judged by nobody, but it tells promotions that stand on no calendar


def score(truth: Path | None, format: Format) -> None:
    """Print precision, recall, F1, delay and notifications a month of every detector, by size of incident.

    Raises:
        typer.BadParameter: there is no truth, or the snapshot holds no daily metrics.
    """
    folder = truth or Home.from_environment().truth
    incidents, effects, quiet = read_truth(folder)
    from ecom_assets.anomalies.scorecard import detector_scorecard, sized
    from ecom_assets.anomalies.shop import FALSE_A_MONTH, detect_shop

    daily, campaigns = _series()
    with show.errors().status("Looking for anomalies, and scoring them …"):
        found = detect_shop(daily, campaigns)
        card = detector_scorecard(
            found.points, found.notifications, found.members, sized(incidents, effects, quiet), FALSE_A_MONTH
        )
    _print(card, format)


def read_truth(folder: Path) -> "tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]":
    """Incidents, their effects and the quiet stretch, as `anomalies.scorecard.sized` takes them.

    Raises:
        typer.BadParameter: a file is missing; which one, and how a shop comes to have it.
    """
    import pandas as pd

    missing = [name for name in TRUTH_FILES if not (folder / name).is_file()]
    if missing:
        raise typer.BadParameter(
            f"no truth to score against: {folder} lacks {', '.join(missing)}. Only a simulated shop has one, beside "
            "its landing folder, once it has had an incident; --truth names another folder."
        )
    incidents = pd.read_csv(folder / TRUTH_FILES[0], parse_dates=["first_date", "last_date"])
    incidents = incidents.rename(columns={"first_date": "start", "last_date": "end", "size": "share"})
    texts = {"metric": str, "dimension": str, "member": str}
    effects, quiet = (
        pd.read_csv(folder / name, parse_dates=["time"], dtype=texts, keep_default_na=False) for name in TRUTH_FILES[1:]
    )
    for frame in (effects, quiet):
        for name in ("value", "with_incident", "without_incident"):
            if name in frame:
                frame[name] = pd.to_numeric(frame[name], errors="coerce")
    return incidents, effects, quiet


def _series() -> "tuple[pd.DataFrame, pd.DataFrame | None]":
    """The watched daily metrics of the published snapshot, the whole called "", and its campaigns."""
    import duckdb
    import pandas as pd

    from ecom_assets.metrics import metrics
    from ecom_assets.warehouse import open_snapshot

    watched = [name for name, metric in metrics().items() if metric.watched or name in _NEEDED]
    with closing(open_snapshot(Home.from_environment())) as connection:
        try:
            daily = connection.execute(
                """select business_date::timestamp as time, metric, if(dimension = 'total', '', dimension) as dimension,
                    if(dimension = 'total', '', member) as member, value
                from kpi.daily_metrics where list_contains($watched, metric) order by all""",
                {"watched": watched},
            ).df()
        except duckdb.CatalogException as error:
            raise typer.BadParameter("the published snapshot holds no daily_metrics; run `ecom run` first") from error
        try:
            campaigns = connection.execute(
                "select campaign_name, kind, channel, starts_date, ends_date, discount_rate from clean.campaigns"
            ).df()
        except duckdb.CatalogException:
            campaigns = pd.DataFrame()
    campaigns["channel"] = campaigns["channel"].where(campaigns["channel"].notna(), None) if len(campaigns) else None
    return daily, campaigns if len(campaigns) else None
