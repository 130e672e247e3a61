"""Who else may alarm on a simulated shop: baselines and the oracle, as scored days for `grouping.notify`.

All of them go by the rules of the product: one notification a cause, at a threshold of surprise, which is −log10 of
how often so much is seen by chance.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import norm

from bench.simulated_series import KEYS, NOT_WATCHED, SimulatedShop
from ecom_assets.anomalies.scorecard import alarmers
from ecom_assets.anomalies.wide import Wide, wide_of
from ecom_assets.anomalies.zscore import sustained
from ecom_assets.forecasting.prophet_model import quiet_loggers

THRESHOLDS = {"oracle": 4.0, "two_of_three": 4.0, "weekday_median": 10.0, "prophet": 50.0}
"""Of surprise, by alarmer; what is not named here goes by the product's budget. Of `GRID`, and with `--tune` on the
development shops 1 to 20 (Prophet: 1 to 8), the one with the highest F1 of clear incidents of all that keep the
budget. The oracle's stays at 4, the harder one to keep up with: at 6 it finds .808 of clear incidents instead of .800,
but from D = 3 .518 instead of .612."""
GRID = (3.0, 3.5, 4.0, 4.5, 5.0, 5.5, 6.0, 7.0, 8.0, 10.0, 12.0, 15.0, 20.0, 30.0, 50.0)
TUNED = ("weekday_median", "two_of_three", "prophet", "oracle")
RANDOM_A_MONTH = 0.25
"""As many as the budget allows to be false."""
INEXACT = "black friday|christmas"
PROPHET_99 = 2.0
PROPHET_METRICS = (
    "orders",
    "sessions",
    "ordered_amount",
    "average_order_value",
    "conversion_rate",
    "tracking_coverage_rate",
    "pages_per_session",
    "response_time_p95_ms",
)
"""A fit takes 0.1 s of computing: these eight of the whole shop, every four weeks, take 10 s a shop."""
REFIT_DAYS, FIRST_FIT = 28, 112


def scored_by(watched: pd.DataFrame, shop: SimulatedShop) -> Iterator[tuple[str, pd.DataFrame]]:
    """Name and scored days (time, `KEYS`, zscore, score) of every detector alone, combination, baseline and the oracle.

    Args:
        watched: points of `detect_shop` of the series that may be notified of.
        shop: with its truth, which only the oracle reads.
    """
    for name, make in alarmers().items():
        yield name, watched[["time", *KEYS, "zscore"]].assign(score=make(watched))
    yield "oracle", oracle_scores(shop)


def oracle_scores(shop: SimulatedShop) -> pd.DataFrame:
    """Scored days, as `notify` takes them, of who knows the quiet expectation and the noise of each series.

    The noise law is the quiet twin's own: its spread, and an exponential tail above its 90 % quantile. In the weeks
    of Black Friday and Christmas, where stock runs out and the plan is not exact, it takes two fifths off.
    """
    daily = shop.daily[~shop.daily["metric"].isin(NOT_WATCHED)]
    wide = wide_of(daily[["time", *KEYS, "value"]], 100)
    expected, quiet = (_moved(daily, wide, name) for name in ("expected", "quiet"))
    rest = quiet - expected
    floor = np.array([space.floor for space in wide.spaces])
    sigma = np.maximum(1.4826 * np.nanmedian(np.abs(rest - np.nanmedian(rest, axis=0)), axis=0), floor)
    zscores = (wide.moved - expected) / sigma
    size, usual = sustained(zscores), sustained(rest / sigma)
    scores = np.zeros(size.shape)
    for place in np.flatnonzero(wide.is_told):
        known = usual[np.isfinite(usual[:, place]), place]
        bar = np.quantile(known, 0.9)
        excess = max(float(np.mean(known[known > bar] - bar)), 0.2) if (known > bar).any() else 0.5
        own = np.nan_to_num(size[:, place])
        scores[:, place] = np.where(
            own > bar, 1 + (own - bar) / excess / np.log(10), np.clip(own / max(bar, 1e-9), 0, 1)
        )
    names = shop.campaigns["campaign_name"].str.lower()
    for plan in shop.campaigns[names.str.contains(INEXACT)].itertuples():
        near = (wide.days >= plan.starts_date) & (wide.days <= plan.ends_date + pd.Timedelta(days=7))
        scores[near] *= 0.6
    told = np.flatnonzero(wide.is_told)
    frame = {name: np.repeat([wide.keys[place][at] for place in told], len(wide.days)) for at, name in enumerate(KEYS)}
    return pd.DataFrame(
        {"time": np.tile(wide.days, len(told)), **frame, "score": scores[:, told].T.ravel(),
         "zscore": zscores[:, told].T.ravel()}
    )  # fmt: skip


def _moved(daily: pd.DataFrame, wide: Wide, column: str) -> np.ndarray:
    table = daily.pivot_table(index="time", columns=KEYS, values=column, dropna=False)
    values = table.reindex(index=wide.days, columns=pd.MultiIndex.from_tuples(wide.keys)).to_numpy("float64")
    return np.column_stack([space.forward(values[:, place]) for place, space in enumerate(wide.spaces)])


def prophet_scores(shop: SimulatedShop, kept: Path) -> pd.DataFrame:
    """Scored days of `PROPHET_METRICS` of the whole shop by Prophet with the shop's plans as its holidays.

    Fitted on the past every four weeks. Its 99 % interval is where the score is 2: of a normal law with the noise
    that Prophet found, without the little that the trend is unsure of within four weeks.

    Args:
        shop: whose told values it sees.
        kept: Parquet file with the scores, which is made where it is missing.
    """
    if not kept.is_file():
        quiet_loggers()
        whole = shop.daily[(shop.daily["member"] == "") & shop.daily["metric"].isin(PROPHET_METRICS)]
        plans = _holidays(shop.campaigns)
        parts = [_prophet_of_series(rows, plans) for _, rows in whole.groupby("metric")]
        pd.concat(parts, ignore_index=True).to_parquet(kept)
    return pd.read_parquet(kept)


def _prophet_of_series(rows: pd.DataFrame, plans: pd.DataFrame) -> pd.DataFrame:
    from prophet import Prophet

    rows = rows.sort_values("time").reset_index(drop=True)
    frame = rows[["time", "value"]].set_axis(["ds", "y"], axis=1)
    zscores = np.full(len(frame), np.nan)
    for start in range(FIRST_FIT, len(frame), REFIT_DAYS):
        past, ahead = frame[:start].dropna(), frame[start : start + REFIT_DAYS]
        model = Prophet(uncertainty_samples=0, holidays=plans[plans["ds"] <= ahead["ds"].max()]).fit(past)
        error = ahead["y"].to_numpy() - model.predict(ahead[["ds"]])["yhat"].to_numpy()
        zscores[start : start + REFIT_DAYS] = error / max(
            float(model.params["sigma_obs"].squeeze()) * model.y_scale, 1e-9
        )
    chance = np.log10(2) + norm.logsf(np.abs(zscores)) / np.log(10)
    return rows[["time", *KEYS]].assign(zscore=zscores, score=np.nan_to_num(-chance))


def _holidays(campaigns: pd.DataFrame) -> pd.DataFrame:
    """One row a planned day, by kind and channel."""
    parts = [
        pd.DataFrame({"holiday": f"{plan.kind} {plan.channel}", "ds": pd.date_range(plan.starts_date, plan.ends_date)})
        for plan in campaigns.itertuples()
    ]
    return pd.concat(parts, ignore_index=True).drop_duplicates()
