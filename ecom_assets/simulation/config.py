"""What kind of shop is simulated: `simulation.yaml`, validated. Nothing is simulated here.

Every number that is `Drawn` may be stated as one value or as a range `[low, high]`; a range is drawn once a
shop, from the shop's seed and the name of the setting.
"""

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, ValidationInfo, model_validator

from ecom_assets.simulation.streams import stream

_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
DEFAULT_FILE = Path(__file__).with_name("simulation.yaml")

BusinessKind = Literal[
    "flash_sale", "payment_outage", "checkout_slowdown", "ad_channel_paused", "price_mistake", "stock_out",
    "bot_wave", "viral_mention", "delivery_strike",
]  # fmt: skip
FaultKind = Literal["tracking_loss", "duplicate_delivery", "late_file", "currency_mix_up", "truncated_file"]
Shape = Literal["step", "ramp", "decay", "intermittent"]
Scope = Literal["channel", "device", "category", "country", "dataset"]

DATASETS = (
    "products", "customers", "campaigns", "marketing_spend", "website_traffic", "orders", "order_items", "refunds",
    "session_tracking", "clickstream", "cart_abandonment", "page_load_times", "api_logs",
    "user_feedback", "support_tickets",
)  # fmt: skip


class ConfigError(ValueError):
    """A simulation setting is wrong; the message names the file, the setting and what is allowed."""


def _draw(value: Any, info: ValidationInfo) -> Any:
    if not isinstance(value, list | tuple):
        return value
    if len(value) != 2 or not all(isinstance(part, int | float) for part in value) or value[0] > value[1]:
        raise ValueError("must be a number, or a range [low, high] with low <= high")
    seed = (info.context or {}).get("seed", 0)
    low, high = value
    return low + (high - low) * float(stream(seed, f"traits.{info.field_name}").random())


Drawn = Annotated[float, BeforeValidator(_draw)]
Share = Annotated[float, Field(ge=0, le=1)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Growth(_Strict):
    """Trend of the shop's level, in shares a month, and its lasting shifts."""

    monthly_low: float
    monthly_high: float
    changes_per_year: float = Field(ge=0)
    level_shifts_per_year: float = Field(ge=0)
    level_shift_size: Drawn


class Season(_Strict):
    """Weekday and year profile, and the events of a year."""

    weekday_amplitude: Drawn
    weekday_drift: Share
    year_peak: Drawn
    black_friday_peak: Drawn
    after_black_friday_dip: Drawn
    promotions_per_year: int = Field(ge=0)
    unregistered_share: Share
    failing_share: Share
    day_off_share: Share


class Channel(_Strict):
    """One way to the shop: its share of sessions, its conversion against the mean, what a click costs."""

    share: float = Field(ge=0)
    conversion: float = Field(ge=0)
    cost_per_click: float = Field(0, ge=0)
    click_rate: float = Field(0.02, gt=0, le=1)


class Device(_Strict):
    """One kind of device: its share of sessions, and its conversion against a desktop's."""

    share: float = Field(ge=0)
    conversion: float = Field(ge=0)


class Traffic(_Strict):
    """Where sessions come from and how many of them buy."""

    conversion_rate: Drawn
    mobile_drift_per_year: float
    hours: tuple[float, ...] = Field(min_length=24, max_length=24)
    channels: dict[str, Channel]
    devices: dict[str, Device]


class Noise(_Strict):
    """Day-to-day variation beyond counting: Student t, autocorrelated, on log scale."""

    extra_sd: Drawn
    degrees_of_freedom: Drawn
    autocorrelation: Drawn
    traffic_share: Share
    conversion_share: Share
    order_value_share: Share
    channel_sd: Drawn


class Customers(_Strict):
    """Who buys, and when again: BG/NBD (Fader, Hardie, Lee 2005), rates per week."""

    r: float = Field(gt=0)
    alpha_weeks: float = Field(gt=0)
    a: float = Field(gt=0)
    b: float = Field(gt=0)
    dropout_drift_per_year: float
    guest_share: Share
    history_days: int = Field(ge=120)
    female_share: Share
    consent_share: Share


class Category(_Strict):
    """One category: price level and who likes it when."""

    share: float = Field(ge=0)
    median_price: float = Field(gt=0)
    female: float = Field(1, gt=0)
    age_tilt: float = 0
    peak_month: int = Field(12, ge=1, le=12)
    season: float = Field(0, ge=0)
    evening: float = Field(1, gt=0)


class Catalogue(_Strict):
    """Products, their popularity and prices."""

    products: int = Field(ge=10, le=100_000)
    zipf_exponent: Drawn
    launches_per_month: float = Field(ge=0)
    price_sigma: float = Field(ge=0)
    cost_share_low: Share
    cost_share_high: Share
    yearly_price_rise: float
    taste_drift: float = Field(ge=0)
    stock_cover_low: float = Field(gt=0)
    stock_cover_high: float = Field(gt=0)
    categories: dict[str, Category]


class Orders(_Strict):
    """What an order looks like."""

    more_lines_rate: Share
    more_units_rate: Share
    coupon_share: Share
    coupon_rate: Share
    gift_wrap_share: Share
    gift_wrap_amount: float = Field(ge=0)
    shipping_amount: float = Field(ge=0)
    free_shipping_from: float = Field(ge=0)
    failed_share: Share
    pending_share: Share
    void_of_pending: Share
    marketplace_share: Share


class Country(_Strict):
    """One country of delivery."""

    share: float = Field(ge=0)
    currency: str | None = None
    tax_rate: Share = 0
    transit_days: float = Field(gt=0)
    promised_days: int = Field(ge=1)
    cities: tuple[str, ...]


class Refunds(_Strict):
    """What comes back, and after how long."""

    refund_rate: Drawn
    lag_median_days: float = Field(gt=0)
    lag_sigma: float = Field(ge=0)
    unlinked_share: Share


class Mess(_Strict):
    """What real files do to rows and days."""

    bad_row_rate: Drawn
    late_row_rate: Drawn
    resent_row_rate: Drawn
    late_file_rate: Drawn
    no_consent_share: Drawn
    bot_share: Drawn


class Behaviour(_Strict):
    """What visitors do, measure and say."""

    abandonment_rate: Drawn
    page_load_sample: Share
    api_sample: Share
    logged_in_share: Share
    recovered_share: Share
    feedback_share: Share
    ticket_share: Share


class Scheduled(_Strict):
    """An incident that is stated instead of drawn; `starts` is a date or the number of a day from 0."""

    kind: BusinessKind | FaultKind
    starts: date | int
    start_hour: float = Field(0, ge=0, lt=24)
    hours: float = Field(gt=0, le=28 * 24)
    size: float = Field(gt=0, le=1)
    shape: Shape = "step"
    scope: dict[Scope, str] = {}


class Incidents(_Strict):
    """How often something happens, and what is stated to happen."""

    business_per_year: float = Field(ge=0)
    data_faults_per_year: float = Field(ge=0)
    none_share: Share
    overlap_share: Share
    scheduled: tuple[Scheduled, ...] = ()


class SimulationConfig(_Strict):
    """A whole shop, every range drawn."""

    orders_per_day: float = Field(gt=0)
    growth: Growth
    season: Season
    traffic: Traffic
    noise: Noise
    customers: Customers
    catalogue: Catalogue
    orders: Orders
    countries: dict[str, Country]
    currencies: dict[str, float]
    refunds: Refunds
    mess: Mess
    behaviour: Behaviour
    incidents: Incidents

    @model_validator(mode="after")
    def _currencies_have_rates(self) -> "SimulationConfig":
        needed = {country.currency for country in self.countries.values() if country.currency}
        if missing := sorted(needed - set(self.currencies)):
            raise ValueError(f"currencies: no rate for {', '.join(missing)}")
        return self

    @model_validator(mode="after")
    def _scheduled_scopes_exist(self) -> "SimulationConfig":
        members = {
            "channel": tuple(self.traffic.channels), "device": tuple(self.traffic.devices),
            "category": tuple(self.catalogue.categories), "country": tuple(self.countries), "dataset": DATASETS,
        }  # fmt: skip
        for item in self.incidents.scheduled:
            for dimension, member in item.scope.items():
                if member not in members[dimension]:
                    known = ", ".join(members[dimension])
                    raise ValueError(f"incidents.scheduled: {item.kind}: no {dimension} {member!r}; there are {known}")
        return self


def load_config(
    path: Path | None = None, seed: int = 0, overrides: Mapping[str, Any] | None = None
) -> SimulationConfig:
    """The shop that `path` (default: the file beside this module) describes, its ranges drawn for `seed`.

    `overrides` are nested settings that replace the file's, such as {"noise": {"extra_sd": 0}}.

    Raises:
        ConfigError: naming the file and every faulty setting.
    """
    path = path or DEFAULT_FILE
    try:
        stated = yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)  # noqa: S506 - the safe loader, in C where present
    except (OSError, yaml.YAMLError) as error:
        raise ConfigError(f"{path}: cannot be read: {error}") from error
    if not isinstance(stated, dict):
        raise ConfigError(f"{path}: must hold settings such as 'orders_per_day: 300'")
    try:
        return SimulationConfig.model_validate(_merged(stated, overrides or {}), context={"seed": seed})
    except ValidationError as error:
        faults = [f"{path}: {'.'.join(map(str, fault['loc'])) or 'file'}: {_said(fault)}" for fault in error.errors()]
        raise ConfigError("\n".join(faults)) from error


def _merged(stated: dict[str, Any], overrides: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(stated)
    for key, value in overrides.items():
        both = isinstance(value, Mapping) and isinstance(merged.get(key), dict)
        merged[key] = _merged(merged[key], value) if both else value
    return merged


def _said(fault: Any) -> str:
    if fault["type"] == "extra_forbidden":
        return "unknown setting"
    if fault["type"] == "missing":
        return "is missing"
    return f"{fault['msg'].removeprefix('Value error, ')}, found {fault['input']!r}"
