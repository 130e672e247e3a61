"""Tables whose whole history is read at once are published in a file a month, without reading their rows again."""

import pytest

from ecom_assets.settings import Home
from ecom_assets.warehouse import daily_files, open_snapshot, publish
from ecom_assets_tests.unit.warehouse.small_shop import (
    BUYERS,
    DAILY,
    DAILY_SALES,
    SALES,
    daily_of_days,
    day,
    fetch,
    load,
    sale,
    warehouse_of_days,
    write_sales,
)

DAYS = 40  # of March and April
BY_DAY = DAILY.model_copy(
    update={"name": "by_day", "tracks_restatements": False, "published_as": "monthly_files", "reconciliations": ()}
)
CONTRACTS = (BUYERS, SALES, BY_DAY)
OF_DAYS = daily_of_days()
ALL = "select * from kpi.by_day order by all"


@pytest.fixture
def home(tmp_path):
    return Home(tmp_path / "home")


@pytest.fixture(params=[OF_DAYS, DAILY_SALES], ids=["made by day", "made as a whole"])
def source(request):
    return request.param


@pytest.fixture
def warehouse(source):
    made = warehouse_of_days(DAYS, CONTRACTS)
    made.write(BY_DAY, source, None, "run", "v1")
    return made


def shown(warehouse, home, contracts=CONTRACTS):
    """What readers see after a publication, and the names of the table's files."""
    publish(warehouse.connection, home, contracts)
    with open_snapshot(home) as snapshot:
        seen = snapshot.execute(ALL).fetchall()
    folder = home.published / daily_files.FOLDER / "kpi.by_day"
    return seen, {path.relative_to(folder).as_posix() for path in folder.rglob("*.parquet")}


def months(names):
    return sorted(name.split("/")[0] for name in names)


def restate(warehouse, number, source):
    load(warehouse, SALES, {f"b{number}.csv": [sale(f"s{number}", number, 500)]})
    write_sales(warehouse, number)
    warehouse.write(BY_DAY, source, None, "run", "v1")


def test_readers_see_every_day_from_one_file_a_month(home, warehouse):
    seen, files = shown(warehouse, home)
    assert seen == fetch(warehouse, ALL)
    assert len(seen) == DAYS
    assert months(files) == ["month=2024-03-01", "month=2024-04-01"]


def test_only_the_month_of_a_day_that_changed_is_written(home, warehouse, source):
    _, before = shown(warehouse, home)
    assert shown(warehouse, home)[1] == before
    restate(warehouse, DAYS - 1, source)
    seen, after = shown(warehouse, home)
    assert months(after - before) == ["month=2024-04-01"]
    assert seen == fetch(warehouse, ALL)
    assert seen[-1][1:] == (1, 500)


def test_what_the_days_hold_is_known_without_reading_rows(home, warehouse, monkeypatch):
    read, held = [], daily_files.DailyFiles._held

    def noted(files, days):
        read.extend((files.contract.name, each) for each in days)
        return held(files, days)

    monkeypatch.setattr(daily_files.DailyFiles, "_held", noted)
    assert len(shown(warehouse, home)[1]) == 2
    assert "by_day" not in dict(read)


def test_rows_that_the_ledger_of_days_does_not_account_for_are_read(home, warehouse):
    before = shown(warehouse, home)[1]
    fetch(warehouse, "delete from lineage.made_days")
    fetch(warehouse, f"update kpi.by_day set amount = 7 where business_date = date '{day(DAYS - 1)}'")
    seen, after = shown(warehouse, home)
    assert seen[-1][2] == 7
    assert "month=2024-04-01" in months(after - before)


def test_days_that_left_are_gone_for_readers(home, warehouse):
    shown(warehouse, home)
    left = [day(number) for number in range(31, DAYS)]
    fetch(warehouse, f"delete from kpi.by_day where business_date >= date '{left[0]}'")
    seen, _ = shown(warehouse, home)
    assert [row[0] for row in seen] == [day(number) for number in range(31)]


def test_a_file_of_a_month_is_found_by_its_day(home, warehouse):
    shown(warehouse, home)
    with open_snapshot(home) as snapshot:
        found = snapshot.execute(f"{ALL.replace('order', f'''where business_date = date '{day(33)}' order''')}")
        assert [row[0] for row in found.fetchall()] == [day(33)]
