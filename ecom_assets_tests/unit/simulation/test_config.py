import pytest

from ecom_assets.simulation import ConfigError, load_config


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"noise": {"extra_sdd": 1}}, "noise.extra_sdd: unknown setting"),
        ({"orders_per_day": -3}, "orders_per_day: Input should be greater than 0, found -3"),
        ({"noise": {"extra_sd": [0.2, 0.1]}}, "low <= high, found"),
        ({"currencies": {"GBP": 1.1, "USD": 0.9}, "countries": {"CH": {"share": 1, "currency": "CHF", "transit_days": 2,
          "promised_days": 4, "cities": ["Bern"]}}}, "no rate for CHF"),
        ({"incidents": {"scheduled": [{"kind": "payment_outage", "starts": 1, "hours": 2, "size": 0.5,
          "scope": {"device": "fax"}}]}}, "no device 'fax'; there are desktop, mobile, tablet"),
        ({"incidents": {"scheduled": [{"kind": "meteor", "starts": 1, "hours": 2, "size": 0.5}]}}, "'flash_sale'"),
    ],
)  # fmt: skip
def test_a_wrong_setting_is_named_with_what_is_allowed(settings, said):
    with pytest.raises(ConfigError, match=r"simulation\.yaml") as error:
        load_config(overrides=settings)
    assert said in str(error.value)


def test_a_missing_setting_and_an_unreadable_file_are_named(tmp_path):
    path = tmp_path / "small.yaml"
    path.write_text("orders_per_day: 3\n")
    with pytest.raises(ConfigError, match="growth: is missing"):
        load_config(path)
    with pytest.raises(ConfigError, match=r"none\.yaml: cannot be read"):
        load_config(tmp_path / "none.yaml")
