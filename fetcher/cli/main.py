"""Where the process begins, and where every error ends."""

import errno
import gc
import os
import signal
import sys
from typing import Any, Final

_GARBAGE_AFTER: Final = 10_000
"""New objects after which the interpreter looks for garbage among them; its own default is 700."""


def main() -> None:
    """Run the command line and end the process with its exit code."""
    from fetcher.cli.limits import leave_no_core

    leave_no_core()
    # Loading makes some hundred thousand objects that live until the process ends. To look through them for
    # garbage, again and again on the way and once more at the end, takes a short command a fifth of its time.
    gc.set_threshold(_GARBAGE_AFTER)
    code = int(run(sys.argv[1:]))
    gc.freeze()
    sys.exit(_flushed(code))


def _flushed(code: int) -> int:
    """Write what is left to be written, return *code*, or 1 in place of 0 where it is lost: a disk was full.

    The interpreter would try once more at its end, and put its own 120 in the place of any code.
    """
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None:
                stream.flush()
        except OSError as exc:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
            code = code or int(exc.errno != errno.EPIPE)
    logs = sys.modules.get("fetcher.cli.logs")  # Where it was never needed, nothing was said.
    is_lost = logs is not None and logs.was_lost()
    return code or int(is_lost)


def run(arguments: list[str]) -> int:
    """Run the command line, return its exit code. The one place where every error ends, and every signal."""
    # Python's own exception would be told at length. Until a command can be broken off, nothing is done.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    from fetcher.cli.stopping import Interruption, Signals

    signals = None
    try:
        signals = Signals()  # For whose thread there may be no memory.
        with signals.at_work():
            outcome = _called(arguments, signals)
    except (Exception, Interruption) as exc:  # noqa: BLE001 - the top: nothing is above
        if signals is not None and signals.asked is not None:  # Whatever went wrong on the way out.
            return signals.asked
        from fetcher.cli.failures import tell

        return tell(exc)
    return outcome if isinstance(outcome, int) else 0


def _called(arguments: list[str], signals: Any) -> Any:
    from fetcher.cli.group import group

    no_color = False if os.environ.get("NO_COLOR") else None
    return group.main(arguments, prog_name="fetcher", standalone_mode=False, color=no_color, obj=signals)
