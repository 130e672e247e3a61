"""What the values of each dataset look like: one asset for each dataset contract."""

from collections.abc import Callable

import dagster as dg

from ecom_assets.contracts import Contract, dataset_contracts
from ecom_assets.orchestration.table_asset import table_asset
from ecom_assets.quality.column_profile import column_profile_sql
from ecom_assets.settings import Shop
from ecom_assets.sql import Query


def _rows(query: Query) -> Callable[[Shop], Query]:
    def rows(shop: Shop) -> Query:
        return query

    return rows


def _asset(contract: Contract) -> dg.AssetsDefinition:
    query = Query(f"profile/{contract.name}", text=column_profile_sql(contract))
    return table_asset(query.name, requires=[contract.asset], code_version=query.code_version)(_rows(query))


profiles = [_asset(contract) for contract in dataset_contracts().values()]
