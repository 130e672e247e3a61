"""`shop.yaml` and `ECOM_*`: what is accepted, and what a fault is told."""

from datetime import date
from pathlib import Path

import pytest

from ecom_assets.settings import Home, SettingsError, load_shop

GOOD = """\
name: Corner shop
time_zone: Europe/Berlin
currency: GBP
first_day: 2024-02-29
closed_weekdays: [sunday]
closed_days: [2024-12-25]
sources:
  orders: simulated
  refunds: {kind: files, path: "refunds/*.csv", mapping: maps/refunds.yaml, ignore_columns: [Note]}
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "shop.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def refused(folder: Path, text: str, **environ: str) -> str:
    """The message about the shop file `text`, without the name of its file."""
    path = write(folder, text)
    with pytest.raises(SettingsError) as caught:
        load_shop(path, environ)
    return str(caught.value).replace(f"{path}:", "")


def test_a_good_file_says_what_it_says(tmp_path):
    shop = load_shop(write(tmp_path, GOOD), {})
    assert (shop.name, shop.currency, shop.first_day, shop.last_day) == ("Corner shop", "GBP", date(2024, 2, 29), None)
    assert shop.sources["orders"].kind == "simulated"
    assert shop.sources["refunds"].mapping == Path("maps/refunds.yaml")
    assert shop.is_simulated
    assert shop.zone.key == "Europe/Berlin"


def test_a_closed_day_is_a_named_day_or_weekday(tmp_path):
    shop = load_shop(write(tmp_path, GOOD), {})
    closed = [day for day in range(22, 30) if shop.is_closed(date(2024, 12, day))]
    assert closed == [22, 25, 29], "Christmas Day and the two Sundays of 22 to 29 December 2024"


def test_a_variable_overrides_the_file(tmp_path):
    path = write(tmp_path, GOOD)
    shop = load_shop(path, {"ECOM_CURRENCY": "EUR", "ECOM_LAST_DAY": "2024-03-31", "ECOM_SETTLE_HOURS": "0"})
    assert (shop.currency, shop.last_day, shop.settle_hours) == ("EUR", date(2024, 3, 31), 0)


def test_a_byte_order_mark_is_no_fault(tmp_path):
    path = tmp_path / "shop.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + GOOD.encode())
    assert load_shop(path, {}).name == "Corner shop"


@pytest.mark.parametrize(
    ("found", "written", "message"),
    [
        ("currency:", "curency:", "3: curency: unknown key; did you mean currency?"),
        ("Europe/Berlin", "Europe/Berln", "2: time_zone: found 'Europe/Berln', must be an IANA time zone"),
        ("Europe/Berlin", "berlin", "did you mean Europe/Berlin?"),
        ("Europe/Berlin", "Europe", "2: time_zone: found 'Europe', must be an IANA time zone"),
        ("GBP", "pounds", "3: currency: found 'pounds', must be a three-letter code"),
        ("2024-02-29", "2023-02-29", "4: first_day: found '2023-02-29', must be a day of the calendar"),
        ("2024-02-29", "20240229", "4: first_day: found '20240229', must be a day of the calendar"),
        ("2024-02-29", "29.2.2024", "4: first_day: found '29.2.2024', must be a day of the calendar"),
        ("2024-12-25", "2024-25-12", "6: closed_days.0: found '2024-25-12', must be a day of the calendar"),
        ("[sunday]", "[sonntag]", "5: closed_weekdays.0: found 'sonntag', must be 'monday'"),
        ("currency: GBP", "last_day: 2024-02-28", "3: last_day: found '2024-02-28', must not lie before first_day"),
        ("currency: GBP", "settle_hours: soon", "3: settle_hours: found 'soon', must be a valid integer"),
        ("currency: GBP", "restate_days: 0", "3: restate_days: found '0', must be greater than or equal to 1"),
        ("currency: GBP", "name: Other", "3: name: stated twice, first on line 1"),
        ("orders: simulated", "orders: simulatd", "8: sources.orders.kind: found 'simulatd', must be 'simulated'"),
        ("orders: simulated", "orders:", "8: sources.orders: must say where it comes from"),
        ("orders: simulated", "orders: {kind: files}", "8: sources.orders: kind: files needs `path`"),
        (
            "kind: files",
            "kind: simulated",
            "9: sources.refunds: kind: simulated takes no ignore_columns, mapping, path",
        ),
        ("path:", "pth:", "9: sources.refunds.pth: unknown key; did you mean path?"),
        ("refunds/*.csv", "../*.csv", "9: sources.refunds.path: found '../*.csv', must be a pattern inside"),
        ("refunds/*.csv", "/tmp/*.csv", "must be a pattern inside the landing folder"),
        ("name: Corner shop\n", "", "1: name: is required and missing"),
        ("name: Corner shop", "name: [", "3: not valid YAML"),
    ],
)
def test_a_fault_names_its_line_and_what_is_allowed(tmp_path, found, written, message):
    assert found in GOOD
    assert message in refused(tmp_path, GOOD.replace(found, written, 1))


def test_the_line_is_that_of_the_nested_key_and_not_of_a_namesake(tmp_path):
    text = GOOD + "  campaigns:\n    kind: files\n    path: c.csv\n    name: spring\n"
    assert refused(tmp_path, text).startswith("13: sources.campaigns.name: unknown key")


def test_every_fault_is_told_at_once_in_the_order_of_the_file(tmp_path):
    text = GOOD.replace("GBP", "gbp").replace("2024-02-29", "soon").replace("simulated", "guessed")
    assert [line.split(":")[0] for line in refused(tmp_path, text).splitlines()] == ["3", "4", "8"]


def test_a_faulty_variable_is_named_instead_of_the_file(tmp_path):
    message = refused(tmp_path, GOOD, ECOM_FIRST_DAY="tomorrow")
    assert message == "ECOM_FIRST_DAY: found 'tomorrow', must be a day of the calendar, written like 2026-01-31"


@pytest.mark.parametrize("text", ["", "- a\n- b\n", "just words\n"])
def test_a_file_without_settings_is_told_so(tmp_path, text):
    assert "must hold settings" in refused(tmp_path, text)


@pytest.mark.parametrize("sources", ["{}", "[orders]", ""])
def test_sources_must_name_a_dataset(tmp_path, sources):
    text = GOOD[: GOOD.index("sources:")] + f"sources: {sources}\n"
    assert "7: sources" in refused(tmp_path, text)
    assert "must name at least one dataset" in refused(tmp_path, text)


def test_text_in_another_encoding_is_told_its_line(tmp_path):
    path = tmp_path / "shop.yaml"
    path.write_bytes("time_zone: UTC\nname: Caf\xe9\n".encode("latin-1"))
    with pytest.raises(SettingsError, match=r"shop.yaml:2: not UTF-8"):
        load_shop(path, {})


def test_an_absent_file_says_how_to_name_another(tmp_path):
    with pytest.raises(SettingsError, match="name a shop file with --shop"):
        load_shop(tmp_path / "nothing.yaml", {})


def test_the_home_is_what_the_environment_names_else_data(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ECOM_HOME", raising=False)
    assert Home.from_environment().root == tmp_path / "data"
    monkeypatch.setenv("ECOM_HOME", str(tmp_path / "other"))
    assert Home.from_environment().warehouse == tmp_path / "other" / "warehouse.duckdb"
