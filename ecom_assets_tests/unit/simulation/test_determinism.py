"""The same seed gives the same bytes, any day alone, and a twin that differs only where the incident reached."""

import pytest

from ecom_assets.simulation import Simulator, workers
from ecom_assets_tests.unit.simulation.shops import FIRST, contents, days, rows_by, shop, with_incident


def test_the_same_seed_writes_the_same_bytes_and_another_seed_others(tmp_path):
    for name, seed in (("one", 5), ("two", 5), ("other", 6)):
        shop(seed, 20).write_landing(days(0, 5), tmp_path / name)
    assert contents(tmp_path / "one") == contents(tmp_path / "two")
    assert contents(tmp_path / "one") != contents(tmp_path / "other")


def test_days_shared_among_processes_are_the_same_bytes(tmp_path, monkeypatch):
    monkeypatch.setattr(workers, "SHORTEST_BLOCK", 3)
    monkeypatch.setattr(workers, "_FIRST_MORE", 1)
    assert workers.blocks_of(range(7), 2) == [[0, 1, 2, 3], [4, 5, 6]]
    seen = []
    shared = shop(orders_per_day=15).write_landing(days(0, 6), tmp_path / "two", lambda *p: seen.append(p), workers=2)
    shop(orders_per_day=15).write_landing(days(0, 6), tmp_path / "one")
    assert contents(tmp_path / "two") == contents(tmp_path / "one")
    assert len(shared) == len(contents(tmp_path / "one"))
    assert seen[-1] == (7, 7)


def test_a_day_made_alone_is_the_day_made_within_a_range(tmp_path):
    shop(orders_per_day=20).write_landing(days(0, 24), tmp_path / "range")
    alone = shop(orders_per_day=20).write_landing(days(23, 23), tmp_path / "alone")
    assert len(alone) >= 12
    within = contents(tmp_path / "range")
    for name, content in contents(tmp_path / "alone").items():
        assert within[name] == content


def test_the_order_in_which_days_are_asked_for_does_not_matter():
    forward, backward = shop(), shop()
    first = {day: forward.day(day, ["orders"])["orders"] for day in days(20, 26)}
    second = {day: backward.day(day, ["orders"])["orders"] for day in reversed(days(20, 26))}
    assert all(first[day].equals(second[day]) for day in first)


def test_a_longer_horizon_changes_no_earlier_day():
    near, far = shop(), shop()
    far.day(days(700, 700)[0], ["orders"])
    assert near.day(FIRST, ["orders"])["orders"].equals(far.day(FIRST, ["orders"])["orders"])
    assert near.incidents == far.incidents[: len(near.incidents)]


def test_writing_again_leaves_files_untouched(tmp_path):
    paths = shop(orders_per_day=20).write_landing(days(0, 3), tmp_path)
    before = {path: path.stat().st_mtime_ns for path in paths}
    assert shop(orders_per_day=20).write_landing(days(0, 3), tmp_path) == paths
    assert {path: path.stat().st_mtime_ns for path in paths} == before
    assert not [path for path in tmp_path.rglob("*") if path.name.startswith(".")]


def test_a_twin_equals_the_shop_on_every_row_that_the_incident_did_not_reach():
    simulator = shop(
        orders_per_day=200, settings=with_incident("payment_outage", 0.7, day=10, hours=36, device="mobile")
    )
    (incident,) = simulator.incidents
    twin = simulator.twin(incident.incident_id)
    assert twin.incidents == ()
    lost = 0
    for day in days(7, 14):
        with_it, without = (rows_by(s.day(day, ["orders"])["orders"], "order_id") for s in (simulator, twin))
        assert set(with_it) <= set(without)
        assert all(row == without[key] for key, row in with_it.items())
        gone = [without[key] for key in set(without) - set(with_it)]
        assert all(row["device"] == "mobile" for row in gone)
        assert not gone or day in days(10, 11)
        lost += len(gone)
    expected = sum(
        row["device"] == "mobile" for day in days(10, 10) for row in twin.day(day, ["orders"])["orders"].to_pylist()
    )
    assert 0.5 * expected < lost < 1.4 * expected


def test_a_twin_without_one_of_two_incidents_keeps_the_other():
    two = {"incidents": {"none_share": 1.0, "scheduled": [
        {"kind": "viral_mention", "starts": 5, "hours": 48, "size": 0.8, "scope": {"channel": "direct"}},
        {"kind": "flash_sale", "starts": 5, "hours": 48, "size": 0.8, "scope": {"category": "Toys"}},
    ]}}  # fmt: skip
    simulator = shop(orders_per_day=300, settings=two)
    kept = simulator.twin("I0-00")
    neither = simulator.twin(["I0-00", "I0-01"])
    day = days(5, 5)[0]
    ids = {
        s: {row["order_id"] for row in s.day(day, ["orders"])["orders"].to_pylist()} for s in (simulator, kept, neither)
    }
    assert ids[neither] < ids[kept] < ids[simulator]


def test_nothing_arrives_before_the_first_day(tmp_path):
    with pytest.raises(ValueError, match="begins on 2026-03-02"):
        shop().write_landing(days(-1, 0), tmp_path)


def test_twin_difference_states_what_an_incident_took():
    simulator = Simulator(with_incident("ad_channel_paused", 0.8, channel="paid_search"), 3, FIRST, orders_per_day=200)
    table = simulator.twin_difference("I0-00").to_pylist()
    orders = [row for row in table if row["measure"] == "sessions"]
    assert [row["business_date"] for row in orders] == days(10, 10)
    assert orders[0]["with_incident"] < 0.95 * orders[0]["without_incident"]
    with pytest.raises(KeyError, match="there are I0-00"):
        simulator.twin_difference("I9-99")
