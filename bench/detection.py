"""Detectors, their consensus, baselines and the oracle on simulated shops, scored as the product is scored."""


import numpy as np
import pandas as pd

from bench.simulated_series import KEYS, NOT_WATCHED, SCORED_FROM, SimulatedShop
from ecom_assets.anomalies.incident_size import incident_size, moved_series
from ecom_assets.anomalies.scale import robust_sigma
from ecom_assets.anomalies.scoring import match
from ecom_assets.anomalies.space import Space, choose_space, tells

STRATA = {"clear": (6.0, np.inf), "faint": (3.0, 6.0), "from 3": (3.0, np.inf), "all": (0.0, np.inf)}


def truth_of(shop: SimulatedShop) -> pd.DataFrame:
    """Incidents with `size` (D) and `moved`; Δ and σ in the model space of each series, watched ones alone."""
    daily = shop.daily[~shop.daily["metric"].isin(NOT_WATCHED)]
    sigmas: dict[tuple, float] = {}
    spaces: dict[tuple, Space] = {}
    for key, rows in daily.groupby(KEYS, sort=False):
        quiet = rows["quiet"].to_numpy()
        space = choose_space(quiet)
        if not tells(quiet, space):
            continue
        spaces[key] = space
        residual = spaces[key].forward(quiet) - spaces[key].forward(rows["expected"].to_numpy())
        sigmas[key] = max(robust_sigma(residual), space.floor)
    deltas = shop.deltas.merge(daily[["time", *KEYS, "value"]], on=["time", *KEYS])
    sizes, moved, best = {}, {}, {}
    for incident, rows in deltas.groupby("incident_id"):
        first = shop.incidents.set_index("incident_id").loc[incident, "start"]
        changes = {}
        for key, one in rows.groupby(KEYS):
            if key not in spaces:
                continue
            change = spaces[key].forward(one["value"].to_numpy()) - spaces[key].forward(
                (one["value"] - one["delta"]).to_numpy()
            )
            placed = np.zeros(29)
            placed[(one["time"] - first).dt.days.clip(0, 28)] = np.nan_to_num(change)
            changes[key] = placed
        best[incident] = max(changes, key=lambda k: incident_size({k: changes[k]}, sigmas), default=None)
        sizes[incident], moved[incident] = incident_size(changes, sigmas), frozenset(moved_series(changes, sigmas))
    ids = shop.incidents["incident_id"]
    return shop.incidents.assign(
        size=[sizes.get(one, 0.0) for one in ids],
        moved=[moved.get(one, frozenset()) for one in ids],
        best=[best.get(one) for one in ids],
    )


def scored_days(shop: SimulatedShop) -> tuple[pd.Timestamp, pd.Timestamp]:
    """First and last day that count."""
    days = shop.daily["time"]
    return days.min() + pd.Timedelta(days=SCORED_FROM), days.max()


def outcome(shop: SimulatedShop, truth: pd.DataFrame, notifications: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Notifications and incidents of the scored days with what became of them."""
    first, last = scored_days(shop)
    said = notifications[notifications["raised"].between(first, last)]
    inside = truth[truth["start"].between(first, last - pd.Timedelta(days=3))]
    ran_in = truth[(truth["start"] < first) & (truth["end"] >= first - pd.Timedelta(days=8))]
    matched = match(said, inside)
    told = matched.notifications
    for _, incident in ran_in.iterrows():  # what began before the scored days is neither to be found nor false
        near = told["raised"].between(incident["start"], incident["end"] + pd.Timedelta(days=7))
        told.loc[near & (told["outcome"] == "false"), "outcome"] = "neutral"
    return told, matched.incidents
