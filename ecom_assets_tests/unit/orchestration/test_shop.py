"""Which shop is meant, from what was said, the environment and the home's record."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ecom_assets.orchestration.shop import AnotherShopError, ShopContext
from ecom_assets.settings import SettingsError

SHOP = "name: {name}\nfirst_day: 2026-01-01\nsources: {{orders: simulated}}\n{more}"


def _shop_file(folder: Path, name: str = "Toys", more: str = "", file: str = "shop.yaml") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / file).write_text(SHOP.format(name=name, more=more))
    return folder / file


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_said_before_environment_before_record_before_working_directory(place):
    here, said = _shop_file(place, "Here"), _shop_file(place / "b", "Said")
    env = _shop_file(place / "c", "Env")
    environ = {"ECOM_SHOP": str(env)}
    assert ShopContext.resolve(said, environ=environ).shop.name == "Said"
    assert ShopContext.resolve(environ=environ).shop.name == "Env"
    found = ShopContext.resolve(environ={})
    assert (found.shop.name, found.shop_file) == ("Here", here)
    assert found.home.root == place / "data"
    ShopContext.resolve(said, environ={}).claim()
    assert ShopContext.resolve(environ={}).shop.name == "Said", "the home remembers its shop"


def test_landing_folder_follows_the_same_order(place):
    shop = _shop_file(place, more="landing: files\n")
    environ = {"ECOM_LANDING": str(place / "env")}
    assert ShopContext.resolve(shop, place / "said", environ).landing == place / "said"
    assert ShopContext.resolve(shop, environ=environ).landing == place / "env"
    assert ShopContext.resolve(shop, environ={}).landing == place / "files"
    assert ShopContext.resolve(_shop_file(place, file="plain.yaml"), environ={}).landing == place / "data" / "landing"
    ShopContext.resolve(shop, place / "said", {}).claim()
    assert ShopContext.resolve(environ={}).landing == place / "said"
    other = _shop_file(place, more="landing: moved\n", file="other.yaml")
    assert ShopContext.resolve(other, environ={}).landing == place / "moved", "another file speaks for itself"


def test_a_home_holds_one_shop(place):
    ShopContext.resolve(_shop_file(place / "a", "Toys & Games"), environ={}).claim()
    books = _shop_file(place / "b", "Old Books")
    with pytest.raises(AnotherShopError) as caught:
        ShopContext.resolve(books, environ={})
    assert "'Toys & Games'" in str(caught.value)
    assert f"ECOM_HOME={place / 'old-books'}" in str(caught.value)
    assert ShopContext.resolve(books, environ={"ECOM_HOME": str(place / "old-books")}).shop.name == "Old Books"


def test_no_shop_file_names_the_places_looked_at(place, monkeypatch):
    monkeypatch.setattr("ecom_assets.orchestration.shop.PROJECT", place / "nowhere")
    with pytest.raises(SettingsError, match="--shop or ECOM_SHOP") as caught:
        ShopContext.resolve(environ={})
    assert str(place / "shop.yaml") in str(caught.value)


def test_a_damaged_record_is_one_clear_error(place):
    shop = _shop_file(place)
    (place / "data").mkdir()
    (place / "data" / "home.json").write_text(json.dumps({"shop_name": "Toys"}))
    with pytest.raises(SettingsError, match=r"home.json: cannot be read .*'shop_file'"):
        ShopContext.resolve(shop, environ={})


def test_the_moment_can_be_set(place):
    shop = _shop_file(place)
    context = ShopContext.resolve(shop, environ={"ECOM_AS_OF": "2026-03-01T06:00+02:00"})
    assert context.now() == datetime(2026, 3, 1, 4, tzinfo=UTC)
    assert abs((ShopContext.resolve(shop, environ={}).now() - datetime.now(UTC)).total_seconds()) < 5
    with pytest.raises(SettingsError, match="ECOM_AS_OF"):
        ShopContext.resolve(shop, environ={"ECOM_AS_OF": "yesterday"})
