"""What the shop's file says about where data comes from, as plans that can be carried out. Reads no data."""

import difflib
import hashlib
import json
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from ecom_assets.contracts import Contract, dataset_contracts
from ecom_assets.ingestion.mapping import Mapping, MappingError, load_mapping
from ecom_assets.ingestion.reach import looks_beyond_a_file
from ecom_assets.settings import Shop, Source


class PlanError(ValueError):
    """The shop's sources cannot be carried out; the message names the source and what is allowed."""


@dataclass(frozen=True)
class SourcePlan:
    """One source: a dataset under its own name, or an export whose mapping feeds several datasets."""

    name: str
    feeds: tuple[str, ...]
    pattern: str
    mapping: Mapping | None
    source: Source
    contracts: dict[str, Contract] = field(default_factory=dict, repr=False)
    read_as: str = field(default="", repr=False)
    """Changes with all that decides how a file is read: the mapping and its SQL, the contracts, the shop's settings."""

    @property
    def expected_columns(self) -> dict[str, bool]:
        """Columns that its files may hold, and whether each must be there."""
        if self.mapping:
            return self.mapping.expected_columns
        (contract,) = self.contracts.values()
        return {column.name: column.must_come for column in contract.input_columns}

    @cached_property
    def reads_beyond_a_file(self) -> bool:
        """Whether what a line becomes may depend on other files of the source: its mapping's SQL joins them, say."""
        return self.mapping is not None and looks_beyond_a_file(self.mapping)

    @property
    def may_hold_persons(self) -> bool:
        """Whether text that quotes its files may tell of a person; readers and logs then get none.

        So it may unless somebody stated of every column what it is, and none of them is personal. Nobody did of columns
        that are ignored, or that only a mapping's SQL looks at.
        """
        taken = [each.columns or {} for each in self.mapping.datasets.values()] if self.mapping else []
        stated = {foreign for columns in taken for foreign in columns.values()}
        is_stated = not self.mapping or stated >= self.expected_columns.keys()
        is_personal = any(column.personal for each in self.contracts.values() for column in each.columns)
        return is_personal or bool(self.ignored_columns) or not is_stated

    @property
    def ignored_columns(self) -> frozenset[str]:
        """Columns that its files may hold and nobody wants."""
        return frozenset((*self.source.ignore_columns, *(self.mapping.ignore_columns if self.mapping else ())))


def plan_sources(shop: Shop, shop_file: Path) -> tuple[SourcePlan, ...]:
    """A plan for each source of `shop`; mappings are read relative to `shop_file`.

    Raises:
        PlanError: a source that is neither a dataset nor mapped, or a dataset that is fed twice.
        MappingError: a mapping that cannot be read, naming its file and key.
    """
    plans = tuple(_plan(name, source, shop_file.parent, shop) for name, source in shop.sources.items())
    fed: dict[str, str] = {}
    for plan in plans:
        for dataset in plan.feeds:
            if dataset in fed:
                raise PlanError(
                    f"{shop_file}: {dataset} is fed by both {fed[dataset]} and {plan.name}; one source a dataset"
                )
            fed[dataset] = plan.name
    return plans


def _plan(name: str, source: Source, folder: Path, shop: Shop) -> SourcePlan:
    known = dataset_contracts()
    mapping = load_mapping(folder / source.mapping, folder) if source.mapping else None
    if mapping is None and name not in known:
        close = difflib.get_close_matches(name, known, 1)
        hint = f"did you mean {close[0]}? All datasets" if close else "the datasets"
        raise PlanError(f"sources.{name}: no dataset of that name, and no mapping; {hint} are {', '.join(known)}")
    feeds = tuple(mapping.datasets) if mapping else (name,)
    contracts = {dataset: known[dataset] for dataset in feeds}
    return SourcePlan(
        name=name,
        feeds=feeds,
        pattern=source.path or f"{name}/*.{{csv,parquet}}",
        mapping=mapping,
        source=source,
        contracts=contracts,
        read_as=_read_as(source, mapping, contracts, shop),
    )


def _read_as(source: Source, mapping: Mapping | None, contracts: dict[str, Contract], shop: Shop) -> str:
    said = {
        "source": source.model_dump_json(exclude={"kind", "path", "mapping", "delete_with_file"}),
        "mapping": mapping.model_dump_json(exclude={"path"}) if mapping else None,
        "sql": [mapping.text_of(file) for file in mapping.sql_files().values()] if mapping else [],
        "contracts": [contract.model_dump_json() for contract in contracts.values()],
        "shop": [shop.time_zone, shop.currency],
        "words": "a source that may hold persons is not quoted",  # what was kept before may quote it: read again
    }
    return hashlib.sha256(json.dumps(said).encode()).hexdigest()[:16]


__all__ = ["MappingError", "PlanError", "SourcePlan", "plan_sources"]
