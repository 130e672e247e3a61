import subprocess
import sys

import pytest

from ecom_assets.contracts import dataset_contracts
from ecom_assets.contracts.model import Rule
from ecom_assets.quality import checks
from ecom_assets_tests.unit.warehouse.small_shop import DAILY, SALES


def test_checks_state_the_facts_of_the_contract():
    severities = {check.name: check.severity for check in checks(SALES)}
    assert severities == {
        "columns_match_contract": "error",
        "rows_reach_the_minimum": "error",
        "key_is_unique": "error",
        "sale_id_is_present": "error",
        "sold_at_is_present": "error",
        "amount_is_present": "error",
        "channel_is_in_its_set": "error",
        "stars_is_in_range": "error",
        "amount_is_not_negative": "error",  # on_break: reject, so none may be left
        "amount_is_plausible": "warn",
        "buyer_id_found_in_buyers": "error",
        "quarantined_share_is_low": "error",
        "rows_arrived": "warn",
        "row_count_is_usual": "warn",
    }


def test_only_errors_block():
    assert {check.severity for check in checks(SALES) if check.blocking} == {"error"}
    assert {check.severity for check in checks(SALES) if not check.blocking} == {"warn"}


def test_a_whole_table_has_no_volume_checks_and_a_kpi_no_quarantine():
    names = {check.name for check in checks(DAILY)}
    assert "amount_equals_clean_sales" in names
    assert not names & {"rows_arrived", "row_count_is_usual", "quarantined_share_is_low"}


def test_two_facts_of_one_name_are_refused():
    twice = SALES.model_copy(update={"rules": (Rule(name="key_is_unique", expression="true"),)})
    with pytest.raises(ValueError, match="key_is_unique"):
        checks(twice)


def test_every_dataset_has_checks_with_names_and_descriptions():
    for contract in dataset_contracts().values():
        assert all(check.name.isidentifier() and check.description for check in checks(contract))


def test_listing_checks_imports_no_great_expectations():
    code = (
        "import sys; from ecom_assets.contracts import dataset_contracts; from ecom_assets.quality import checks; "
        "import ecom_assets.warehouse; [checks(c) for c in dataset_contracts().values()]; "
        "sys.exit('great_expectations' in sys.modules or 'dagster' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
