"""Reads the YAML contracts. Nothing outside this folder opens those files."""

from functools import cache
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from ecom_assets.contracts.model import Contract

FOLDER = Path(__file__).parent
LAYERS = ("kpi", "forecast")
"""Layers of tables that are made of other tables, in the order of the data's way; each is a folder here."""
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class ContractError(ValueError):
    """A contract file does not say what a contract must say."""


def load_contract(path: Path) -> Contract:
    """The contract in the YAML file `path`.

    Every closed-set column `x` gains a nullable companion `source_x` behind it, unless the file states
    one: the place where clean keeps a value that it replaced.

    Raises:
        ContractError: naming the file and what is wrong in it.
    """
    try:
        stated = yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)  # noqa: S506 - the safe loader, in C where present
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ContractError(f"{path}: not valid YAML: {error}") from error
    if not isinstance(stated, dict) or not isinstance(stated.get("columns"), dict):
        raise ContractError(f"{path}: must state `columns`, each under its name")
    bare = [name for name, column in stated["columns"].items() if not isinstance(column, dict)]
    if bare:
        raise ContractError(f"{path}: columns without a description: {', '.join(map(str, bare))}")
    layer = "clean" if path.parent.name == "datasets" else path.parent.name
    columns = _with_companions(stated.pop("columns"))
    try:
        return Contract.model_validate({**stated, "name": path.stem, "layer": layer, "columns": columns})
    except ValidationError as error:
        raise ContractError(f"{path}: {_explained(error, columns)}") from error


def _explained(error: ValidationError, columns: list[dict[str, Any]]) -> str:
    """Every fault in one line, a column by its name rather than by its number."""
    faults = []
    for fault in error.errors():
        place = [str(part) for part in fault["loc"]]
        if place[:1] == ["columns"] and len(place) > 1:
            place[1] = columns[int(place[1])]["name"]
        faults.append(f"{'.'.join(place) or 'contract'}: {fault['msg'].removeprefix('Value error, ')}")
    return "; ".join(faults)


def _with_companions(stated: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    columns: list[dict[str, Any]] = []
    for name, column in stated.items():
        columns.append({"name": name, **column})
        companion = f"source_{name}"
        if column.get("values") and companion not in stated and not column.get("required"):
            columns.append(
                {
                    "name": companion,
                    "source_of": name,
                    "description": f"What the source said where {name} was replaced; empty where it was not.",
                }
            )
    return columns


@cache
def _folder(name: str) -> dict[str, Contract]:
    return {path.stem: load_contract(path) for path in sorted((FOLDER / name).glob("*.yaml"))}


def dataset_contracts() -> dict[str, Contract]:
    """Every dataset's contract by dataset name."""
    return _folder("datasets")


def profile_contracts() -> dict[str, Contract]:
    """The contract of every dataset's profile table by dataset name.

    All of them have the columns that `profile.yaml` states; domain and owner are the dataset's.
    """
    return dict(_profiles())


@cache
def _profiles() -> dict[str, Contract]:
    common = load_contract(FOLDER / "profile.yaml")
    return {
        name: common.model_copy(
            update={"name": name, "layer": "profile", "domain": dataset.domain, "owner": dataset.owner}
        )
        for name, dataset in dataset_contracts().items()
    }


def kpi_contracts() -> dict[str, Contract]:
    """Every KPI table's contract by table name."""
    return _folder("kpi")


def table_contracts() -> dict[str, Contract]:
    """The contract of every table of `LAYERS` by asset."""
    return {each.asset: each for layer in LAYERS for each in _folder(layer).values()}


def contract(asset: str) -> Contract:
    """The contract of a table named as asset, such as 'clean/orders' or 'kpi/daily_revenue'.

    Raises:
        KeyError: where no contract of that name exists.
    """
    layer, _, name = asset.partition("/")
    if layer == "profile":
        return _profiles()[name]
    return _folder("datasets" if layer in ("landing", "raw", "clean") else layer)[name]
