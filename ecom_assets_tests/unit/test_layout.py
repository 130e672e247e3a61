"""The root of the repository holds what the README names, and nothing that a stray redirection left there."""

import shutil
import subprocess

import pytest

from ecom_assets_tests.shared import ROOT

EXPECTED = {
    ".ci", ".gitignore", "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", "Makefile", "README.md", "bench",
    "constraints.txt", "dagster.yaml", "data", "docs", "ecom_assets", "ecom_assets_tests", "examples",
    "pyproject.toml", "shop.yaml", "workspace.yaml",
}  # fmt: skip


def test_the_root_holds_what_it_should() -> None:
    if not shutil.which("git") or not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert {line.split("/")[0] for line in listed.splitlines()} == EXPECTED
