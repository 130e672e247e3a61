"""A simulated shop's truth, as its files tell it. Only scoring reads it."""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

FILES = ("incidents.csv", "series_effects.csv", "quiet_series.csv")


@dataclass(frozen=True)
class Truth:
    """Incidents, each series on their days with and without them, and a quiet stretch: see `scorecard.sized`."""

    incidents: pd.DataFrame
    effects: pd.DataFrame
    quiet: pd.DataFrame


def read_truth(folder: Path) -> Truth:
    """The truth in a folder.

    Raises:
        FileNotFoundError: naming the files that are missing, and how a shop comes to have them.
    """
    missing = [name for name in FILES if not (folder / name).is_file()]
    if missing:
        raise FileNotFoundError(
            f"no truth to score against: {folder} lacks {', '.join(missing)}. Only a simulated shop has one, beside "
            "its landing folder, once it has had an incident"
        )
    incidents = pd.read_csv(folder / FILES[0], parse_dates=["first_date", "last_date"])
    incidents = incidents.rename(columns={"first_date": "start", "last_date": "end", "size": "share"})
    return Truth(incidents, *(_series(folder / name) for name in FILES[1:]))


def _series(path: Path) -> pd.DataFrame:
    texts = {"metric": str, "dimension": str, "member": str}  # the whole has an empty dimension, which is no gap
    frame = pd.read_csv(path, parse_dates=["time"], dtype=texts, keep_default_na=False)
    for name in ("value", "with_incident", "without_incident"):
        if name in frame:
            frame[name] = pd.to_numeric(frame[name], errors="coerce")
    return frame
