"""Mappings: what a foreign export's columns mean, as a validated YAML file. Runs no SQL, reads no data.

A mapping may come from anywhere, and its SQL runs on the warehouse: the files that it names lie in the shop's folder,
and each is one SELECT over the export's own lines.
"""

import difflib
import re
from collections.abc import Collection
from encodings.aliases import aliases as encoding_aliases
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from ecom_assets.contracts import dataset_contracts
from ecom_assets.guard.statements import StatementError, check_select
from ecom_assets.settings import Shop

# What a statement is made of, as far as its end is concerned: quoted text first, so that signs in it are left alone.
_PIECE = re.compile(
    r"""(?P<said>'(?:[^']|'')*'|"(?:[^"]|"")*"|\$\$.*?\$\$)|(?P<unsaid>--[^\n]*|/\*.*?\*/|[\s;]+)|(?P<sign>.)""",
    re.DOTALL,
)


STAGED = "staged"  # the table of the export's lines
_VIEW = re.compile(r"[A-Za-z][A-Za-z0-9_]*")  # names with an underscore in front are those of the loader's own tables


class MappingError(ValueError):
    """A mapping does not say what it must; the message names the file and the key."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Format(_Strict):
    """How a foreign column writes its values, where that is not what `ingestion.values` reads anyway.

    `timestamp`: strptime patterns, tried in order, such as "%m/%d/%Y %H:%M". `epoch`: s or ms since 1970.
    `decimal_comma`: 1.234,56 means 1234.56. `strip_suffix`: an ending to take off, such as ".0" of "17850.0".
    """

    timestamp: tuple[str, ...] = ()
    epoch: Literal["s", "ms"] | None = None
    decimal_comma: bool = False
    strip_suffix: str | None = None

    @model_validator(mode="after")
    def _one_of_them(self) -> "Format":
        stated = [bool(self.timestamp), bool(self.epoch), self.decimal_comma, bool(self.strip_suffix)]
        if sum(stated) != 1:
            raise ValueError("say exactly one of timestamp, epoch, decimal_comma, strip_suffix")
        return self


class DatasetMapping(_Strict):
    """How one dataset is made of the export: column by column, or by one SELECT over the table `staged`."""

    columns: dict[str, str] | None = Field(None, description="contract column: foreign column")
    constants: dict[str, str] = Field(default_factory=dict, description="contract column: the same value for all rows")
    values: dict[str, dict[str, str]] = Field(
        default_factory=dict, description="contract column: {foreign value: contract value}"
    )
    formats: dict[str, Format] = Field(default_factory=dict, description="contract column: how its values are written")
    sql: Path | None = None

    @model_validator(mode="after")
    def _one_way(self) -> "DatasetMapping":
        if self.sql and (self.columns or self.constants or self.values or self.formats):
            raise ValueError("say either `sql` or `columns`, `constants`, `values` and `formats`")
        if not self.sql and not self.columns:
            raise ValueError("say `columns` or `sql`")
        return self

    @field_validator("constants", mode="before")
    @classmethod
    def _as_text(cls, constants: Any) -> Any:
        return {key: str(value) for key, value in constants.items()} if isinstance(constants, dict) else constants


class Mapping(_Strict):
    """One foreign export: its columns, how they are written, and the datasets that it feeds."""

    name: str
    description: str = ""
    source_time_zone: str | None = Field(None, description="of times without an offset; the shop's where not stated")
    delimiter: Literal[",", ";", "\t", "|"] = ","
    encoding: str | None = Field(None, description="of files that are neither UTF-8, UTF-16 nor Windows-1252")
    sheet: str | None = Field(None, description="of workbooks with several sheets")
    columns: tuple[str, ...] = Field(min_length=1, description="foreign columns that every file must hold")
    optional_columns: tuple[str, ...] = ()
    ignore_columns: tuple[str, ...] = ()
    aliases: dict[str, str] = Field(default_factory=dict, description="other name of a column: its name in `columns`")
    formats: dict[str, Format] = Field(default_factory=dict, description="foreign column: how its values are written")
    views: dict[str, Path] = Field(
        default_factory=dict, description="name: a SELECT over `staged` that the datasets' SELECTs share"
    )
    datasets: dict[str, DatasetMapping] = Field(min_length=1)
    path: Path = Path("mapping.yaml")

    @field_validator("source_time_zone")
    @classmethod
    def _known_zone(cls, zone: str | None) -> str | None:
        return Shop._known_zone(zone) if zone else zone

    @field_validator("encoding")
    @classmethod
    def _known_encoding(cls, encoding: str | None) -> str | None:
        try:
            " ".encode(encoding or "utf-8")  # codecs.lookup alone knows base64, too
        except (LookupError, ValueError):
            close = difflib.get_close_matches(str(encoding).lower(), [*encoding_aliases, *encoding_aliases.values()], 1)
            hint = f"did you mean {close[0]}?" if close else "known are utf-8, latin-1, cp1250, shift_jis and the like"
            raise ValueError(f"{encoding!r} is no encoding of text; {hint}") from None
        return encoding

    @field_validator("views")
    @classmethod
    def _names_of_their_own(cls, views: dict[str, Path]) -> dict[str, Path]:
        for name in views:
            if not _VIEW.fullmatch(name) or name.lower() == STAGED:
                raise ValueError(f"{name!r} cannot name a view; use letters, digits and underscores, but not {STAGED}")
        return views

    @model_validator(mode="after")
    def _names_exist(self) -> "Mapping":
        foreign = set(self.expected_columns)
        _known("formats", self.formats, foreign, "columns")
        _known("aliases", self.aliases.values(), foreign, "columns")
        _known("datasets", self.datasets, dataset_contracts(), "datasets")
        for name, dataset in self.datasets.items():
            own = {column.name for column in dataset_contracts()[name].input_columns}
            for part in ("columns", "constants", "values", "formats"):
                _known(f"datasets.{name}.{part}", getattr(dataset, part) or (), own, f"columns of {name}")
            _known(f"datasets.{name}.columns", (dataset.columns or {}).values(), foreign, "columns")
        return self

    @model_validator(mode="after")
    def _required_columns_come(self) -> "Mapping":
        for name, dataset in self.datasets.items():
            if not dataset.sql:
                lacking = lacking_columns(name, {*(dataset.columns or ()), *dataset.constants})
                if lacking:
                    raise ValueError(f"datasets.{name}: {lacking_words(name, lacking)}")
        return self

    @cached_property
    def expected_columns(self) -> dict[str, bool]:
        """Foreign columns and whether each must be there."""
        return {**dict.fromkeys(self.columns, True), **dict.fromkeys(self.optional_columns, False)}

    def sql_of(self, dataset: str) -> str | None:
        """The SELECT that makes the dataset, where the mapping names one."""
        sql = self.datasets[dataset].sql
        return self.text_of(sql) if sql else None

    def sql_files(self) -> dict[str, Path]:
        """Every SELECT that the mapping names, by the key that names it."""
        stated = {f"datasets.{name}.sql": dataset.sql for name, dataset in self.datasets.items() if dataset.sql}
        return {**stated, **{f"views.{name}": sql for name, sql in self.views.items()}}

    def text_of(self, sql: Path) -> str:
        """The SELECT in a file beside the mapping, without what follows its end.

        Raises:
            MappingError: it is not one SELECT over `staged` and the mapping's views.
        """
        text = _ended((self.path.parent / sql).read_text(encoding="utf-8-sig"))
        try:
            check_select(text, frozenset({STAGED, *map(str.lower, self.views)}))
        except StatementError as error:
            raise MappingError(f"{self.path.parent / sql}: {error}") from error
        return text


def _ended(sql: str) -> str:
    """The statement without semicolons, comments and blanks behind it, as it stands inside others."""
    pieces = [found for found in _PIECE.finditer(sql) if not found["unsaid"]]
    return sql[: pieces[-1].end()].lstrip() if pieces else ""


def _known(where: str, names: Any, known: Any, of: str) -> None:
    for name in names:
        if name not in known:
            close = difflib.get_close_matches(name, list(known), 1)
            hint = f"; did you mean {close[0]}?" if close else f"; known: {', '.join(sorted(known))}"
            raise ValueError(f"{where}: {name!r} is not among its {of}{hint}")


def lacking_columns(dataset: str, brought: Collection[str]) -> tuple[str, ...]:
    """Columns without which every row of the dataset would be rejected: neither brought nor made nor defaulted."""
    columns = dataset_contracts()[dataset].input_columns
    return tuple(column.name for column in columns if column.must_come and column.name not in brought)


def lacking_words(dataset: str, lacking: Collection[str]) -> str:
    """What is wrong with a mapping that lacks columns, and what to do about it."""
    return (
        f"{' and '.join(lacking)} missing, without which every row of {dataset} would be rejected; name the foreign"
        " column of each under `columns`, one value for all rows under `constants`, or make it in `sql`, such as"
        " row_number() for a line's number"
    )


def load_mapping(path: Path, folder: Path | None = None) -> Mapping:
    """The mapping in the YAML file `path`.

    Args:
        path: of the file.
        folder: that of the shop, in which it and its SQL must lie; by default the file's own.

    Raises:
        MappingError: naming the file, the key, what was found and what is allowed.
    """
    folder = folder or path.parent
    _inside(folder, path, f"{path}: `mapping`")
    try:
        stated = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise MappingError(f"{path}: cannot be read ({error.strerror}); `mapping` is relative to shop.yaml") from error
    except yaml.YAMLError as error:
        raise MappingError(f"{path}: not valid YAML: {error}") from error
    if not isinstance(stated, dict):
        raise MappingError(f"{path}: must hold a mapping: name, columns, datasets")
    try:
        mapping = Mapping(**{**stated, "path": path})
    except ValidationError as error:
        raise MappingError("\n".join(_explained(path, fault) for fault in error.errors())) from error
    for key, sql in mapping.sql_files().items():
        _inside(folder, path.parent / sql, f"{path}: {key}")
        if not (path.parent / sql).is_file():
            raise MappingError(f"{path}: {key}: there is no file {path.parent / sql}")
        mapping.text_of(sql)
    return mapping


def _inside(folder: Path, path: Path, where: str) -> None:
    """Make sure that a file lies in the folder, wherever links on the way to it lead."""
    if not path.resolve().is_relative_to(folder.resolve()):
        raise MappingError(f"{where}: {path} lies outside the shop's folder {folder.resolve()}; put the file into it")


def _explained(path: Path, fault: Any) -> str:
    where = ".".join(str(part) for part in fault["loc"])
    what = fault["msg"].removeprefix("Value error, ")
    if fault["type"] == "extra_forbidden":
        what = "unknown key"
    elif fault["type"] not in ("missing", "value_error"):
        what += f", found {fault['input']!r}"
    return f"{path}: {where}: {what}" if where else f"{path}: {what}"
