"""Let histories happen on virtual time, as many as are wanted.

    python tests/simulate.py --seeds 1000 --from 0     many, and what came of them
    python tests/simulate.py --from 4711 --trace       one, told step by step

A history that breaks an invariant is named by its seed, and happens again exactly under it.
"""

import argparse
import logging
import sys
import tempfile
import time
import traceback
from collections import Counter
from pathlib import Path

from simulation.disk import drop_template, scratch_directory
from simulation.history import tell
from simulation.invariants import BrokenPromiseError


def main() -> int:
    """Run what the command line names; 1 where an invariant is broken."""
    parser = argparse.ArgumentParser(description="Let histories happen on virtual time.")
    parser.add_argument("--seeds", type=int, default=1, help="how many")
    parser.add_argument("--from", type=int, default=0, dest="first", help="the first seed")
    parser.add_argument("--trace", action="store_true", help="tell each step")
    parser.add_argument("--keep-going", action="store_true", help="do not end at the first broken one")
    asked = parser.parse_args()
    logging.disable(logging.CRITICAL)
    broken, began = 0, time.monotonic()
    struck: Counter[str] = Counter()
    ended: Counter[str] = Counter()
    with tempfile.TemporaryDirectory(prefix="fetcher-histories-", dir=scratch_directory()) as directory:
        for seed in range(asked.first, asked.first + asked.seeds):
            try:
                told = tell(seed, Path(directory))
            except BrokenPromiseError as exc:
                broken += 1
                print(exc.args[0], flush=True)
                if asked.trace:
                    print(*exc.args[1], sep="\n")
                    traceback.print_exc()
                if not asked.keep_going:
                    break
                continue
            struck += told.struck
            ended += told.ended
            if asked.trace:
                print(*told.trace, *told.rows, sep="\n")
    drop_template()
    print(f"{asked.seeds} histories in {time.monotonic() - began:.0f} s, {broken} broken", file=sys.stderr)
    print("ended:", dict(sorted(ended.items())))
    print("struck:", dict(sorted(struck.items())))
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
