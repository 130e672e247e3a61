"""The shop's settings: `shop.yaml` and `ECOM_*` variables, validated once. Reads no data and no contracts."""

import os
import re
from collections.abc import Iterable
from datetime import date
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, available_timezones

import yaml
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


class SettingsError(ValueError):
    """A setting is wrong; the message names the file, the line and what is allowed, one line for each fault."""


def _existing_day(value: Any) -> Any:
    # Stricter than pydantic, which reads the number 20260131 as seconds since 1970.
    if isinstance(value, str) and re.fullmatch(r"\d{4}-\d{2}-\d{2}", value.strip()):
        try:
            return date.fromisoformat(value.strip())
        except ValueError:
            pass
    elif type(value) is date:
        return value
    raise ValueError("must be a day of the calendar, written like 2026-01-31")


Day = Annotated[date, BeforeValidator(_existing_day)]


class Source(BaseModel):
    """Where one dataset, or one export that feeds several, comes from.

    `path` is a glob relative to the landing folder. `mapping` is a YAML file relative to `shop.yaml`; without
    it the files must carry the contract's own column names.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["simulated", "files"]
    path: str | None = None
    mapping: Path | None = None
    format: Literal["auto", "csv", "parquet", "jsonl", "excel", "lines"] = "auto"
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
        if self.kind == "simulated" and self.model_fields_set - {"kind"}:
            raise ValueError(f"kind: simulated takes no {', '.join(sorted(self.model_fields_set - {'kind'}))}")
        return self


class Targets(BaseModel):
    """What the shop wants of its pages and services; the KPI tables judge by it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    lcp_apdex_ms: float = Field(default=2500, gt=0, description="a page whose content shows by then satisfies")
    api_apdex_ms: float = Field(default=500, gt=0, description="a call that is answered by then satisfies")
    availability_objective: float = Field(default=0.995, ge=0, lt=1, description="share of calls without an error")


class Shop(BaseModel):
    """One shop: its calendar, currency, and where each dataset comes from."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(min_length=1)
    time_zone: str = "UTC"
    currency: str = "EUR"
    first_day: Day
    last_day: Day | None = None
    history_complete_from: Day | None = None
    settle_hours: int = Field(3, ge=0, le=48)
    restate_days: int = Field(3, ge=1, le=90)
    closed_weekdays: tuple[Literal[WEEKDAYS], ...] = ()  # type: ignore[valid-type]
    closed_days: tuple[Day, ...] = ()
    landing: Path | None = Field(None, description="folder of the landing files, relative to this file")
    targets: Targets = Targets()
    seed: int = Field(7, ge=0, description="seed of the simulated shop")
    simulation: dict[str, Any] = Field({}, description="what replaces settings of simulation.yaml")
    sources: dict[str, Source]

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, zone: str) -> str:
        try:
            ZoneInfo(zone)
        except (ValueError, OSError, KeyError):
            # The list of all zones takes 65 ms: only a faulty file pays for it.
            zones = {name.rpartition("/")[2].lower(): name for name in sorted(available_timezones())}
            near = get_close_matches(zone.rpartition("/")[2].lower(), zones, 1)
            hint = f"; did you mean {zones[near[0]]}?" if near else ""
            raise ValueError(f"must be an IANA time zone such as Europe/Berlin or UTC{hint}") from None
        return zone

    @field_validator("currency")
    @classmethod
    def _currency_code(cls, currency: str) -> str:
        if not re.fullmatch("[A-Z]{3}", currency):
            raise ValueError("must be a three-letter code such as EUR")
        return currency

    @field_validator("last_day")
    @classmethod
    def _days_in_order(cls, last_day: date | None, info: ValidationInfo) -> date | None:
        first_day = info.data.get("first_day")
        if last_day and first_day and last_day < first_day:
            raise ValueError(f"must not lie before first_day, {first_day}")
        return last_day

    @field_validator("sources", mode="before")
    @classmethod
    def _shorthand(cls, sources: Any) -> Any:
        if not isinstance(sources, dict) or not sources:
            raise ValueError('must name at least one dataset, such as "orders: simulated"')
        return {name: {"kind": source} if isinstance(source, str) else source for name, source in sources.items()}

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
        SettingsError: naming the file and the line of each faulty key, or the variable, what was found and
            what is allowed.
    """
    environ = dict(os.environ) if environ is None else environ
    stated, lines = _read(path)
    overridden = {key: variable for variable, key in _OVERRIDES.items() if environ.get(variable)}
    stated.update({key: environ[variable] for key, variable in overridden.items()})
    try:
        return Shop(**stated)
    except ValidationError as error:
        faults = sorted(_explained(path, lines, overridden, fault) for fault in error.errors())
        raise SettingsError("\n".join(text for _, text in faults)) from error


class _Loader(yaml.SafeLoader):
    """Leaves dates as the text that they are: a day that does not exist is then judged where its key is known."""

    yaml_implicit_resolvers = {  # noqa: RUF012 - PyYAML's own way to say what is resolved
        first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


_Place = tuple[str, ...]


def _read(path: Path) -> tuple[dict[str, Any], dict[_Place, int]]:
    """What a YAML file states, and the line on which each of its keys stands."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise SettingsError(f"{path}: cannot be read ({error.strerror}); name a shop file with --shop") from error
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise SettingsError(f"{path}:{line}: not UTF-8 text; save the file as UTF-8") from error
    loader = _Loader(text)
    lines: dict[_Place, int] = {}
    try:
        node = loader.get_single_node()
        if not isinstance(node, yaml.MappingNode):
            raise SettingsError(f"{path}:1: must hold settings such as 'name: My shop'")
        for place, line in _key_lines(node):
            if place in lines:
                raise SettingsError(f"{path}:{line}: {'.'.join(place)}: stated twice, first on line {lines[place]}")
            lines[place] = line
        stated = loader.construct_document(node)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or str(error).splitlines()[0]
        raise SettingsError(f"{path}:{mark.line + 1 if mark else 1}: not valid YAML: {problem}") from error
    finally:
        loader.dispose()
    return {str(key): value for key, value in stated.items()}, lines


def _key_lines(node: yaml.Node, place: _Place = ()) -> Iterable[tuple[_Place, int]]:
    inner: list[tuple[str, yaml.Node, yaml.Node]] = []
    if isinstance(node, yaml.MappingNode):
        inner = [(str(key.value), key, value) for key, value in node.value]
    elif isinstance(node, yaml.SequenceNode):
        inner = [(str(number), item, item) for number, item in enumerate(node.value)]
    for name, key, value in inner:
        yield (*place, name), key.start_mark.line + 1
        yield from _key_lines(value, (*place, name))


def _explained(path: Path, lines: dict[_Place, int], overridden: dict[str, str], fault: Any) -> tuple[int, str]:
    """The line of one pydantic fault, and its message as a person would put it."""
    place = tuple(str(part) for part in fault["loc"])
    what = re.sub("^(Value error, |Input )", "", fault["msg"]).replace("should be", "must be")
    if fault["type"] == "extra_forbidden":
        owner = Shop if len(place) == 1 else Targets if place[0] == "targets" else Source
        allowed = list(owner.model_fields)
        near = get_close_matches(place[-1], allowed, 1)
        what = f"unknown key{f'; did you mean {near[0]}?' if near else ''}; allowed are {', '.join(allowed)}"
    elif fault["type"] == "missing":
        what = "is required and missing"
    elif fault["type"] == "model_type":
        what = 'must say where it comes from, such as "simulated" or "{kind: files, path: orders/*.csv}"'
    elif not isinstance(fault["input"], dict):
        what = f"found {str(fault['input'])[:80]!r}, {what}"
    if place and place[0] in overridden:
        return 0, f"{overridden[place[0]]}: {what}"
    known = next((place[:size] for size in range(len(place), 0, -1) if place[:size] in lines), ())
    line = lines.get(known, 1)
    return line, f"{path}:{line}: {'.'.join(place)}: {what}"


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

    def require_writable(self) -> None:
        """Make the folder where it is missing.

        Raises:
            SettingsError: nothing can be written there.
        """
        try:
            self.root.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise SettingsError(f"ECOM_HOME: {self.root} cannot be made ({error.strerror})") from error
        if not os.access(self.root, os.W_OK):
            raise SettingsError(
                f"ECOM_HOME: {self.root} cannot be written (a read-only disk, or another user's folder); what only "
                "reads works there: ecom query, ecom status"
            )

    @classmethod
    def from_environment(cls) -> "Home":
        """The home that `ECOM_HOME` names, else the folder `data` below the working directory."""
        return cls(Path(os.environ.get("ECOM_HOME") or "data"))
