"""What every table must look like: one YAML file a dataset or table made of them, and their loader.

Anything that depends on a table's columns, types, units, keys, rules or meaning is made from a
`Contract`; none of it is stated a second time anywhere else. No SQL runs and no data is read here.
"""

from ecom_assets.contracts.loader import (
    LAYERS,
    ContractError,
    contract,
    dataset_contracts,
    kpi_contracts,
    load_contract,
    profile_contracts,
    table_contracts,
)
from ecom_assets.contracts.model import Column, Contract, Reference, Rule

__all__ = [
    "LAYERS",
    "Column",
    "Contract",
    "ContractError",
    "Reference",
    "Rule",
    "contract",
    "dataset_contracts",
    "kpi_contracts",
    "load_contract",
    "profile_contracts",
    "table_contracts",
]
