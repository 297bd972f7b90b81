"""``python -m fetcher.simulator``: a simulated Polyv for tests of one's own."""

import argparse
import signal
import sys
from typing import Final

from fetcher.simulator.api_tasks import MOST_VIDS
from fetcher.simulator.server import Simulator

_ABOUT: Final = "Serve a simulated Polyv on loopback until SIGTERM or SIGINT; stdout says what to export."


def main() -> None:
    """Print the address and the credentials, then serve."""
    parser = argparse.ArgumentParser(prog="python -m fetcher.simulator", description=_ABOUT)
    parser.add_argument("--port", type=int, default=0, help="0 lets the operating system choose")
    parser.add_argument(
        "--videos", type=int, default=10, help="how many videos the library holds; the first 100 are in a task"
    )
    args = parser.parse_args()
    if args.videos < 1:
        parser.error("--videos has to be 1 at least")
    ending = {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, ending)
    with Simulator(port=args.port) as simulator:
        vids = [simulator.library.add_video().vid for _ in range(args.videos)]
        task_id = simulator.library.create_task(vids[:MOST_VIDS])
        sys.stdout.write(
            f"export FETCHER_API_URL={simulator.url} POLYV_APP_ID={simulator.app_id} "
            f"POLYV_APP_SECRET={simulator.app_secret} POLYV_USER_ID={simulator.user_id} "
            f"POLYV_USER_SECRET={simulator.user_secret} TASK_ID={task_id}\n"
        )
        sys.stdout.flush()
        signal.sigwait(ending)


if __name__ == "__main__":
    main()
