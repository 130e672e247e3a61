"""The shape of the metric catalogue and its loader. Generates no SQL and reads no data."""

from functools import cache
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

FILE = Path(__file__).parent / "catalogue.yaml"
TOTAL = "total"
ALL = "all"


class CatalogueError(ValueError):
    """The catalogue does not say what it must say."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Origin(_Strict):
    """Where the rows of one dimension stand: a table, and the column that names the member (none for total)."""

    table: str = Field(pattern=r"^[a-z]+\.[a-z_]+$")
    member: str | None = None
    where: str | None = Field(None, description="SQL over its columns; rows for which it does not hold are left out")


class Trust(_Strict):
    """A metric is to be believed on a day only where `metric` (a ratio, of all) reaches `at_least`."""

    metric: str
    at_least: float


class Metric(_Strict):
    """One metric; `numerator` and `denominator` are SQL over the columns of one row of its source."""

    name: str
    label: str
    description: str
    unit: str
    kind: Literal["additive", "ratio", "quantile", "distinct"]
    source: str
    numerator: str
    denominator: str | None = None
    good: Literal["up", "down", "none"]
    dimensions: tuple[str, ...] = Field(description="what it can be split by, beside total")
    owner: Literal["team:growth", "team:ux", "team:it", "team:support"]
    watched: bool = Field(False, description="whether detectors look at it")
    forecast: bool = Field(False, description="whether it is forecast")
    forecast_by: tuple[str, ...] = Field((), description="dimensions whose members are forecast too")
    non_negative: bool = Field(False, description="whether it cannot lie below zero")
    trusted_when: Trust | None = Field(None, description="on other days it raises no alarm")

    @property
    def adds_up(self) -> bool:
        """Whether numerators and denominators of members or days may be summed."""
        return self.kind in ("additive", "ratio")

    @model_validator(mode="after")
    def _forecast_by_its_own_dimensions(self) -> "Metric":
        strange = [name for name in self.forecast_by if name not in self.dimensions]
        if strange or (self.forecast_by and not self.forecast):
            why = f"it cannot be split by {', '.join(strange)}" if strange else "forecast is not true"
            raise ValueError(f"{self.name}: forecast_by: {why}")
        return self

    @model_validator(mode="after")
    def _only_ratios_divide(self) -> "Metric":
        if (self.kind == "ratio") != (self.denominator is not None):
            raise ValueError(f"{self.name}: a ratio has a denominator, and nothing else has one")
        return self


class Catalogue(_Strict):
    """All metrics and the sources that they are summed from."""

    sources: dict[str, dict[str, Origin]]
    metrics: dict[str, Metric]

    @model_validator(mode="after")
    def _sources_hold_the_dimensions(self) -> "Catalogue":
        for name, source in self.sources.items():
            for dimension, origin in source.items():
                if (dimension == TOTAL) != (origin.member is None):
                    raise ValueError(f"source {name}: every dimension but {TOTAL} names its member column")
            if TOTAL not in source:
                raise ValueError(f"source {name}: has no {TOTAL}")
        for metric in self.metrics.values():
            if metric.source not in self.sources:
                raise ValueError(f"{metric.name}: no source {metric.source!r}; there are {', '.join(self.sources)}")
            if metric.trusted_when and metric.trusted_when.metric not in self.metrics:
                raise ValueError(f"{metric.name}: trusted_when names no metric: {metric.trusted_when.metric}")
            missing = [name for name in metric.dimensions if name not in self.sources[metric.source]]
            if missing:
                raise ValueError(f"{metric.name}: source {metric.source} has no dimension {', '.join(missing)}")
        return self


def parse_catalogue(stated: dict[str, Any]) -> Catalogue:
    """The catalogue that `stated` (the parsed YAML) describes.

    Raises:
        CatalogueError: naming the metric and what is wrong with it.
    """
    try:
        metrics = {name: {"name": name, **entry} for name, entry in stated["metrics"].items()}
        return Catalogue.model_validate({"sources": stated["sources"], "metrics": metrics})
    except (ValidationError, KeyError, TypeError, AttributeError) as error:
        raise CatalogueError(f"{FILE.name}: {error}") from error


@cache
def catalogue() -> Catalogue:
    """The catalogue of `catalogue.yaml`, read once."""
    return parse_catalogue(yaml.safe_load(FILE.read_text(encoding="utf-8")))


def metrics() -> dict[str, Metric]:
    """Every metric by its name."""
    return catalogue().metrics


def metric(name: str) -> Metric:
    """The metric called `name`.

    Raises:
        CatalogueError: where there is none, naming those that there are.
    """
    known = metrics()
    if name not in known:
        raise CatalogueError(f"no metric {name!r}; there are {', '.join(known)}")
    return known[name]
