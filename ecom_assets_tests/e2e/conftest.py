"""A small simulated shop that was run from nothing, for whoever needs one."""

import pytest

from ecom_assets_tests.e2e.command import ecom

DAYS = 12


@pytest.fixture(scope="session")
def demo_home(tmp_path_factory):
    """A home after `ecom demo`; copy it before changing it."""
    home = tmp_path_factory.mktemp("demo") / "home"
    ecom(home, "demo", "--days", str(DAYS), "--orders-per-day", "40", "--seed", "11")
    return home
