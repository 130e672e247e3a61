"""The shop behaves as published regularities say shops do, each within its stated tolerance."""

from collections import Counter, defaultdict

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import betaln, gammaln, logsumexp
from textblob import TextBlob

from ecom_assets.simulation import Simulator, walk
from ecom_assets.simulation.config import load_config
from ecom_assets.simulation.plan import expected_rate
from ecom_assets.simulation.recorded import day_rows
from ecom_assets_tests.unit.simulation.shops import CLEAN, FIRST, days, shop

STEADY = {
    **CLEAN,
    "growth": {"monthly_low": 0, "monthly_high": 0, "level_shifts_per_year": 0},
    "season": {
        "weekday_amplitude": 0,
        "year_peak": 1,
        "promotions_per_year": 0,
        "black_friday_peak": 1,
        "after_black_friday_dip": 0,
    },
    "noise": {"extra_sd": 0, "channel_sd": 0},
}


def bg_nbd_log_likelihood(parameters, frequency, recency, age):
    """Fader, Hardie and Lee (2005), equation 6, summed over customers."""
    r, alpha, a, b = np.exp(parameters)
    first = gammaln(r + frequency) - gammaln(r) + r * np.log(alpha)
    alive = betaln(a, b + frequency) - betaln(a, b) - (r + frequency) * np.log(alpha + age)
    with np.errstate(divide="ignore"):
        gone = (
            betaln(a + 1, b + np.maximum(frequency, 1) - 1) - betaln(a, b) - (r + frequency) * np.log(alpha + recency)
        )
    gone = np.where(frequency > 0, gone, -np.inf)
    return float((first + logsumexp(np.stack([alive, gone]), axis=0)).sum())


@pytest.mark.slow
def test_bg_nbd_parameters_are_recovered_within_five_percent():
    people = {
        "r": 0.6,
        "alpha_weeks": 6.0,
        "a": 0.8,
        "b": 2.5,
        "dropout_drift_per_year": 0,
        "guest_share": 0,
        "history_days": 120,
    }
    simulator = Simulator({**STEADY, "customers": people}, 2, FIRST, orders_per_day=900)
    last, cohorts = 600, 200
    world = simulator.world(last)
    chosen = slice(world.people.starts[world.plan.index(0)], world.people.starts[world.plan.index(cohorts)])
    count = chosen.stop - chosen.start
    assert count > 40_000
    clock = (world.plan.clock - world.plan.clock[world.plan.index(0)]) / 7
    born = clock[world.plan.index(world.people.cohort[chosen]) + 1]
    frequency, recency = np.zeros(count), np.zeros(count)
    for day in range(last):
        buyers = world.buyers.returning(day)
        buyers = buyers[(buyers >= chosen.start) & (buyers < chosen.stop)] - chosen.start
        np.add.at(frequency, buyers, 1)
        recency[buyers] = clock[world.plan.index(day)] + 0.5 / 7 - born[buyers]
    age = clock[world.plan.index(last)] - born
    fit = minimize(lambda p: -bg_nbd_log_likelihood(p, frequency, recency, age), np.log([1, 5, 1, 2]),
                   method="Nelder-Mead",
                   options={"maxiter": 900, "xatol": 1e-4, "fatol": 1e-2})  # fmt: skip
    assert np.exp(fit.x) == pytest.approx([0.6, 6.0, 0.8, 2.5], rel=0.05)


def test_the_expected_rate_of_a_customer_is_the_bg_nbd_one():
    config = load_config(overrides={"customers": {"r": 0.5, "alpha_weeks": 4, "a": 1, "b": 2}})
    ages, rates = expected_rate(config)
    rng = np.random.default_rng(1)
    rate, dropout = rng.gamma(0.5, 1 / 28, 400_000), rng.beta(1, 2, 400_000)
    for age in (0, 30, 200, 1000):
        simulated = (rate * np.exp(-rate * dropout * age)).mean()
        assert np.interp(age, ages, rates) == pytest.approx(simulated, rel=0.02)


def test_orders_follow_the_week_and_the_year_that_were_set():
    settings = {
        **STEADY,
        "season": {**STEADY["season"], "weekday_amplitude": 0.3, "weekday_drift": 0, "year_peak": 2.0},
    }
    simulator = Simulator(settings, 4, FIRST, orders_per_day=300)
    plan = simulator.plan_until(400)
    counts = {day: len(simulator.world(280).base(number)) for number, day in enumerate(days(0, 279))}
    by_weekday, by_month = defaultdict(list), defaultdict(list)
    for number, (day, count) in enumerate(counts.items()):
        by_month[day.month].append(count)
        if day.month in (3, 4, 5, 6) and plan.level[plan.index(number)] > 0:
            by_weekday[day.weekday()].append(count)
    week = np.array([np.mean(by_weekday[weekday]) for weekday in range(7)])
    assert np.abs(week / week.mean() - 1).max() == pytest.approx(0.3, abs=0.06)
    peak = np.mean([count for day, count in counts.items() if (day.month, day.day) >= (12, 1)])
    assert peak / np.mean(by_month[4]) == pytest.approx(2.0, rel=0.15)


def test_the_walks_end_in_the_share_of_abandoned_carts_that_was_set():
    for conversion, abandonment in ((0.01, 0.75), (0.03, 0.65)):
        moves, start = walk.chain(walk.add_rate_for(conversion, abandonment))
        carts, orders = start @ walk.chance_of(moves, walk.ADD), start @ walk.chance_of(moves, walk.THANKS)
        lookers = (carts - orders) / (1 - orders)
        carts_left = (1 - conversion) * lookers
        assert carts_left / (carts_left + conversion) == pytest.approx(abandonment, abs=0.002)


def test_conditioned_walks_are_the_chain_given_its_end():
    """Visits drawn freely from the chain by plain rejection have the same lengths as those conditioned on their end."""
    rate = walk.add_rate_for(0.03, 0.7)
    moves, start = walk.chain(rate)
    moves[:, walk.REMOVE] = 0  # buyers take nothing out; see walk.py
    moves /= np.maximum(moves.sum(axis=1, keepdims=True), 1e-12)
    rng, lengths = np.random.default_rng(3), []
    while len(lengths) < 400:
        state, steps, bought = rng.choice(walk.STATES, p=start), 0, False
        while state != walk.EXIT and steps < walk.LONGEST:
            steps, bought = steps + 1, bought or state == walk.THANKS
            state = rng.choice(walk.STATES, p=moves[state] / moves[state].sum())
        if bought:
            lengths.append(steps)
    number = np.arange(20_000)
    conditioned = np.diff(walk.walk(1, number, np.full(20_000, walk.BUYING), rate).starts)
    assert conditioned.mean() == pytest.approx(np.mean(lengths), rel=0.08)


@pytest.fixture(scope="module")
def busy():
    simulator = shop(orders_per_day=150, settings={**CLEAN, "behaviour": {"abandonment_rate": 0.7}})
    return [simulator.day(day) for day in days(30, 33)]


def test_seven_in_ten_carts_are_abandoned(busy):
    carts = sum(t["cart_abandonment"].num_rows for t in busy)
    bought = sum(t["orders"].num_rows - t["orders"]["session_id"].null_count for t in busy)
    assert carts / (carts + bought) == pytest.approx(0.70, abs=0.03)


def test_sessions_are_short_with_a_long_tail(busy):
    pages, seconds = [], []
    for tables in busy:
        for session in tables["session_tracking"].to_pylist():
            if not session["is_bot"]:
                pages.append(session["page_views"])
                seconds.append((session["ended_at"] - session["started_at"]).total_seconds())
    bounced = np.mean(np.array(pages) == 1)
    assert 0.30 < bounced < 0.55
    assert 2 < np.mean(pages) < 6
    active = np.array(seconds)[np.array(pages) > 1]
    assert 30 < np.median(active) < 240
    assert np.quantile(active, 0.95) / np.median(active) > 3


def test_waiting_times_have_a_lognormal_body_and_a_heavy_tail(busy):
    loads = np.concatenate(
        [
            t["page_load_times"]
            .filter(np.array(t["page_load_times"]["device"].to_pylist()) == "desktop")["load_time_ms"]
            .to_numpy()
            for t in busy
        ]
    )
    middle, p95, p999 = np.quantile(loads, [0.5, 0.95, 0.999])
    assert 700 < middle < 1500
    assert 1.8 < p95 / middle < 4.0
    assert p999 / middle > 6
    calls = [c for t in busy for c in t["api_logs"].to_pylist()]
    errors = np.mean([c["status_code"] >= 500 for c in calls])
    assert 0.0005 < errors < 0.003


def test_slow_sessions_buy_less(busy):
    by_session = defaultdict(list)
    bought = {o["session_id"] for t in busy for o in t["orders"].to_pylist()}
    for tables in busy:
        for load in tables["page_load_times"].to_pylist():
            if load["device"] == "desktop" and "/checkout" not in load["page_path"]:
                by_session[load["session_id"]].append(load["load_time_ms"])
    mean = {name: np.mean(np.log(times)) for name, times in by_session.items()}
    buyers = np.mean([value for name, value in mean.items() if name in bought])
    others = np.mean([value for name, value in mean.items() if name not in bought])
    assert others - buyers == pytest.approx(0.12, abs=0.06)


def test_words_agree_with_their_stars():
    simulator = shop(orders_per_day=300)
    polarity, stars = defaultdict(list), Counter()
    for number in range(25, 31):
        table = day_rows(simulator.world(number), number, "user_feedback", False).table
        for row in table.to_pylist():
            stars[row["rating"]] += 1
            if row["feedback_text"]:
                polarity[row["rating"]].append(TextBlob(row["feedback_text"]).sentiment.polarity)
    means = [np.mean(polarity[star]) for star in range(1, 6)]
    assert means == sorted(means)
    assert means[0] < -0.3
    assert means[4] > 0.4
    assert stars[5] + stars[4] > 2 * (stars[1] + stars[2])
