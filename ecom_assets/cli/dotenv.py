"""Writes `.env`, which Dagster reads in its working directory, so that plain `dagster dev` opens the project's state.

Run by `make setup` as `python -m ecom_assets.cli.dotenv .env`. Only the block between the two markers is
written; every other line belongs to whoever wrote it, and a variable that such a line sets is left to it.
"""

import sys
from pathlib import Path

OPENS = "# >>> written by `make setup`; lines outside this block are yours and win"
CLOSES = "# <<<"


def env_text(existing: str, variables: dict[str, str]) -> str:
    """The text of `.env` with `variables` in its marked block, and all other lines as they are in `existing`."""
    kept, inside = [], False
    for line in existing.splitlines():
        if line == OPENS:
            inside = True
        elif line == CLOSES and inside:
            inside = False
        elif not inside:
            kept.append(line)
    set_by_user = {line.removeprefix("export ").partition("=")[0].strip() for line in kept if "=" in line}
    ours = [f"{name}={_quoted(value)}" for name, value in variables.items() if name not in set_by_user]
    return "\n".join([*kept, OPENS, *ours, CLOSES]) + "\n"


def variables(root: Path) -> dict[str, str]:
    """What every Dagster process started in the project's folder `root` should find in its environment."""
    return {"ECOM_HOME": str(root / "data"), "DAGSTER_HOME": str(root), "DAGSTER_DISABLE_TELEMETRY": "1"}


def _quoted(value: str) -> str:
    return f"'{value}'" if set(value) & set(' #"$\\') else value


def main(path: Path) -> None:
    """Write the file `path` in the project's folder."""
    existing = path.read_text(encoding="utf-8") if path.exists() else ""
    path.write_text(env_text(existing, variables(path.resolve().parent)), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
