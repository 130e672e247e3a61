import datetime as dt
from unittest import mock

import pandas as pd
import pytest

from ecom_assets.quality import checks, judge
from ecom_assets.quality import judge as judge_function
from ecom_assets.quality.profile import profile_sql
from ecom_assets_tests.unit.warehouse.small_shop import DAILY, SALES, day, fetch, new_warehouse


def staged(contract, table, rows, quarantined=(), open_days=(True, True), history=(), unknown=()):
    """The profile of hand-made rows on days 0 and 1."""
    warehouse = new_warehouse()
    run = warehouse.connection.execute
    run("insert into clean.buyers (buyer_id) values ('b1')").fetchall()
    run(f"create temp table _staged as from {table} limit 0").fetchall()
    for row in rows:
        run(f"insert into _staged values ({row})").fetchall()
    run("create temp table _judged (business_date date, quarantined_rate double, is_open boolean)").fetchall()
    days = [day(0), day(1)] if contract.partitioned_by else [None]
    rates = dict(quarantined)
    for number, each in enumerate(days):
        run("insert into _judged values (?, ?, ?)", [each, rates.get(number, 0.0), open_days[number]]).fetchall()
    run("create temp table _accepted (business_date date, row_count bigint)").fetchall()
    for number, count in history:
        run("insert into _accepted values (?, ?)", [day(number), count]).fetchall()
    found = run(profile_sql(contract, "_staged", unknown))
    names = [column[0] for column in found.description]
    profile = pd.DataFrame(found.fetchall(), columns=names)
    return profile.assign(**{name: pd.to_numeric(profile[name]) for name in names[3:]}), warehouse


def sale_row(number, on=0, **changes):
    columns = {
        "business_date": f"date '{day(on)}'",
        "sale_id": f"'s{number}'",
        "buyer_id": "'b1'",
        "sold_at": f"timestamp '{day(on)} 10:00:00'",
        "amount": "10",
        "channel": "'web'",
        "source_channel": "null",
        "stars": "4",
        "_source_file": "'f'",
        "_source_line": "2",
    }
    names = [
        "business_date",
        *(each.name for each in SALES.columns),
        "_source_file",
        "_source_line",
    ]
    return ", ".join({**columns, **changes}[name] for name in names)


def failing(verdicts):
    return {(each.check_name, each.business_date) for each in verdicts if not each.passed}


SOUND = [sale_row(1, 0), sale_row(2, 0), sale_row(3, 1)]


def test_sound_rows_pass_every_check():
    verdicts = judge(SALES, staged(SALES, "clean.sales", SOUND)[0])
    assert failing(verdicts) == set()
    measured = {check.name for check in checks(SALES)} - {"columns_match_contract"}
    assert {(each.check_name, each.business_date) for each in verdicts} == {
        (name, on) for name in measured for on in (day(0), day(1))
    }


@pytest.mark.parametrize(
    ("check", "rows", "days"),
    [
        ("key_is_unique", [sale_row(1, 1)], {0, 1}),  # the same sale on both days: neither may stand
        ("sale_id_is_present", [sale_row(9, 1, sale_id="null")], {1}),
        ("sold_at_is_present", [sale_row(9, 1, sold_at="null")], {1}),
        ("amount_is_present", [sale_row(9, 1, amount="null")], {1}),
        ("channel_is_in_its_set", [sale_row(9, 1, channel="'fax'")], {1}),
        ("stars_is_in_range", [sale_row(9, 1, stars="6")], {1}),
        ("amount_is_not_negative", [sale_row(9, 1, amount="-1")], {1}),
        ("amount_is_plausible", [sale_row(9, 1, amount="10000")], {1}),
        (
            "buyer_id_found_in_buyers",
            [sale_row(8, 1, buyer_id="'nobody'"), sale_row(9, 1, buyer_id="'nobody'")],
            {1},
        ),
    ],
)
def test_a_broken_fact_fails_its_own_check_on_its_own_day(check, rows, days):
    verdicts = judge(SALES, staged(SALES, "clean.sales", [*SOUND, *rows])[0])
    assert failing(verdicts) == {(check, day(number)) for number in days}
    severity = {each.name: each.severity for each in checks(SALES)}[check]
    assert {each.severity for each in verdicts if each.check_name == check} == {severity}
    assert all(each.refuses == (severity == "error") for each in verdicts if not each.passed)


def test_the_values_that_stand_for_unknown_are_in_the_set():
    rows = [sale_row(7, 0, channel="'unknown'"), sale_row(8, 0, channel="'other'"), sale_row(9, 0, channel="null")]
    assert failing(judge(SALES, staged(SALES, "clean.sales", [*SOUND, *rows])[0])) == set()


def test_a_reference_to_what_the_shop_does_not_have_holds():
    rows = [*SOUND, sale_row(8, 1, buyer_id="'nobody'"), sale_row(9, 1, buyer_id="'nobody'")]
    assert failing(judge(SALES, staged(SALES, "clean.sales", rows, unknown={"buyers"})[0])) == set()


def test_a_reference_of_an_empty_table_holds():
    whole = SALES.model_copy(update={"partitioned_by": None})
    assert whole.references
    assert failing(judge(whole, staged(whole, "clean.sales", [])[0])) == set()


def test_too_many_quarantined_rows_refuse_their_day():
    at_the_limit = judge(SALES, staged(SALES, "clean.sales", SOUND, quarantined=[(1, 0.2)])[0])
    beyond = judge(SALES, staged(SALES, "clean.sales", SOUND, quarantined=[(1, 0.21)])[0])
    assert failing(at_the_limit) == set()
    assert failing(beyond) == {("quarantined_share_is_low", day(1))}


def test_an_empty_day_warns_unless_the_shop_is_closed():
    on_one_day = [sale_row(1, 0)]
    assert failing(judge(SALES, staged(SALES, "clean.sales", on_one_day)[0])) == {("rows_arrived", day(1))}
    closed = staged(SALES, "clean.sales", on_one_day, open_days=(True, False))[0]
    assert failing(judge(SALES, closed)) == set()


@pytest.mark.parametrize(("count", "is_usual"), [(3, False), (40, True), (100, True), (300, True), (400, False)])
def test_volume_is_compared_with_the_days_before(count, is_usual):
    history = [(-number, 100) for number in range(1, 29)]
    rows = [sale_row(number, 0) for number in range(count)]
    verdicts = judge(SALES, staged(SALES, "clean.sales", rows, history=history)[0])
    assert (("row_count_is_usual", day(0)) not in failing(verdicts)) == is_usual
    said = next(each for each in verdicts if each.check_name == "row_count_is_usual")
    assert said.found == f"{count} rows, usually about 100"
    assert not said.blocking


def test_volume_is_not_judged_on_less_than_a_week():
    history = [(-number, 100) for number in range(1, 6)]  # with day 0 six before day 1
    assert failing(judge(SALES, staged(SALES, "clean.sales", SOUND, history=history)[0])) == set()


def test_the_minimum_of_rows_is_a_days_own():
    contract = SALES.model_copy(update={"min_rows": 2})
    verdicts = judge(contract, staged(contract, "clean.sales", SOUND)[0])
    assert failing(verdicts) == {("rows_reach_the_minimum", day(1))}


def test_a_whole_table_names_the_day_that_does_not_reconcile():
    rows = [f"date '{day(0)}', 2, 20", f"date '{day(1)}', 1, 11"]
    profile, warehouse = staged(DAILY, "kpi.daily", rows)
    assert {each for each, _ in failing(judge(DAILY, profile))} == {"amount_equals_clean_sales"}  # no sales at all
    for row in SOUND:
        fetch(warehouse, f"insert into clean.sales values ({row})")
    found = pd.DataFrame(
        warehouse.connection.execute(profile_sql(DAILY, "_staged")).fetchall(), columns=profile.columns
    )
    assert failing(judge(DAILY, found)) == {
        ("amount_equals_clean_sales", day(1)),
        ("amount_equals_clean_sales", None),
    }


def test_a_day_that_a_whole_table_lacks_does_not_reconcile():
    profile, warehouse = staged(DAILY, "kpi.daily", [f"date '{day(0)}', 2, 20"])
    for row in SOUND:
        fetch(warehouse, f"insert into clean.sales values ({row})")
    found = pd.DataFrame(
        warehouse.connection.execute(profile_sql(DAILY, "_staged")).fetchall(), columns=profile.columns
    )
    assert ("amount_equals_clean_sales", day(1)) in failing(judge(DAILY, found))


def test_an_empty_table_of_an_empty_source_reconciles_and_says_so():
    profile, _ = staged(DAILY, "kpi.daily", [])
    verdicts = judge(DAILY, profile)
    assert failing(verdicts) == set()
    said = {each.found for each in verdicts if each.check_name == "amount_equals_clean_sales"}
    assert said == {"the table has no rows to compare"}


def test_an_empty_table_of_a_source_with_rows_does_not_reconcile():
    profile, warehouse = staged(DAILY, "kpi.daily", [])
    for row in SOUND:
        fetch(warehouse, f"insert into clean.sales values ({row})")
    found = pd.DataFrame(
        warehouse.connection.execute(profile_sql(DAILY, "_staged")).fetchall(), columns=profile.columns
    )
    verdicts = judge(DAILY, found)
    assert {("amount_equals_clean_sales", None), ("amount_equals_clean_sales", day(1))} <= failing(verdicts)


def test_a_gap_that_cannot_be_computed_fails():
    rule = DAILY.reconciliations[0].model_copy(update={"query": "select business_date, null as gap from _staged"})
    contract = DAILY.model_copy(update={"reconciliations": (rule,)})
    profile, _ = staged(contract, "kpi.daily", [f"date '{day(0)}', 2, 20"])
    verdicts = judge(contract, profile)
    assert ("amount_equals_clean_sales", day(0)) in failing(verdicts)
    assert "could not be measured" in {each.found for each in verdicts if not each.passed}


def test_an_empty_profile_passes_nothing():
    profile, _ = staged(SALES, "clean.sales", SOUND)
    verdicts = judge(SALES, profile.iloc[:0])
    assert verdicts
    assert not any(each.passed for each in verdicts)


def test_a_profile_of_nulls_passes_nothing():
    profile, _ = staged(SALES, "clean.sales", SOUND)
    blank = profile.assign(**{name: float("nan") for name in profile.columns[1:]})
    verdicts = judge(SALES, blank)
    assert not any(each.passed for each in verdicts)


def test_a_measure_that_is_missing_fails_its_check_only():
    profile, _ = staged(SALES, "clean.sales", SOUND)
    verdicts = judge(SALES, profile.drop(columns="rows_sharing_a_key"))
    assert failing(verdicts) == {("key_is_unique", day(0)), ("key_is_unique", day(1))}
    assert all("could not be judged" in each.found for each in verdicts if each.check_name == "key_is_unique")


def test_great_expectations_is_asked_once_a_table_and_two_years_are_quick():
    profile, _ = staged(SALES, "clean.sales", SOUND)
    years = pd.concat([profile.iloc[:1]] * 730, ignore_index=True)
    years["business_date"] = [day(0) + dt.timedelta(days=number) for number in range(730)]
    years.loc[100, "null_amount"] = 3
    from ecom_assets.quality.judge import _validate

    with mock.patch.object(
        __import__("ecom_assets.quality.judge", fromlist=["_validate"]), "_validate", side_effect=_validate
    ) as asked:
        verdicts = judge_function(SALES, years)
    assert asked.call_count == 1
    assert failing(verdicts) == {("amount_is_present", day(100))}
    assert next(each.found for each in verdicts if not each.passed) == "3 rows without it"
