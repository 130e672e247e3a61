"""What an asset's function may return besides a `Query`, and what is drawn of its rows."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ecom_assets.sql import Query


@dataclass(frozen=True)
class Plot:
    """The column to draw over another one, for people who look at the asset's page."""

    x: str
    y: str


@dataclass(frozen=True)
class Charts:
    """Pictures for the asset's page: `draw` is given the rows of `query` as a frame and returns PNGs by name."""

    query: Query
    draw: Callable[[Any], Mapping[str, bytes]]


@dataclass(frozen=True)
class Frame:
    """Rows that Python makes.

    `make` is given the rows of `query` as a frame, those of `also` by name, and returns the rows to write. `make` of
    long work also takes `tell`, which it tells how much is done and of how much (`tells`).
    """

    query: Query
    make: Callable[..., Any]
    also: Mapping[str, Query] = field(default_factory=dict)
    tells: bool = False


@dataclass(frozen=True)
class Frames:
    """Rows of several tables from one piece of work.

    `make` is given the rows of each query as a frame by its name, and returns the rows to write by asset.
    """

    queries: Mapping[str, Query]
    make: Callable[..., Mapping[str, Any]]
