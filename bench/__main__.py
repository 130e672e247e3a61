"""`python -m bench [event_log] [backfill] [events] [simulator] … [--days N] …`: run benches, print what they found."""

import argparse

from bench import backfill, event_log, events, executors, simulator

BENCHES = {"event_log": event_log.main, "executors": executors.main, "backfill": backfill.main,
           "events": events.main, "simulator": simulator.main}  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("benches", nargs="*", metavar="BENCH", help=f"of {', '.join(BENCHES)}; without any, all")
    parser.add_argument("--days", type=int, default=730, help="days of the backfill (730)")
    parser.add_argument("--orders", type=int, default=3000, help="orders a day of the backfill (3000)")
    parser.add_argument("--events", type=int, default=1_000_000, help="rows of the events bench (1,000,000)")
    parser.add_argument("--clicks", type=int, default=0, help="clicks that the simulator also makes in one go (0)")
    asked = parser.parse_args()
    unknown = [name for name in asked.benches if name not in BENCHES]
    if unknown:
        parser.error(f"no bench {', '.join(unknown)}; there are {', '.join(BENCHES)}")
    for name in asked.benches or BENCHES:
        print(f"\n{name}", flush=True)
        BENCHES[name](asked)


if __name__ == "__main__":
    main()
