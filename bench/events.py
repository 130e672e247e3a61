"""Events to sessions and all event KPI tables: the project beside a hand-written script and beside pandas.

python -m bench.events                        # a million events, seconds
python -m bench.events --events 20000000     # the size that is promised: at least 5 times as fast as pandas, at
                                              # most 1.3 times the script, under 2 GB

The shop has a bare clickstream (no session table), page loads and backend calls, over 200 days. Each contender is a
process of its own on the same rows, makes the same tables, and must give the same numbers. The project writes them
the way it always does (stage, judge, swap, lineage); imports and judging are reported apart.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from bench.events_pandas import in_pandas
from bench.events_project import project
from bench.events_script import script
from bench.events_shared import CHECKS, DAYS, TABLES, THREADS, draw

PROMISED_AT = 20_000_000  # below, what each write costs apart from its rows weighs more
CONTENDERS: dict[str, Callable[[Path], dict[str, float]]] = {"project": project, "script": script, "pandas": in_pandas}


def run_alone(name: str, folder: Path) -> None:
    """One contender in this process; prints what it measured."""
    measured = CONTENDERS[name](folder)
    measured["peak_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps(measured))


def compare(events: int) -> int:
    """All contenders, one after the other, on the same rows; 1 where a promise is broken."""
    with tempfile.TemporaryDirectory(prefix="bench-events-") as name:
        folder = Path(name)
        draw(events, folder)
        results = {}
        for contender in CONTENDERS:
            command = [sys.executable, "-m", "bench.events", "--contender", contender, "--folder", name]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode:
                raise SystemExit(f"{contender} failed:\n{done.stderr[-2000:]}")
            results[contender] = json.loads(done.stdout.splitlines()[-1])
    return report(events, results)


def report(events: int, results: dict[str, dict[str, float]]) -> int:
    """Prints the table; 1 where a promise is broken at the size that it is given for."""
    print(f"{events:,} events over {DAYS} days, {THREADS} threads; seconds")
    print(f"{'':20}" + "".join(f"{name:>12}" for name in results))
    for part in ("load", *TABLES, "judging", "total", "cpu", "peak_mb"):
        cells = "".join(f"{result[part]:12.2f}" if part in result else f"{'–':>12}" for result in results.values())
        print(f"{part:20}{cells}")
    for check in CHECKS:
        values = {name: result[check] for name, result in results.items()}
        if max(values.values()) - min(values.values()) > 1e-6 * max(values.values()):
            raise SystemExit(f"the contenders disagree about {check}: {values}")
    project_seconds = results["project"]["total"] - results["project"]["judging"]
    to_script = project_seconds / results["script"]["total"]
    to_pandas = results["pandas"]["total"] / project_seconds
    peak = results["project"]["peak_mb"]
    print(f"without judging {to_script:.2f} times the script's time (promised: at most 1.3)")
    print(
        f"pandas takes {to_pandas:.1f} times as long (promised: at least 5); peak {peak:.0f} MB (promised: under 2000)"
    )
    return int(events >= PROMISED_AT and (to_script > 1.3 or to_pandas < 5 or peak > 2000))


def main(asked: argparse.Namespace) -> int:
    """0 where all promises hold at the size asked for."""
    return compare(asked.events)


def _alone() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--contender", choices=CONTENDERS, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.contender:
        run_alone(arguments.contender, arguments.folder)
        return 0
    return main(arguments)


if __name__ == "__main__":
    sys.exit(_alone())
