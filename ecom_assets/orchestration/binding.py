"""Fits the declared assets to one shop: its days, and only what its datasets can feed.

Assets are declared once for every shop. An asset is left out when something that it requires is; a dependency
that it merely uses is dropped where the shop has no such asset, and its table is then empty.
"""

import hashlib
from collections.abc import Iterable

import dagster as dg

from ecom_assets.orchestration.days import UNBOUND_DAYS, daily_partitions
from ecom_assets.orchestration.refused_runs import refusals_fail
from ecom_assets.settings import Shop


def bind(definitions: dg.Definitions, shop: Shop) -> dg.Definitions:
    """The definitions for one shop."""
    assets = list(definitions.assets or [])
    specs = {spec.key: spec for spec in _specs(assets)}
    kept = kept_keys(specs.values())
    days = daily_partitions(shop)
    # Tables are made from the shop's settings too: what time zone, currency or calendar it has changes the rows.
    settings = hashlib.sha256(shop.model_dump_json(exclude={"sources", "landing"}).encode()).hexdigest()[:8]

    def fit(spec: dg.AssetSpec) -> dg.AssetSpec:
        deps = [dep for dep in spec.deps if dep.asset_key in kept]
        own_days = days if spec.partitions_def == UNBOUND_DAYS else spec.partitions_def
        version = f"{spec.code_version}-{settings}" if "uses" in spec.metadata else spec.code_version
        there = {
            need: [name for name in spec.metadata[need] if dg.AssetKey(name.split("/")) in kept]
            for need in ("requires_any", "uses")
            if need in spec.metadata
        }
        fitted = {**spec.metadata, **there}
        return spec.replace_attributes(deps=deps, partitions_def=own_days, metadata=fitted, code_version=version)

    fitted = [
        each.map_asset_specs(fit) if isinstance(each, dg.AssetsDefinition) else fit(each)
        for each in assets
        if _keys(each) <= kept
    ]
    return dg.Definitions(
        assets=fitted,
        jobs=definitions.jobs,
        schedules=definitions.schedules,
        sensors=definitions.sensors,
        resources=definitions.resources,
        executor=refusals_fail,
    )


def kept_keys(specs: Iterable[dg.AssetSpec]) -> set[dg.AssetKey]:
    """Keys of the assets that have all that they require, and one of what they require any of, also through others."""
    wanted = {spec.key: (_named(spec, "requires"), _named(spec, "requires_any")) for spec in specs}

    def lacks(key: dg.AssetKey) -> bool:
        required, one_of = wanted[key]
        return not required <= wanted.keys() or (bool(one_of) and not one_of & wanted.keys())

    while lacking := {key for key in wanted if lacks(key)}:
        wanted = {key: names for key, names in wanted.items() if key not in lacking}
    return set(wanted)


def _named(spec: dg.AssetSpec, need: str) -> set[dg.AssetKey]:
    return {dg.AssetKey(name.split("/")) for name in spec.metadata.get(need, [])}


def _specs(assets: Iterable[dg.AssetsDefinition | dg.AssetSpec]) -> Iterable[dg.AssetSpec]:
    for each in assets:
        yield from each.specs if isinstance(each, dg.AssetsDefinition) else [each]


def _keys(asset: dg.AssetsDefinition | dg.AssetSpec) -> set[dg.AssetKey]:
    return {spec.key for spec in _specs([asset])}
