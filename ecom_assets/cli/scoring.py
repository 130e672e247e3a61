"""The verb `anomalies score`: the detectors of this shop against its truth, where it has one."""

from contextlib import closing
from pathlib import Path

import typer

from ecom_assets.cli import show
from ecom_assets.cli.series import print_frame
from ecom_assets.cli.show import Format
from ecom_assets.settings import Home
from ecom_assets.sql import Query


def score(truth: Path | None, format: Format) -> None:
    """Print precision, recall, F1, delay and notifications a month of every detector, by size of incident.

    What is scored are the notifications as they were published; the home's own truth gives the rows that
    anomaly.detector_scorecard holds.

    Raises:
        typer.BadParameter: there is no truth, or the snapshot holds no notifications.
    """
    import duckdb

    from ecom_assets.anomalies.scored import shop_scorecard
    from ecom_assets.warehouse import open_snapshot

    home = Home.from_environment()
    with closing(open_snapshot(home)) as connection, show.errors().status("Scoring …"):
        try:
            frames = [
                connection.execute(Query(f"anomaly/scored_{name}").sql).df() for name in ("points", "causes", "members")
            ]
        except duckdb.CatalogException as error:
            raise typer.BadParameter("the published snapshot holds no notifications; run `ecom run` first") from error
        try:
            card = shop_scorecard(*frames, truth or home.truth)
        except FileNotFoundError as error:
            raise typer.BadParameter(f"{error}; --truth names another folder.") from error
    if card.empty:
        raise typer.BadParameter("nothing to score: no series of the shop has the 60 known days that detection needs")
    print_frame(card, format)
