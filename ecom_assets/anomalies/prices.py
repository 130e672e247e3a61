"""Where prices moved, and what that says: a currency mixed up, or prices that someone changed. Judges no series.

The price index compares what was sold with what the same goods usually cost, so that the mix of goods moves it hardly
and discounts not at all. What was struck shows in which members kept their prices: a mistake in one category leaves the
other categories alone and is seen, thinned, in every country.
"""

import numpy as np
import pandas as pd

PRICE_METRIC = "price_index"
EVIDENCE_COLUMNS = ("price_change_rate", "price_dimension", "price_member", "price_orders_zscore")
MOVED_SIGMAS, ORDERS_SIGMAS = 2.0, 3.0
ONE_OF_MANY = 0.5
MIXED_UP_RATE, WHOLE_SHOP_RATE = 0.02, 0.15
"""A change from which on an amount of one country or channel is taken for a fault; of a whole shop, whose prices may be
raised by some per cent on one day, it must be larger."""
UNSELLABLE_RATE = 0.5
"""Nobody buys at half as much again: what went on selling was not sold at such prices, wherever they were filed."""
RECORDED_BY = ("country", "channel")
"""Dimensions in which records differ: currencies are those of countries and of the channels that report sales."""
MIXED_UP = 0.7


def price_evidence(mine: pd.DataFrame, today: pd.DataFrame) -> dict[str, object]:
    """What prices say about a notification; nothing where none of its series is one of prices.

    Args:
        mine: its members of the day raised, with metric.
        today: points of that day, see `shop.ShopDetected`.

    Returns:
        price_change_rate, price_dimension and price_member ("" both where all prices moved alike),
        price_orders_zscore (of the orders there), and is_planned, which is False: plans discount, and move no prices.
    """
    if PRICE_METRIC not in set(mine["metric"]):
        return {}
    is_price = (today["metric"] == PRICE_METRIC) & today["is_watched"] & (today["expected"] > 0)
    prices = today[is_price].dropna(subset=["value"])
    prices = prices.assign(change=prices["value"] / prices["expected"] - 1)
    if not (prices["zscore"].abs() >= MOVED_SIGMAS).any():
        return {}
    dimension, member, change = _struck(prices)
    orders = today[(today[["metric", "dimension", "member"]] == ["orders", dimension, member]).all(axis=1)]
    told = (change, dimension, member, float(orders["zscore"].iloc[0]) if len(orders) else np.nan)
    return {**dict(zip(EVIDENCE_COLUMNS, told, strict=True)), "is_planned": False}


def _struck(prices: pd.DataFrame) -> tuple[str, str, float]:
    """Dimension, member and change of what moved most in the dimension of which most members stayed where they were."""
    best, found = ONE_OF_MANY, ("", "", np.nan)
    for dimension, rows in prices[prices["dimension"] != ""].groupby("dimension"):
        size = rows["change"].abs().to_numpy()
        far = rows.iloc[int(size.argmax())]
        if len(rows) < 2 or abs(far["zscore"]) < MOVED_SIGMAS:
            continue
        share = float(np.median(size) / size.max())
        if share < best:
            best, found = share, (str(dimension), str(far["member"]), float(far["change"]))
    if found[0]:
        return found
    whole = prices[prices["dimension"] == ""]["change"]
    return "", "", float(whole.iloc[0] if len(whole) else prices["change"].median())


def changed_prices(row: dict) -> tuple[float, str]:
    """How sure prices make a data fault, 0 to 1, and what is said of them ("" where they did not move).

    Where the orders did not move, prices of all goods that jump in one country or channel, or in the whole shop, and
    all at which nobody would buy, are amounts in another currency. Those of one category or device alone were set by
    someone.

    Args:
        row: with the values of `EVIDENCE_COLUMNS`; a missing one is no evidence.
    """
    change, dimension, member = (row.get(name) for name in EVIDENCE_COLUMNS[:3])
    if not isinstance(change, int | float) or not np.isfinite(change) or not isinstance(dimension, str):
        return 0.0, ""
    orders = row.get("price_orders_zscore")
    orders_moved = isinstance(orders, int | float) and abs(orders) >= ORDERS_SIGMAS
    where = f"in {dimension} {member}" if dimension else "of the whole shop"
    words = f"prices {where} moved by {change:+.0%} against those of the month before"
    is_large = abs(change) >= (MIXED_UP_RATE if dimension else WHOLE_SHOP_RATE)
    is_mixed_up = (is_large and dimension in ("", *RECORDED_BY)) or change >= UNSELLABLE_RATE
    if is_mixed_up and not orders_moved:
        return MIXED_UP, f"{words}, with the orders where they were: amounts in another currency"
    return 0.0, f"{words}, with discounts left out"
