import datetime as dt

import pandas as pd
import pytest

from ecom_assets.quality import content_hash_sql
from ecom_assets_tests.unit.warehouse.small_shop import (
    AS_OF,
    CLEAN_SALES,
    DAILY,
    DAILY_SALES,
    SALES,
    SHOP,
    Sql,
    day,
    fetch,
    load,
    load_buyers,
    new_warehouse,
    sale,
    write_daily,
    write_sales,
)


@pytest.fixture
def warehouse():
    made = new_warehouse()
    load_buyers(made)
    return made


def standing(warehouse):
    return fetch(warehouse, "select sale_id, business_date, amount::int from clean.sales order by all")


def refused(outcome):
    return {(each.check_name, each.business_date) for each in outcome.verdicts if each.refuses}


def states(warehouse, asset="clean/sales"):
    sql = f"select business_date, state, stale from lineage.days where asset = '{asset}' order by 1"
    return {row[0]: row[1:] for row in fetch(warehouse, sql)}


BAD = sale("bad", 1, -5)  # a negative amount breaks a blocking rule


def test_accepted_days_replace_the_old_ones_and_leave_others_alone(warehouse):
    load(warehouse, SALES, {"a.csv": [sale("s1", 0), sale("s2", 1), sale("s3", 2)]})
    assert write_sales(warehouse, 0, 1, 2).accepted_days == (day(0), day(1), day(2))
    load(warehouse, SALES, {"a.csv": [sale("s1", 0, 99), sale("s4", 1, 7), sale("s3", 2, 55)]})
    outcome = write_sales(warehouse, 1)
    assert outcome.accepted_days == (day(1),)
    assert outcome.row_count == 1
    assert standing(warehouse) == [("s1", day(0), 10), ("s3", day(2), 10), ("s4", day(1), 7)]


def test_a_bad_day_stays_out_and_the_good_days_beside_it_go_through(warehouse):
    load(warehouse, SALES, {"a.csv": [sale("s1", 0), BAD, sale("s3", 2)]})
    outcome = write_sales(warehouse, 0, 1, 2)
    assert (outcome.accepted_days, outcome.refused_days) == ((day(0), day(2)), (day(1),))
    assert refused(outcome) == {("amount_is_not_negative", day(1))}
    assert outcome.reasons[day(1)] == "amount_is_not_negative: 1 rows break it"
    assert [row[0] for row in standing(warehouse)] == ["s1", "s3"]
    assert states(warehouse)[day(1)] == ("refused", False)  # nothing stands, so nothing is stale
    assert fetch(warehouse, "select business_date, rows from lineage.accepted_days where asset = 'clean/sales'") == [
        (day(0), 1),
        (day(2), 1),
    ]


@pytest.mark.parametrize("numbers", [(1,), (0, 1, 2)], ids=["alone", "in_a_range"])
def test_a_refused_day_keeps_its_last_accepted_rows_and_is_stale(warehouse, numbers):
    load(warehouse, SALES, {"a.csv": [sale("s1", 0), sale("s2", 1), sale("s3", 2)]})
    write_sales(warehouse, 0, 1, 2)
    load(warehouse, SALES, {"b.csv": [BAD]})
    first = write_sales(warehouse, *numbers)
    assert first.refused_days == (day(1),)
    assert ("s2", day(1), 10) in standing(warehouse)
    assert "bad" not in {row[0] for row in standing(warehouse)}
    assert states(warehouse)[day(1)] == ("refused", True)
    since = fetch(warehouse, "select stale_since from lineage.table_status where asset = 'clean/sales'")[0][0]
    write_sales(warehouse, *numbers)
    assert fetch(warehouse, "select stale_since from lineage.table_status where asset = 'clean/sales'") == [(since,)]
    load(warehouse, SALES, {"b.csv": [sale("good", 1, 5)]})
    assert write_sales(warehouse, *numbers).refused_days == ()
    assert ("good", day(1), 5) in standing(warehouse)
    assert states(warehouse)[day(1)] == ("accepted", False)
    assert fetch(warehouse, "select stale_since from lineage.table_status where asset = 'clean/sales'") == [(None,)]


def test_a_warning_keeps_nothing_out(warehouse):
    load(warehouse, SALES, {"a.csv": [sale("s1", 0, 20000)]})
    outcome = write_sales(warehouse, 0)
    assert outcome.accepted_days == (day(0),)
    assert [(each.check_name, each.severity) for each in outcome.failed()] == [("amount_is_plausible", "warn")]


def test_an_undelivered_day_is_missing_with_a_warning_but_silent_where_the_shop_is_closed():
    warehouse = new_warehouse(shop=SHOP.model_copy(update={"closed_days": (day(2),)}))
    load_buyers(warehouse)
    load(warehouse, SALES, {"a.csv": [sale("s1", 0)]})
    outcome = write_sales(warehouse, 0, 1, 2)
    assert outcome.missing_days == (day(1), day(2))
    assert {(each.check_name, each.business_date, each.severity) for each in outcome.failed()} == {
        ("rows_arrived", day(1), "warn")
    }
    assert states(warehouse)[day(1)] == ("missing", False)


def test_a_day_with_nothing_but_quarantined_rows_is_refused(warehouse):
    reject = ("a.csv", 9, day(1), "x;y", ["amount: unreadable"])
    load(warehouse, SALES, {"a.csv": [sale("s1", 0)]}, rejects=[reject])
    outcome = write_sales(warehouse, 0, 1)
    assert refused(outcome) == {("quarantined_share_is_low", day(1))}


@pytest.mark.parametrize(
    ("reasons", "told"),
    [
        ([["amount: missing", "stars: '9' is not a number"], ["amount: missing"]], "; mostly amount: missing"),
        ([["breaks amount_is_plausible"]], "; mostly breaks amount_is_plausible"),
        ([["amount: 'ten of ann' is not an amount"]], "; mostly amount: not usable"),
        ([["3 fields where the header has 4: ann"]], ""),
    ],
)
def test_too_many_rows_in_quarantine_name_the_commonest_reason_and_no_value(warehouse, reasons, told):
    rejects = [("a.csv", line, day(1), "x;y", each) for line, each in enumerate(reasons, 9)]
    rejects.append(("a.csv", 30, day(0), "x;y", ["sale_id: missing"]))
    load(warehouse, SALES, {"a.csv": [sale(f"s{number}", 0) for number in range(9)]}, rejects=rejects)
    outcome = write_sales(warehouse, 0, 1)
    found = {
        each.business_date: each.found for each in outcome.verdicts if each.check_name == "quarantined_share_is_low"
    }
    assert found == {day(0): "10.0% of rows quarantined", day(1): f"100.0% of rows quarantined{told}"}
    assert outcome.reasons == {day(1): f"quarantined_share_is_low: {found[day(1)]}"}


def test_days_that_are_not_over_or_not_the_shops_wait(warehouse):
    early = dt.datetime(2024, 3, 3, 2, 59, tzinfo=dt.UTC)  # the shop's zone is UTC and three hours settle a day
    load(warehouse, SALES, {"a.csv": [sale("s0", -1), sale("s1", 0), sale("s2", 1)]})
    outcome = warehouse.write(SALES, CLEAN_SALES, [day(-1), day(0), day(1)], "run", "v1", early)
    assert (outcome.accepted_days, outcome.pending_days) == ((day(0),), (day(-1), day(1)))
    assert [(each.business_date, each.rows) for each in warehouse.pending(early)] == [(day(-1), 1), (day(1), 1)]
    later = early + dt.timedelta(minutes=1)
    assert warehouse.days_to_do(later) == [day(1)]
    assert warehouse.write(SALES, CLEAN_SALES, [day(1)], "run", "v1", later).accepted_days == (day(1),)


def test_a_day_is_over_by_the_shops_clock():
    from ecom_assets.warehouse.days import last_day_over

    berlin = SHOP.model_copy(update={"time_zone": "Europe/Berlin"})
    # 31 March 2024 has 23 hours there; the next day's 03:00 is 01:00 UTC in summer time.
    assert last_day_over(berlin, dt.datetime(2024, 4, 1, 0, 59, tzinfo=dt.UTC)) == dt.date(2024, 3, 30)
    assert last_day_over(berlin, dt.datetime(2024, 4, 1, 1, 0, tzinfo=dt.UTC)) == dt.date(2024, 3, 31)
    ended = berlin.model_copy(update={"last_day": dt.date(2024, 3, 15)})
    assert last_day_over(ended, dt.datetime(2024, 4, 1, 12, tzinfo=dt.UTC)) == dt.date(2024, 3, 15)


def test_a_verdict_carries_the_hash_of_the_rows_that_it_judged(warehouse):
    load(warehouse, SALES, {"a.csv": [sale("s1", 0), sale("s2", 1), sale("s3", 1)]})
    write_sales(warehouse, 0, 1)
    recomputed = fetch(
        warehouse, f"select business_date, {content_hash_sql(SALES)} from clean.sales group by 1 order by 1"
    )
    for table, column in (("check_results", "partition_start"), ("materializations", "partition_start")):
        sql = f"select distinct {column}, content_hash from lineage.{table} where asset = 'clean/sales' order by 1"
        assert fetch(warehouse, sql) == recomputed
    assert fetch(
        warehouse, "select business_date, content_hash from lineage.days where asset='clean/sales' order by 1"
    ) == (recomputed)


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ("buyer_id, ", "", "buyer_id is missing"),
        ("stars::bigint as stars", "stars::bigint as stars, 1 as extra", "extra is not in the contract"),
        ("amount::decimal(18, 4)", "amount::double", "amount is DOUBLE, must be DECIMAL(18,4)"),
        ("sold_at::timestamp", "sold_at::timestamp::varchar", "sold_at is VARCHAR, must be TIMESTAMP"),
        ("stars::bigint", "stars::decimal(9, 1)", "stars is DECIMAL(9,1), must be BIGINT"),
    ],
    ids=["missing", "extra", "double_for_money", "text_for_time", "decimals_for_integer"],
)
def test_other_columns_than_the_contracts_change_nothing(warehouse, old, new, named):
    load(warehouse, SALES, {"a.csv": [sale("s1", 0)]})
    write_sales(warehouse, 0)
    assert old in CLEAN_SALES.sql
    load(warehouse, SALES, {"a.csv": [sale("s1", 0, 77)]})
    outcome = write_sales(warehouse, 0, query=Sql(CLEAN_SALES.sql.replace(old, new)))
    assert refused(outcome) == {("columns_match_contract", day(0))}
    assert named in outcome.reasons[day(0)]
    assert standing(warehouse) == [("s1", day(0), 10)]
    assert states(warehouse)[day(0)] == ("refused", True)


def test_sums_may_be_wider_but_never_finer(warehouse):
    load(warehouse, SALES, {"a.csv": [sale("s1", 0)]})
    write_sales(warehouse, 0)
    wider = "select business_date, sum(1) as sales, sum(amount) as amount from clean.sales group by 1"
    assert write_daily(warehouse, query=Sql(wider)).accepted  # HUGEINT and DECIMAL(38,4)
    finer = wider.replace("sum(amount)", "sum(amount)::decimal(38,6)")
    assert "DECIMAL(38,6)" in write_daily(warehouse, query=Sql(finer)).reasons[None]


def test_an_error_in_the_query_changes_nothing(warehouse):
    load(warehouse, SALES, {"a.csv": [sale("s1", 0)]})
    write_sales(warehouse, 0)
    load(warehouse, SALES, {"a.csv": [sale("s1", 0, "ten")]})
    with pytest.raises(Exception, match="ten"):
        write_sales(warehouse, 0)
    assert standing(warehouse) == [("s1", day(0), 10)]
    assert warehouse.days_to_do(AS_OF) == [day(0)]


def test_a_partitioned_table_is_written_by_days_and_a_whole_one_is_not(warehouse):
    with pytest.raises(ValueError, match="clean/sales: got no days"):
        warehouse.write(SALES, CLEAN_SALES, None, "run", as_of=AS_OF)
    with pytest.raises(ValueError, match="kpi/daily: got days"):
        warehouse.write(DAILY, DAILY_SALES, [day(0)], "run", as_of=AS_OF)


def test_a_whole_table_is_replaced_wholly_or_not_at_all(warehouse):
    load(warehouse, SALES, {"a.csv": [sale("s1", 0), sale("s2", 1)]})
    write_sales(warehouse, 0, 1)
    assert write_daily(warehouse).accepted
    before = fetch(warehouse, "from kpi.daily order by 1")
    wrong = Sql(DAILY_SALES.sql.replace("sum(amount)", "sum(case when sale_id = 's2' then 11 else amount end)"))
    outcome = write_daily(warehouse, query=wrong)
    assert not outcome.accepted
    assert ("amount_equals_clean_sales", day(1)) in refused(outcome)
    assert ("amount_equals_clean_sales", day(0)) not in refused(outcome)
    assert fetch(warehouse, "from kpi.daily order by 1") == before
    assert states(warehouse, "kpi/daily") == {None: ("refused", True)}
    newest = fetch(warehouse, "select reason from lineage.days where asset = 'kpi/daily'")[0][0]
    assert str(day(1)) in newest


def test_a_frame_is_written_like_a_query(warehouse):
    load(warehouse, SALES, {"a.csv": [sale("s1", 0), sale("s2", 1, "2.5")]})
    write_sales(warehouse, 0, 1)
    frame = pd.DataFrame({"business_date": pd.to_datetime([day(0), day(1)]), "sales": [1, 1], "amount": [10.0, 2.5]})
    outcome = warehouse.write(DAILY, frame, None, "run", "v1", AS_OF, reads={"clean/sales"})
    assert outcome.accepted
    by_frame = fetch(warehouse, "from kpi.daily order by 1")
    assert write_daily(warehouse).content_hash == outcome.content_hash
    assert fetch(warehouse, "from kpi.daily order by 1") == by_frame
    at_noon = frame.assign(business_date=frame["business_date"] + pd.Timedelta(hours=12))
    assert "business_date" in warehouse.write(DAILY, at_noon, None, "run", as_of=AS_OF).reasons[None]


def test_the_days_of_a_partitioned_kpi_are_those_of_the_tables_that_it_reads(warehouse):
    contract = DAILY.model_copy(
        update={
            "name": "by_day",
            "partitioned_by": "business_date",
            "tracks_restatements": False,
            "reconciliations": (),
        }
    )
    warehouse.contracts[contract.asset] = contract
    warehouse.prepare()
    load(warehouse, SALES, {"a.csv": [sale("s1", 0), BAD, sale("s3", 2)]})
    write_sales(warehouse, 0, 1, 2)
    sql = DAILY_SALES.sql.replace("group by", "where business_date between $from_day and $to_day group by")
    query = Sql(sql, reads=frozenset({"clean/sales"}))
    outcome = warehouse.write(contract, query, [day(0), day(1), day(2)], "run", "v1", AS_OF)
    assert (outcome.accepted_days, outcome.missing_days) == ((day(0), day(2)), (day(1),))
    assert [row[0] for row in fetch(warehouse, "from kpi.by_day order by 1")] == [day(0), day(2)]


@pytest.mark.parametrize(
    "order",
    [
        [(0,), (1,), (2,), (3,)],
        [(3,), (2,), (1,), (0,)],
        [(2,), (0,), (2,), (3,), (1,)],
        [(0, 1, 2, 3)],
        [(0, 2), (1, 3)],
        [(1, 2), (0, 1, 2, 3)],
    ],
    ids=["forward", "backward", "shuffled_with_rerun", "one_range", "gaps", "rerun_of_a_range"],
)
def test_the_order_of_the_writes_does_not_show(order):
    warehouse = new_warehouse()
    load_buyers(warehouse)
    moved = [sale("s1", 3), sale("s5", 1, 4)]
    load(warehouse, SALES, {"a.csv": [sale(f"s{number}", number % 4, number) for number in range(12)], "b.csv": moved})
    for numbers in order:
        write_sales(warehouse, *numbers)
    hashes = fetch(
        warehouse,
        "select business_date::varchar, content_hash::varchar, row_count from lineage.days "
        "where asset = 'clean/sales' order by 1",
    )
    once = new_warehouse()
    load_buyers(once)
    load(once, SALES, {"a.csv": [sale(f"s{number}", number % 4, number) for number in range(12)], "b.csv": moved})
    write_sales(once, 0, 1, 2, 3)
    assert hashes == fetch(
        once,
        "select business_date::varchar, content_hash::varchar, row_count from lineage.days "
        "where asset = 'clean/sales' order by 1",
    )
    assert write_daily(warehouse).content_hash == write_daily(once).content_hash


def test_materializations_tell_what_each_day_was_made_from(warehouse):
    load(warehouse, SALES, {"a.csv": [sale("s1", 0), sale("s2", 1)]})
    outcome = write_sales(warehouse, 0, 1, run_id="run-7")
    found = fetch(
        warehouse,
        "select partition_start, partition_end, run_id, row_count, input_versions, code_version "
        "from lineage.materializations where asset = 'clean/sales' order by 1",
    )
    prints = dict(fetch(warehouse, "select business_date, fingerprint from lineage.fingerprints where dataset='sales'"))
    assert found == [
        (day(number), day(number), "run-7", 1, {"raw/sales": prints[day(number)]}, "v1") for number in (0, 1)
    ]
    assert outcome.row_count == 2
    write_daily(warehouse)
    ((versions,),) = fetch(warehouse, "select input_versions from lineage.materializations where asset = 'kpi/daily'")
    assert set(versions) == {"clean/sales"}


def test_a_whole_table_is_current_until_its_code_or_its_inputs_change(warehouse):
    def is_current(code_version="v1"):
        return warehouse.is_current(DAILY, code_version, {"clean/sales"})

    load(warehouse, SALES, {"a.csv": [sale("s1", 0), sale("s2", 1)]})
    write_sales(warehouse, 0, 1)
    assert not is_current()  # never written
    write_daily(warehouse)
    assert is_current()
    assert not is_current("v2")
    load(warehouse, SALES, {"b.csv": [sale("s2", 2)]})  # the only sale of day 1 moves: the rows are as many as before
    write_sales(warehouse, 1, 2)
    assert not is_current()
    write_daily(warehouse)
    assert is_current()
    assert not write_daily(warehouse, query=Sql("select 1 as x")).accepted
    assert not is_current()  # stale


def test_a_refused_day_without_rows_is_an_input_too(warehouse):
    """Whether such a day is told at all depends on what became of it: refused, or delivered with nothing."""
    load(warehouse, SALES, {"a.csv": [sale("s1", 0)], "b.csv": [BAD]})
    write_sales(warehouse, 0)
    write_daily(warehouse)
    assert write_sales(warehouse, 1).refused_days == (day(1),)
    assert not warehouse.is_current(DAILY, "v1", {"clean/sales"})
    write_daily(warehouse)
    load(warehouse, SALES, {"b.csv": []})
    assert write_sales(warehouse, 1).missing_days == (day(1),)
    assert not warehouse.is_current(DAILY, "v1", {"clean/sales"})


def test_a_refused_write_is_no_materialization(warehouse):
    load(warehouse, SALES, {"a.csv": [BAD]})
    assert not write_sales(warehouse, 1).accepted
    assert fetch(warehouse, "select count(*) from lineage.materializations where asset = 'clean/sales'") == [(0,)]
    kept = fetch(
        warehouse, "select passed, found from lineage.check_results where check_name = 'amount_is_not_negative'"
    )
    assert kept == [(False, "1 rows break it")]


def test_nothing_staged_is_left_behind(warehouse):
    load(warehouse, SALES, {"a.csv": [sale("s1", 0), BAD]})
    write_sales(warehouse, 0, 1)
    write_daily(warehouse)
    left = fetch(warehouse, "select table_name from information_schema.tables where starts_with(table_name, '_next')")
    assert left == []
