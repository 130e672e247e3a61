"""Schedule and sensors, tick by tick: what each asks for, given what is recorded and the shop's clock."""

from datetime import UTC, date, datetime, timedelta

import dagster as dg
import pytest
from dagster._core.test_utils import create_run_for_test

from ecom_assets.orchestration.session import session
from ecom_assets_tests.graph import Graph
from ecom_assets_tests.small_shop import FIRST_DAY, SmallShop

DAY = timedelta(days=1)


@pytest.fixture
def shop(tmp_path, monkeypatch):
    """Ten days of files; the shop's last day is open, so that the clock decides."""
    small = SmallShop(tmp_path / "shop", days=10).write()
    text = small.shop_file.read_text()
    small.shop_file.write_text("\n".join(line for line in text.splitlines() if not line.startswith("last_day")))
    monkeypatch.setenv("ECOM_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("ECOM_SHOP", str(small.shop_file))
    return small


@pytest.fixture
def clock(monkeypatch):
    """Sets the moment for which days are judged to be over."""

    def at(moment: datetime) -> None:
        monkeypatch.setenv("ECOM_AS_OF", moment.isoformat())

    at(datetime(2026, 3, 14, 7, tzinfo=UTC))
    return at


def _load(shop: SmallShop) -> None:
    """Load files, as the job of the landing sensor does, without Dagster around it."""
    from ecom_assets.ingestion import discover, plan_sources, stage_files
    from ecom_assets.orchestration.shop import ShopContext

    context = ShopContext.resolve()
    with session(context, "a test") as opened:
        for plan in plan_sources(context.shop, context.shop_file):
            changed, _ = opened.warehouse.changed_files(plan, discover(plan, context.landing))
            if changed:
                staged = stage_files(opened.connection, plan, changed, context.shop)
                opened.warehouse.replace_files(staged, "run", seen=changed)
        opened.is_published = False


def _write_days(days: list[date]) -> None:
    """Record the days as done, as the clean assets do."""
    from ecom_assets.contracts import contract
    from ecom_assets.ingestion import clean_select
    from ecom_assets.orchestration.shop import ShopContext
    from ecom_assets.sql import Query

    context = ShopContext.resolve()
    with session(context, "a test") as opened:
        for name in ("orders", "order_items", "refunds"):
            table = contract(f"clean/{name}")
            query = Query(table.asset, text=clean_select(table, context.shop))
            opened.warehouse.write(table, query, days, "run", as_of=opened.as_of)
        opened.is_published = False


class Ticker:
    """Evaluates one sensor again and again, keeping its cursor as the daemon does."""

    def __init__(self, name: str, instance: dg.DagsterInstance) -> None:
        from ecom_assets.definitions import defs

        self.repository = defs().get_repository_def()
        self.sensor = self.repository.get_sensor_def(name)
        self.instance = instance
        self.cursor: str | None = None
        self.reason = ""

    def tick(self) -> list[tuple[str, str] | None]:
        """The ranges asked for; None stands for a request without days."""
        context = dg.build_sensor_context(
            instance=self.instance, cursor=self.cursor, repository_def=self.repository, sensor_name=self.sensor.name
        )
        found = self.sensor.evaluate_tick(context)
        self.cursor = found.cursor or self.cursor
        self.reason = found.skip_message or ""
        keys = ("dagster/asset_partition_range_start", "dagster/asset_partition_range_end")
        return [
            tuple(request.tags[key] for key in keys) if keys[0] in request.tags else None
            for request in found.run_requests or []
        ]


@pytest.fixture
def instance():
    with dg.DagsterInstance.ephemeral() as ephemeral:
        yield ephemeral


def _schedule_tick(at: datetime):
    from ecom_assets.definitions import defs

    schedule = defs().get_repository_def().get_schedule_def("daily_refresh_schedule")
    return schedule.evaluate_tick(dg.build_schedule_context(scheduled_execution_time=at))


def test_the_schedule_asks_for_the_trailing_days_by_the_shops_clock(shop):
    shop.shop_file.write_text(shop.shop_file.read_text().replace("time_zone: UTC", "time_zone: Asia/Tokyo"))
    from ecom_assets.definitions import defs

    schedule = defs().get_repository_def().get_schedule_def("daily_refresh_schedule")
    assert (schedule.cron_schedule, schedule.execution_timezone, schedule.job_name) == (
        "0 6 * * *", "Asia/Tokyo", "daily_refresh")  # fmt: skip
    at = datetime(2026, 3, 9, 21, tzinfo=UTC)  # six o'clock of the tenth in Tokyo
    (request,) = _schedule_tick(at).run_requests
    assert request.tags["dagster/asset_partition_range_start"] == "2026-03-07"
    assert request.tags["dagster/asset_partition_range_end"] == "2026-03-09"
    days = defs().resolve_asset_graph().get(dg.AssetKey(["clean", "orders"])).partitions_def
    assert set(days.get_partition_keys_in_range(dg.PartitionKeyRange("2026-03-07", "2026-03-09"))) <= set(
        days.get_partition_keys(current_time=at)
    )


def test_the_schedule_never_asks_for_days_before_the_first(shop):
    (request,) = _schedule_tick(datetime(2026, 3, 3, 6, tzinfo=UTC)).run_requests
    assert request.tags["dagster/asset_partition_range_start"] == str(FIRST_DAY)
    assert request.tags["dagster/asset_partition_range_end"] == str(FIRST_DAY)
    nothing = _schedule_tick(datetime(2026, 3, 2, 6, tzinfo=UTC))
    assert not nothing.run_requests
    assert "is not over yet" in nothing.skip_message


def test_landing_sensor_asks_until_the_files_are_known(shop, clock, instance):
    sensor = Ticker("landing_file_sensor", instance)
    assert sensor.tick() == [None], "files lie there and none was ever loaded"
    assert sensor.tick() == [None], "the run was lost: asked for again"
    _load(shop)
    assert sensor.tick() == []
    assert "nothing new" in sensor.reason
    shop.write_day(shop.days[3], items=shop.items(shop.days[3])[:-1])
    assert sensor.tick() == [None], "a file changed"


def test_a_refused_file_that_goes_away_is_asked_for_so_that_it_is_told_no_longer(shop, clock, instance):
    picture = shop.landing / "orders" / "picture.csv"
    picture.write_bytes(b"\x00\x01\x02")
    _load(shop)
    sensor = Ticker("landing_file_sensor", instance)
    assert sensor.tick() == []
    picture.unlink()
    assert sensor.tick() == [None]


def test_no_sensor_asks_while_a_run_is_under_way(shop, clock, instance):
    create_run_for_test(instance, status=dg.DagsterRunStatus.STARTED)
    sensor = Ticker("landing_file_sensor", instance)
    assert sensor.tick() == []
    assert "under way" in sensor.reason


def test_what_keeps_failing_is_asked_for_ever_more_seldom(shop, clock, instance):
    start = datetime(2026, 3, 14, 7, tzinfo=UTC)
    sensor = Ticker("landing_file_sensor", instance)
    asked = []
    for minutes in range(0, 120, 5):
        clock(start + timedelta(minutes=minutes))
        if sensor.tick():
            asked.append(minutes)
    assert asked == [0, 5, 10, 25, 55, 115], "three tries, then after 15, 30 and 60 minutes"
    assert "without success" in sensor.reason or asked[-1] == 115


def test_touched_days_are_asked_for_until_they_are_done(shop, clock, instance):
    sensor = Ticker("touched_days_sensor", instance)
    assert sensor.tick() == [], "nothing is loaded"
    _load(shop)
    everything = [(str(shop.days[0]), str(shop.days[-1]))]
    assert sensor.tick() == everything
    assert sensor.tick() == everything, "the run failed or was killed: asked for again"
    _write_days(shop.days)
    assert sensor.tick() == []
    late = [shop.days[0], shop.days[1], shop.days[8]]
    for day in late:
        shop.write_day(day, orders=shop.orders(day)[:-1])
    _load(shop)
    assert sensor.tick() == [(str(late[0]), str(late[1])), (str(late[2]), str(late[2]))], "joined into ranges"
    _write_days(late[:2])
    assert sensor.tick() == [(str(late[2]), str(late[2]))]
    _write_days(late[2:])
    assert sensor.tick() == []


def test_the_coming_daily_job_keeps_its_window(shop, clock, instance):
    _load(shop)
    _write_days(shop.days)
    shop.write_day(shop.days[-1], orders=shop.orders(shop.days[-1])[:-1])
    _load(shop)
    sensor = Ticker("touched_days_sensor", instance)
    clock(datetime(2026, 3, 12, 4, tzinfo=UTC))
    assert sensor.tick() == [], "the job at six takes the eleventh anyway"
    assert "2026-03-11" in sensor.reason
    clock(datetime(2026, 3, 12, 9, tzinfo=UTC))
    assert sensor.tick() == [("2026-03-11", "2026-03-11")], "after six it would wait for a whole day"


def test_days_that_do_not_exist_are_never_asked_for(shop, clock, instance):
    """Rows before the first day, of tomorrow, and of a day that is not over wait in raw."""
    strange = [
        {**shop.orders(shop.days[0])[0], "order_id": f"x{number}", "ordered_at": f"{day} 12:00:00"}
        for number, day in enumerate(["1999-12-31", "2026-03-01", "2026-03-11", "2026-03-12", "2044-01-01"])
    ]
    shop.write_day(shop.days[2], orders=[*shop.orders(shop.days[2]), *strange])
    clock(datetime(2026, 3, 12, 1, tzinfo=UTC))  # the eleventh ended an hour ago and is not settled
    _load(shop)
    sensor = Ticker("touched_days_sensor", instance)
    first = FIRST_DAY
    assert sensor.tick() == [(str(first), "2026-03-07")], "the eighth to tenth are the daily job's"
    clock(datetime(2026, 3, 12, 7, tzinfo=UTC))
    assert sensor.tick() == [(str(first), "2026-03-11")]


def test_a_refused_day_is_not_asked_for_for_ever(shop, clock, instance):
    day = shop.days[2]
    shop.write_day(day, orders=[{**order, "ordered_at": "soon" if number else order["ordered_at"]}
                                for number, order in enumerate(shop.orders(day))])  # fmt: skip
    _load(shop)
    _write_days(shop.days)
    assert Ticker("touched_days_sensor", instance).tick() == [], "it was evaluated; a new file will bring it back"


def test_a_tick_agrees_with_what_a_run_does(shop, clock, instance, tmp_path):
    """The sensor's range through the real job: afterwards nothing is left to ask for."""
    graph = Graph(shop, tmp_path / "home")
    assert graph.run().succeeded
    assert Ticker("touched_days_sensor", instance).tick() == []
    assert Ticker("landing_file_sensor", instance).tick() == []
    late = shop.days[2]
    shop.write_day(late, items=shop.items(late)[:-1])
    _load(shop)
    _write_days([late])  # and then it died: what is made of the day by day was not written
    assert Ticker("touched_days_sensor", instance).tick() == [(str(late), str(late))]
    assert graph.run().succeeded
    assert Ticker("touched_days_sensor", instance).tick() == []


def test_champions_are_compared_on_mondays_by_the_shops_clock(shop):
    from ecom_assets.definitions import defs

    schedule = defs().get_repository_def().get_schedule_def("weekly_champions_schedule")
    assert (schedule.cron_schedule, schedule.job_name) == ("30 6 * * 1", "weekly_champions")
    at = datetime(2026, 3, 9, 6, 30, tzinfo=UTC)
    (request,) = schedule.evaluate_tick(dg.build_schedule_context(scheduled_execution_time=at)).run_requests
    assert request.run_key == at.isoformat()
    assert defs().resolve_job_def("weekly_champions").tags["ecom/origins"] == "12"
