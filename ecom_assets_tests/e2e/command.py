"""The `ecom` command as a process of its own, as a person calls it."""

import os
import subprocess
import sys
from pathlib import Path

from ecom_assets.orchestration.shop import PROJECT


def environment(home: Path, **more: str) -> dict[str, str]:
    """This process's environment for a home: no shop or landing folder but the home's own."""
    inherited = {name: value for name, value in os.environ.items() if name not in ("ECOM_SHOP", "ECOM_LANDING")}
    path = os.pathsep.join(filter(None, [str(PROJECT), os.environ.get("PYTHONPATH")]))
    return {**inherited, "ECOM_HOME": str(home), "PYTHONPATH": path, "COLUMNS": "200", **more}


def ecom(home: Path, *arguments: str, code: int | None = 0, **more: str) -> subprocess.CompletedProcess[str]:
    """Run the command to its end, and hold it to its exit code."""
    done = subprocess.run(
        [sys.executable, "-m", "ecom_assets", *arguments],
        env=environment(home, **more),
        cwd=home.parent,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert code is None or done.returncode == code, f"ecom {' '.join(arguments)}:\n{done.stdout}\n{done.stderr}"
    return done
