"""Typed, deduplicated datasets in the shop's currency: one asset for each dataset contract."""

from collections.abc import Callable

import dagster as dg

from ecom_assets.contracts import Contract, dataset_contracts
from ecom_assets.ingestion.inherited import inherits_from
from ecom_assets.orchestration.table_asset import table_asset
from ecom_assets.settings import Shop
from ecom_assets.sql import Query


def _rows(contract: Contract) -> Callable[[Shop], Query]:
    def rows(shop: Shop) -> Query:
        from ecom_assets.ingestion import clean_select

        return Query(contract.asset, text=clean_select(contract, shop))

    return rows


def _asset(contract: Contract) -> dg.AssetsDefinition:
    orders = inherits_from(contract)
    uses = [f"clean/{orders.to}"] if orders else []
    return table_asset(contract.asset, requires=[f"raw/{contract.name}"], uses=uses)(_rows(contract))


clean_datasets = [_asset(contract) for contract in dataset_contracts().values()]
