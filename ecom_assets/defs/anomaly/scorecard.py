"""How good the detectors were, where that is known."""

from typing import Any

from ecom_assets.orchestration.rows import Charts, Frame
from ecom_assets.orchestration.table_asset import table_asset, version_of_code
from ecom_assets.settings import Home, Shop
from ecom_assets.sql import Query

SCORED = {name: Query(f"anomaly/scored_{name}") for name in ("points", "causes", "members")}
_VERSIONS = " ".join(query.code_version for query in SCORED.values())


def _drawn(rows: Any) -> dict[str, bytes]:
    from ecom_assets.reports.alarms import scorecard_png

    return scorecard_png(rows)


def _scored(points: Any, causes: Any, members: Any) -> Any:
    from ecom_assets.anomalies.scored import empty, shop_scorecard

    try:
        return shop_scorecard(points, causes, members, Home.from_environment().truth)
    except FileNotFoundError:  # a real shop: nobody knows what truly happened
        return empty()


@table_asset(
    "anomaly/detector_scorecard",
    requires=[
        "anomaly/consensus", "anomaly/zscore", "anomaly/isolation_forest", "anomaly/forecast_residual",
        "anomaly/causes", "anomaly/notification_members", "anomaly/notifications",
    ],
    kinds=("python", "pandas"),
    code_version=f"{_VERSIONS} {version_of_code('anomalies')}",
    plot=Charts(Query("anomaly/all_scores", text="select * from anomaly.detector_scorecard"), _drawn),
)  # fmt: skip
def detector_scorecard(shop: Shop) -> Frame:
    """One row per detector and stratum of incident size.

    Precision, recall, F1, delay and notifications a month of each detector, of their pairs, of all together and of
    trivial baselines, against the truth of a simulated shop; empty in any other.
    """
    return Frame(SCORED["points"], _scored, {name: SCORED[name] for name in ("causes", "members")})
