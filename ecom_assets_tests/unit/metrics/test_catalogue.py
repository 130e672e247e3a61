"""What the catalogue must say, and what its loader refuses."""

from typing import Any

import pytest

from ecom_assets.metrics import CatalogueError, catalogue, metric, metrics, parse_catalogue


def stated(**changes: Any) -> dict[str, Any]:
    """A catalogue of one ratio, changed."""
    entry = {
        "label": "Conversion",
        "description": "Sessions that bought.",
        "unit": "share",
        "kind": "ratio",
        "source": "sales",
        "numerator": "bought",
        "denominator": "sessions",
        "good": "up",
        "dimensions": ["channel"],
        "owner": "team:growth",
    }
    source = {"total": {"table": "kpi.a"}, "channel": {"table": "kpi.b", "member": "channel"}}
    return {"sources": {"sales": source}, "metrics": {"conversion": {**entry, **changes}}}


def test_a_good_entry_is_read() -> None:
    found = parse_catalogue(stated()).metrics["conversion"]
    assert (found.name, found.kind, found.dimensions, found.watched, found.adds_up) == (
        "conversion",
        "ratio",
        ("channel",),
        False,
        True,
    )


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"kind": "mean"}, "conversion.kind"),
        ({"kind": "additive"}, "a ratio has a denominator, and nothing else has one"),
        ({"denominator": None}, "a ratio has a denominator"),
        ({"source": "web"}, "no source 'web'; there are sales"),
        ({"dimensions": ["device"]}, "source sales has no dimension device"),
        ({"owner": "me"}, "conversion.owner"),
        ({"watch": True}, "conversion.watch"),
        ({"trusted_when": {"metric": "coverage", "at_least": 0.8}}, "trusted_when names no metric: coverage"),
    ],
)
def test_a_bad_entry_is_refused_by_name(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(CatalogueError, match=message):
        parse_catalogue(stated(**changes))


def test_sources_name_their_member_columns() -> None:
    faulty = stated()
    faulty["sources"]["sales"]["channel"] = {"table": "kpi.b"}
    with pytest.raises(CatalogueError, match="every dimension but total names its member column"):
        parse_catalogue(faulty)


def test_an_unknown_metric_is_answered_with_the_known_ones() -> None:
    with pytest.raises(CatalogueError, match="no metric 'revenue'; there are gross_amount, "):
        metric("revenue")


def test_conversion_is_not_believed_below_four_fifths_of_tracking() -> None:
    trust = metric("conversion_rate").trusted_when
    assert trust is not None
    assert (trust.metric, trust.at_least) == ("tracking_coverage_rate", 0.8)


def test_names_units_and_labels_are_fit_for_readers() -> None:
    labels = [entry.label for entry in metrics().values()]
    assert len(set(labels)) == len(labels)
    for name, entry in metrics().items():
        assert name == name.lower()
        assert entry.unit
        assert entry.description.endswith(".")
        assert name.endswith("_amount") <= (entry.unit == "shop currency")
        assert name.endswith("_rate") <= (entry.unit == "share")


def test_what_is_forecast_is_watched_and_sums_up() -> None:
    for entry in catalogue().metrics.values():
        if entry.forecast:
            assert entry.watched
            assert entry.adds_up


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"forecast": True, "forecast_by": ["device"]}, "forecast_by: it cannot be split by device"),
        ({"forecast_by": ["channel"]}, "forecast_by: forecast is not true"),
    ],
)
def test_only_dimensions_of_a_metric_that_is_forecast_are(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(CatalogueError, match=message):
        parse_catalogue(stated(**changes))
    assert parse_catalogue(stated(forecast=True, forecast_by=["channel"])).metrics["conversion"].forecast_by
