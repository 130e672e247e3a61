"""How far plans excuse each day of a shop's series: what a campaign or holiday may do that is no anomaly.

Stated as factors on demand (logarithms), and for each metric what share of them it may show. A promotion that is on
no calendar gives itself away by the discounts of its orders, and excuses its day likewise.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from ecom_assets.forecasting.calendar import holiday_name

PROMOTION, CHANNEL_PROMOTION, BESIDE_CHANNEL = 0.7, 1.1, 0.35
"""What a promotion of the whole shop, one of a channel there, and the same in the rest of the shop may lift by."""
PEAKS = ("black friday", "cyber monday", "singles day", "prime day")
PEAK, AFTER_PEAK_DIP, AFTER_PEAK_DAYS = 2.3, 0.4, 8
AFTER_SALES, AFTER_SALES_DAYS = ("refund_amount", "refund_rate", "tickets_opened"), 35
"""What a peak sold comes back, or is asked for, for weeks."""
UNLISTED_PEAK = "unlisted peak"
HOLIDAY_LIFT, HOLIDAY_DIP = 0.35, 0.9
ANY_DIP = 0.05
DISCOUNT_METRIC, SPEND_METRIC, VISITS_METRIC = "discount_rate", "spend_amount", "sessions"
SPEND_JUMP, SPEND_LASTS, VISITS_JUMP = 2.0, 1.4, 1.1
"""From twice its usual spend on a channel has a campaign, if more people come, and for as long as both stay up."""
DISCOUNT_JUMP, CHANNEL_DISCOUNT_JUMP = 0.03, 0.06
UNLISTED = 1.2
"""What a promotion of the whole shop that stands on no calendar may lift by: it may be the peak of the year."""
SHARES: dict[str, tuple[float, float]] = {
    # metric: the share of a lift that it may go along with, and the share that it may go against
    "sessions": (0.8, 0.0), "active_users": (0.8, 0.0), "api_calls": (0.8, 0.0), "abandoned_carts": (0.9, 0.0),
    "spend_amount": (2.1, 0.0), "return_on_ad_spend": (0.8, 2.1), "margin_amount": (1.2, 0.6),
    "conversion_rate": (0.35, 0.05), "view_to_cart_rate": (0.35, 0.05), "average_order_value": (0.1, 0.4),
    "refund_amount": (0.3, 0.1), "refund_rate": (0.2, 1.2), "cart_abandonment_rate": (0.02, 0.15),
    "cart_to_checkout_rate": (0.15, 0.02), "checkout_to_payment_rate": (0.1, 0.02),
    "payment_to_purchase_rate": (0.1, 0.02), "bounce_rate": (0.02, 0.1), "pages_per_session": (0.1, 0.02),
    "session_duration_median_s": (0.1, 0.05), "clicks_per_session": (0.1, 0.05),
    "tracking_coverage_rate": (0.0, 0.0), "error_rate": (0.0, 0.0), "api_apdex_score": (0.0, 0.0),
    "response_time_p95_ms": (0.0, 0.0), "lcp_p75_ms": (0.0, 0.0), "load_time_p95_ms": (0.0, 0.0),
    "page_apdex_score": (0.0, 0.0), "rating_mean": (0.0, 0.0), "polarity_mean": (0.0, 0.0),
    "satisfaction_mean": (0.0, 0.0), "first_response_median_s": (0.2, 0.2), "tickets_opened": (0.9, 0.0),
    "price_index": (0.0, 0.0),  # campaigns discount, and discounts are no prices
}  # fmt: skip
"""What is not named moves with demand, one to one: amounts, orders, customers. A campaign by mail costs ten times what
mails cost on other days."""


def demand_factors(
    days: pd.DatetimeIndex, keys: Sequence[tuple[str, str, str]], campaigns: pd.DataFrame | None
) -> tuple[np.ndarray, np.ndarray]:
    """Logarithms by which demand may lie above and below the ordinary, both from 0 up, [day, series].

    A plan may begin a day early and end a day late.

    Args:
        days: of the shop.
        keys: metric, dimension and member of each series.
        campaigns: planned events with kind, starts_date, ends_date, and optionally campaign_name and channel.
    """
    lift, dip = np.zeros((len(days), len(keys))), np.zeros((len(days), len(keys)))
    if campaigns is None or campaigns.empty:
        return lift, dip
    in_channel = np.array([dimension == "channel" for _, dimension, _ in keys])
    members = np.array([member for *_, member in keys])
    is_after_sales = np.array([metric in AFTER_SALES for metric, *_ in keys])
    frame = campaigns.reindex(columns=["campaign_name", "kind", "channel", "starts_date", "ends_date"])
    for name, kind, channel, starts, ends in frame.itertuples(index=False):
        first, last = pd.Timestamp(starts), pd.Timestamp(ends)
        margin = pd.Timedelta(days=0 if kind == UNLISTED_PEAK else 1)
        inside = np.asarray((days >= first - margin) & (days <= last + margin))
        is_peak = any(peak in holiday_name(name) for peak in PEAKS)
        up, down = (PEAK, ANY_DIP) if is_peak else (PROMOTION, ANY_DIP)
        if kind == "holiday" and not is_peak:
            up, down = HOLIDAY_LIFT, HOLIDAY_DIP
        ups = np.full(len(keys), up)
        if isinstance(channel, str):
            ups = np.where(in_channel & (members == channel), CHANNEL_PROMOTION, BESIDE_CHANNEL)
            ups = np.where(in_channel & (members != channel), 0.0, ups)
        lift[inside] = np.maximum(lift[inside], ups)
        dip[inside] = np.maximum(dip[inside], np.where(ups > 0, down, 0.0))
        if is_peak:
            after = np.asarray((days > last) & (days <= last + pd.Timedelta(days=AFTER_PEAK_DAYS)))
            dip[after] = np.maximum(dip[after], AFTER_PEAK_DIP)
            lift[after] = np.maximum(lift[after], HOLIDAY_LIFT)
            sent_back = np.asarray((days > last) & (days <= last + pd.Timedelta(days=AFTER_SALES_DAYS)))
            lift[np.ix_(sent_back, is_after_sales)] = PEAK
    return lift, dip


def unlisted_peaks(days: pd.DatetimeIndex, rate: np.ndarray) -> pd.DataFrame:
    """Days from Black Friday to Cyber Monday on which the shop's discounts jumped, one campaign a day.

    Everyone knows the date, and whoever sells for less on it has the peak of the year, on a calendar or not.

    Args:
        days: of the shop.
        rate: its discount rate, one value a day.
    """
    thanksgiving = pd.to_datetime(
        [f"{day.year}-11-{22 + (3 - pd.Timestamp(day.year, 11, 22).weekday()) % 7}" for day in days]
    )
    since = (days - thanksgiving).days
    found = days[_jumps(rate, DISCOUNT_JUMP) & (since >= 1) & (since <= 4)]
    return pd.DataFrame(
        {
            "campaign_name": "Black Friday",
            "kind": UNLISTED_PEAK,
            "channel": None,
            "starts_date": found,
            "ends_date": found,
        }
    )


def _jumps(rate: np.ndarray, by: float) -> np.ndarray:
    """Days on which a discount rate lies so far above the usual."""
    return np.nan_to_num(rate - _usual(rate)) >= by


def _usual(values: np.ndarray) -> np.ndarray:
    """Median of the 28 days before each; NaN where fewer than seven of them are known."""
    return pd.Series(values).rolling(28, min_periods=7).median().shift(1).to_numpy()


def discounted(
    days: pd.DatetimeIndex, keys: Sequence[tuple[str, str, str]], discounts: dict[tuple[str, str], np.ndarray]
) -> np.ndarray:
    """Lift, [day, series], that jumps of the discount rate speak for: of the whole shop, or of a channel.

    Args:
        days: of the shop.
        keys: metric, dimension and member of each series.
        discounts: discount rate by (dimension, member), one value a day.
    """
    lift = np.zeros((len(days), len(keys)))
    for (dimension, member), rate in discounts.items():
        if member and dimension != "channel":
            continue
        jump = _jumps(rate, CHANNEL_DISCOUNT_JUMP if member else DISCOUNT_JUMP)
        for place, (_, of, name) in enumerate(keys):
            if not member:
                lift[jump, place] = np.maximum(lift[jump, place], UNLISTED)
            elif of != "channel" or name == member:
                lift[jump, place] = np.maximum(
                    lift[jump, place], CHANNEL_PROMOTION if name == member else BESIDE_CHANNEL
                )
    return lift


def advertised(
    keys: Sequence[tuple[str, str, str]], spent: dict[str, np.ndarray], visited: dict[str, np.ndarray]
) -> np.ndarray:
    """Lift, [day, series], that jumps of a channel's spend speak for, in that channel: a campaign on no calendar.

    Spend that brings nobody is no campaign, and alarms.

    Args:
        keys: metric, dimension and member of each series.
        spent: spend by channel, one value a day.
        visited: sessions by channel, likewise; a channel of which they are unknown is taken at its spend's word.
    """
    lift = np.zeros((max(map(len, spent.values()), default=1), len(keys)))
    for channel, amount in spent.items():
        paid, came = _times_usual(amount), _times_usual(visited.get(channel, np.full(len(amount), np.nan)))
        is_on, jump = False, np.zeros(len(paid), dtype=bool)
        for day, (times, visits) in enumerate(zip(np.nan_to_num(paid), came, strict=True)):
            is_on = bool(times >= (SPEND_LASTS if is_on else SPEND_JUMP)) and not visits < VISITS_JUMP
            jump[day] = is_on
        own = np.array([(dimension, member) == ("channel", channel) for _, dimension, member in keys])
        lift[np.ix_(jump, own)] = CHANNEL_PROMOTION
    return lift


def _times_usual(values: np.ndarray) -> np.ndarray:
    """Each day against the usual; NaN where that is unknown or nothing."""
    usual = _usual(values)
    return values / np.where(usual > 0, usual, np.nan)


def allowances(
    keys: Sequence[tuple[str, str, str]], lift: np.ndarray, dip: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """How far each series may lie above and below its expectation, as logarithms from 0 up, [day, series]."""
    along = np.array([SHARES.get(metric, (1.0, 0.0))[0] for metric, *_ in keys])
    against = np.array([SHARES.get(metric, (1.0, 0.0))[1] for metric, *_ in keys])
    return along * lift + against * dip, along * dip + against * lift
