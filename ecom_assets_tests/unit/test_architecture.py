"""Which folder may import which, as the design's table says; and that loading stays light."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "ecom_assets"

# What may be imported from the project, by the first part of a module's name below the package.
ALLOWED: dict[str, set[str]] = {
    "settings": set(),
    "contracts": set(),
    "guard": set(),
    "sql": set(),
    "simulation": {"contracts"},
    "ingestion": {"contracts", "guard", "settings"},
    "metrics": {"contracts"},
    "anomalies": {"metrics", "forecasting"},  # a residual needs an expectation, and both the same regular series
    "forecasting": {"metrics"},
    "customers": {"metrics"},
    "text": {"metrics"},
    "insights": {"metrics"},
    "reports": {"guard", "metrics"},
    "quality": {"contracts", "settings"},
    "warehouse": {"contracts", "guard", "quality", "settings"},
}
PURE = set(ALLOWED)
ALLOWED["orchestration"] = PURE | {"definitions"}
ALLOWED["defs"] = PURE | {"orchestration"}
ALLOWED["definitions"] = PURE | {"orchestration", "defs"}
ALLOWED["cli"] = PURE | {"orchestration", "definitions"}
ALLOWED["__main__"] = {"cli"}
MAY_IMPORT_DAGSTER = {"orchestration", "defs", "definitions", "cli"}


def _imports(path: Path) -> set[str]:
    """Names of every module that the file imports, wherever in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} if node.module != "ecom_assets" else {f"ecom_assets.{n.name}" for n in node.names}
    return found


def _area(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


FILES = sorted(path for path in PACKAGE.rglob("*.py") if path != PACKAGE / "__init__.py")


@pytest.mark.parametrize("area", sorted({_area(path) for path in FILES}))
def test_imports_go_one_way(area):
    faults = []
    for path in [path for path in FILES if _area(path) == area]:
        for name in _imports(path):
            parts = name.split(".")
            if parts[0] == "ecom_assets" and len(parts) > 1 and parts[1] not in ALLOWED[area] | {area, "__version__"}:
                faults.append(f"{path.relative_to(PACKAGE)} imports {name}")
            if parts[0].startswith("dagster") and area not in MAY_IMPORT_DAGSTER:
                faults.append(f"{path.relative_to(PACKAGE)} imports {name}")
    assert faults == []


def test_areas_of_definitions_name_each_other_by_key_alone():
    faults = [
        f"{path.relative_to(PACKAGE)} imports {name}"
        for path in FILES
        if _area(path) == "defs"
        for name in _imports(path)
        if name.startswith("ecom_assets.defs.")
    ]
    assert faults == []


def test_definitions_stay_a_composition():
    assert len((PACKAGE / "definitions.py").read_text().splitlines()) < 40


def test_definitions_load_light_and_quickly(tmp_path):
    """Without any heavy library, in under 1.5 s of computing beyond Dagster's own import."""
    script = (
        "import sys, time, dagster\n"
        "started = time.process_time()\n"
        "from ecom_assets.definitions import defs\n"
        "loaded = defs()\n"
        "loaded.resolve_asset_graph()\n"
        "print(time.process_time() - started)\n"
        "heavy = {'great_expectations', 'sklearn', 'prophet', 'matplotlib', 'sqlglot', 'pandas', 'scipy'}\n"
        "print(*sorted(heavy & set(sys.modules)))\n"
    )
    shop = tmp_path / "shop.yaml"
    names = ("products", "customers", "campaigns", "marketing_spend", "website_traffic", "orders", "order_items",
             "refunds")  # fmt: skip
    sources = "\n".join(f"  {name}: simulated" for name in names)
    shop.write_text(f"name: Light\nfirst_day: 2026-01-01\nsources:\n{sources}\n")
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={"ECOM_HOME": str(tmp_path), "ECOM_SHOP": str(shop), "PATH": "", "PYTHONPATH": str(PACKAGE.parent)},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    seconds, _, heavy = done.stdout.partition("\n")
    assert heavy.strip() == ""
    assert float(seconds) < 1.5
