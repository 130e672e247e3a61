"""Where the real data sets with known answers lie, for tests and benches."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


def shared_data(name: str) -> Path:
    """The folder `name` of the real data sets; skips the test where it is absent."""
    folder = Path(os.environ.get("ECOM_SHARED_DATA") or ROOT.parent / "shared" / "data") / name
    if not folder.is_dir():
        pytest.skip(f"the real data set {name} is not at {folder}; set ECOM_SHARED_DATA to the folder that holds it")
    return folder
