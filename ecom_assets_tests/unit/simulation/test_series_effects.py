"""What the truth says of every watched series: with and without each incident, and of days without any."""

from datetime import date, timedelta

import pytest

from ecom_assets.metrics import metrics
from ecom_assets.simulation import Simulator
from ecom_assets.simulation.truth import EFFECT_DAYS, QUIET_DAYS, series_effects

FIRST = date(2026, 3, 2)
SETTINGS = {
    "orders_per_day": 40,
    "incidents": {
        "business_per_year": 0,
        "data_faults_per_year": 0,
        "scheduled": [
            {"kind": "stock_out", "starts": 5, "hours": 96, "size": 0.8, "scope": {"category": "Toys"}},
            {"kind": "payment_outage", "starts": 6, "hours": 24, "size": 0.7},
        ],
    },
}


@pytest.fixture(scope="module")
def tables():
    last = FIRST + timedelta(days=QUIET_DAYS + 9)
    effects, quiet = series_effects(Simulator(SETTINGS, 3, FIRST), last)
    return effects.to_pylist(), quiet.to_pylist()


def test_only_the_first_days_of_an_incident_are_stated(tables):
    days = {row["time"] for row in tables[0] if row["incident_id"] == "I0-00"}
    assert days == {FIRST + timedelta(days=5 + number) for number in range(EFFECT_DAYS)}


def test_each_twin_lacks_its_own_incident_alone(tables):
    changes = {
        (row["incident_id"], row["metric"], row["dimension"], row["member"]): row["with_incident"]
        - row["without_incident"]
        for row in tables[0]
        if row["time"] == FIRST + timedelta(days=6)
    }
    assert changes["I0-00", "net_amount", "category", "Toys"] < 0
    assert ("I0-00", "error_rate", "service", "payment") not in changes or abs(
        changes["I0-00", "error_rate", "service", "payment"]
    ) < 0.05
    assert changes["I0-01", "error_rate", "service", "payment"] > 0.3
    assert changes["I0-01", "orders", "", ""] < 0


def test_the_quiet_stretch_is_long_and_of_watched_metrics(tables):
    assert len({row["time"] for row in tables[1]}) == QUIET_DAYS
    named = {row["metric"] for row in tables[1]}
    assert named <= set(metrics())
    assert {"orders", "sessions", "error_rate", "lcp_p75_ms", "cart_abandonment_rate"} <= named
    assert max(row["value"] for row in tables[1] if row["metric"] == "error_rate" and not row["member"]) < 0.05
