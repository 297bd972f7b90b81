"""``python -m benchmarks.deadlines``: play the scenarios, and print the figures or write them into the document."""

import argparse
import concurrent.futures
import sys
from pathlib import Path

from benchmarks.deadlines.document import bytes_table, forecast_table, picture, saved_table
from benchmarks.deadlines.kept import is_of, keep, kept
from benchmarks.deadlines.play import OURS, Played, play
from benchmarks.deadlines.scenarios import LARGE, MIDDLE, SMALL
from benchmarks.document import with_figures

_SIZES = {"small": SMALL, "middle": [*SMALL, *MIDDLE], "large": [*SMALL, *MIDDLE, *LARGE]}


def main() -> int:
    """Run what the command line names."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.deadlines", description=__doc__)
    parser.add_argument("size", nargs="?", choices=_SIZES, default="small", help="how much to play")
    parser.add_argument(
        "--write", type=Path, help="a document with marks for the figures; the picture goes beside it"
    )
    parser.add_argument("--kept", type=Path, help="a file with what was played before, and to add to")
    parser.add_argument("--processes", type=int, default=1, help="scenarios at a time")
    wanted = parser.parse_args()
    scenarios = _SIZES[wanted.size]
    before = kept(wanted.kept) if wanted.kept else []
    played = [one for one in before if any(is_of(scenario, one) for scenario in scenarios)]
    left = [scenario for scenario in scenarios if not any(is_of(scenario, one) for one in played)]
    with concurrent.futures.ProcessPoolExecutor(wanted.processes) as pool:
        for one in pool.map(play, left):
            print(_line(one), file=sys.stderr, flush=True)
            played.append(one)
            if wanted.kept:
                keep(wanted.kept, one)
    figures = {"saved": saved_table(played), "bytes": bytes_table(played), "forecast": forecast_table(played)}
    if wanted.write is None:
        print("\n".join(figures.values()))
    else:
        wanted.write.write_text(with_figures(wanted.write.read_text(encoding="utf-8"), figures), encoding="utf-8")
        wanted.write.with_suffix(".svg").write_text(picture(played), encoding="utf-8")
    return 0


def _line(one: Played) -> str:
    return f"{one.scenario.videos:>9,}  {one.scenario.name}: {one.saved[OURS]} of at most {one.most}"


if __name__ == "__main__":
    sys.exit(main())
