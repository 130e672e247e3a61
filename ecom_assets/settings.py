"""The shop's settings: `shop.yaml` and `ECOM_*` variables, validated once. Reads no data and no contracts."""

import os
import re
from datetime import date
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo, available_timezones

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


class SettingsError(ValueError):
    """A setting is wrong; the message names the file, the line and what is allowed."""


class Source(BaseModel):
    """Where one dataset, or one export that feeds several, comes from.

    `path` is a glob relative to the landing folder. `mapping` is a YAML file relative to `shop.yaml`; without
    it the files must carry the contract's own column names.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["simulated", "files"]
    path: str | None = None
    mapping: Path | None = None
    format: Literal["auto", "csv", "parquet", "jsonl", "excel"] = "auto"
    ignore_columns: tuple[str, ...] = ()
    delete_with_file: bool = Field(False, description="a file that went away takes its rows along")

    @field_validator("path")
    @classmethod
    def _inside_landing(cls, path: str | None) -> str | None:
        if path and (Path(path).is_absolute() or ".." in Path(path).parts):
            raise ValueError("must be a pattern inside the landing folder; set the folder by `landing` or ECOM_LANDING")
        return path

    @model_validator(mode="after")
    def _files_have_a_path(self) -> "Source":
        if self.kind == "files" and not self.path:
            raise ValueError('kind: files needs `path`, such as path: "orders/*.csv"')
        return self


class Shop(BaseModel):
    """One shop: its calendar, currency, and where each dataset comes from."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(min_length=1)
    time_zone: str = "UTC"
    currency: str = Field("EUR", pattern="^[A-Z]{3}$")
    first_day: date
    last_day: date | None = None
    history_complete_from: date | None = None
    settle_hours: int = Field(3, ge=0, le=48)
    restate_days: int = Field(3, ge=1, le=90)
    closed_weekdays: tuple[Literal[WEEKDAYS], ...] = ()  # type: ignore[valid-type]
    closed_days: tuple[date, ...] = ()
    landing: Path | None = Field(None, description="folder of the landing files, relative to this file")
    seed: int = Field(7, ge=0, description="seed of the simulated shop")
    sources: dict[str, Source]

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, zone: str) -> str:
        if zone not in available_timezones():
            raise ValueError("must be an IANA time zone such as Europe/Berlin or UTC")
        return zone

    @field_validator("sources", mode="before")
    @classmethod
    def _shorthand(cls, sources: Any) -> Any:
        if isinstance(sources, dict):
            return {name: {"kind": source} if isinstance(source, str) else source for name, source in sources.items()}
        return sources

    @model_validator(mode="after")
    def _days_in_order(self) -> "Shop":
        if self.last_day and self.last_day < self.first_day:
            raise ValueError("last_day: must not lie before first_day")
        return self

    @property
    def zone(self) -> ZoneInfo:
        """The shop's time zone."""
        return ZoneInfo(self.time_zone)

    @property
    def is_simulated(self) -> bool:
        """Whether any dataset comes from the simulator."""
        return any(source.kind == "simulated" for source in self.sources.values())

    def is_closed(self, day: date) -> bool:
        """Whether the shop does not trade on `day` by its own calendar."""
        return day in self.closed_days or WEEKDAYS[day.weekday()] in self.closed_weekdays


_OVERRIDES = {"ECOM_TIME_ZONE": "time_zone", "ECOM_CURRENCY": "currency", "ECOM_FIRST_DAY": "first_day",
              "ECOM_LAST_DAY": "last_day", "ECOM_SETTLE_HOURS": "settle_hours",
              "ECOM_RESTATE_DAYS": "restate_days", "ECOM_SEED": "seed"}  # fmt: skip


def load_shop(path: Path, environ: dict[str, str] | None = None) -> Shop:
    """The shop that the YAML file `path` describes, with `ECOM_*` overrides of its top-level values.

    Raises:
        SettingsError: naming the file, the line of the faulty key, what was found and what is allowed.
    """
    environ = dict(os.environ) if environ is None else environ
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise SettingsError(f"{path}: cannot be read ({error.strerror}); name a shop file with --shop") from error
    try:
        stated = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise SettingsError(f"{path}: not valid YAML: {error}") from error
    if not isinstance(stated, dict):
        raise SettingsError(f"{path}: must hold settings such as 'name: My shop'")
    for variable, key in _OVERRIDES.items():
        if environ.get(variable):
            stated[key] = environ[variable]
    try:
        return Shop(**stated)
    except ValidationError as error:
        raise SettingsError("\n".join(_explained(path, text, fault) for fault in error.errors())) from error


def _explained(path: Path, text: str, fault: Any) -> str:
    keys = [str(part) for part in fault["loc"]]
    where = ".".join(keys) or "the file"
    if fault["type"] == "extra_forbidden":
        owner = Source if len(keys) > 1 else Shop
        what = f"unknown key; allowed are {', '.join(owner.model_fields)}"
    else:
        what = f"{fault['msg'].removeprefix('Value error, ')}, found {fault['input']!r}"
        if fault["type"] == "missing" or not keys:
            what = fault["msg"].removeprefix("Value error, ")
    return f"{path}:{_line_of(text, keys)}: {where}: {what}"


def _line_of(text: str, keys: list[str]) -> int:
    """The line on which the innermost of the nested `keys` stands, else the last one found, else 1."""
    found, lines = 1, text.splitlines()
    for key in keys:
        pattern = re.compile(rf"^\s*(- )?[\"']?{re.escape(key)}[\"']?\s*:")
        found = next((number for number, line in enumerate(lines, 1) if number >= found and pattern.match(line)), found)
    return found


class Home:
    """The folder that holds all state of one shop, and the names of what lies in it."""

    def __init__(self, root: Path) -> None:
        self.root = root.expanduser().resolve()
        self.warehouse = self.root / "warehouse.duckdb"
        self.lock = self.root / "writer.lock"
        self.landing = self.root / "landing"
        self.published = self.root / "published"
        self.dagster = self.root / "dagster"
        self.models = self.root / "models"
        self.logs = self.root / "logs"
        self.truth = self.root / "truth"
        self.shop_file = self.root / "shop.yaml"
        self.record = self.root / "home.json"

    @classmethod
    def from_environment(cls) -> "Home":
        """The home that `ECOM_HOME` names, else the folder `data` below the working directory."""
        return cls(Path(os.environ.get("ECOM_HOME") or "data"))
