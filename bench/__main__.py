"""`python -m bench [event_log] [executors] [backfill] [refresh] [--days N] …`: run benches, print what they found."""

import argparse

from bench import backfill, event_log, executors, refresh

BENCHES = {
    "event_log": event_log.main,
    "executors": executors.main,
    "backfill": backfill.main,
    "refresh": refresh.main,
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("benches", nargs="*", metavar="BENCH", help=f"of {', '.join(BENCHES)}; without any, all")
    parser.add_argument("--days", type=int, default=730, help="days of the backfill (730)")
    parser.add_argument("--orders", type=int, default=3000, help="orders a day of the backfill (3000)")
    parser.add_argument("--refresh-orders", type=float, default=20, help="orders a day of the refresh (20)")
    asked = parser.parse_args()
    unknown = [name for name in asked.benches if name not in BENCHES]
    if unknown:
        parser.error(f"no bench {', '.join(unknown)}; there are {', '.join(BENCHES)}")
    for name in asked.benches or BENCHES:
        print(f"\n{name}", flush=True)
        BENCHES[name](asked)


if __name__ == "__main__":
    main()
