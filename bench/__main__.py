"""`python -m bench [NAME …] [OPTIONS]`: run benches, print what they found; `--help` names them."""

import argparse
from importlib import import_module
from pathlib import Path

BENCHES = ("event_log", "executors", "backfill", "refresh", "events", "simulator", "forecasts", "models", "alarms",
           "detection")  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("benches", nargs="*", metavar="BENCH", help=f"of {', '.join(BENCHES)}; without any, all")
    parser.add_argument("--days", type=int, default=730, help="days of the backfill (730)")
    parser.add_argument("--orders", type=int, default=3000, help="orders a day of the backfill (3000)")
    parser.add_argument("--refresh-orders", type=float, default=20, help="orders a day of the refresh (20)")
    parser.add_argument("--refresh-keep", type=Path, help="folder of the refresh's histories, to be used again")
    parser.add_argument("--seeds", type=int, nargs=2, default=(1, 4), help="first and last simulated shop (1 4)")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder of public series")
    parser.add_argument("--events", type=int, default=1_000_000, help="rows of the events bench (1,000,000)")
    parser.add_argument("--home", type=Path, help="a shop that has been run, of the models bench (ECOM_HOME)")
    parser.add_argument("--every", type=int, default=1, help="of the models bench: every so many-th series (1)")
    parser.add_argument("--clicks", type=int, default=0, help="clicks that the simulator also makes in one go (0)")
    parser.add_argument(
        "--cache", type=Path, default=Path("build/shops"), help="folder of detection's shops (build/shops)"
    )
    parser.add_argument("--cached", action="store_true", help="detection: leave out shops that are not simulated yet")
    parser.add_argument(
        "--forecasts", action="store_true", help="detection: with forecasts in the detectors, 80 s of computing a shop"
    )
    parser.add_argument("--prophet", action="store_true", help="detection: Prophet too, 10 s of computing a shop")
    parser.add_argument("--tune", action="store_true", help="detection: the baselines at every threshold")
    asked = parser.parse_args()
    unknown = [name for name in asked.benches if name not in BENCHES]
    if unknown:
        parser.error(f"no bench {', '.join(unknown)}; there are {', '.join(BENCHES)}")
    for name in asked.benches or BENCHES:
        print(f"\n{name}", flush=True)
        import_module(f"bench.{name}").main(asked)  # here: what one bench loads must not speed up another one


if __name__ == "__main__":
    main()
