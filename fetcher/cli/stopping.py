"""Signals for commands without an event loop: the first ends the work in order, the second the process."""

import os
import signal
from collections.abc import Callable

from fetcher.domain.exit_code import ExitCode


def obey_signals(stop: Callable[[ExitCode], None]) -> None:
    """Have *stop* called with the exit code of the first signal; a hang-up is one too, unless it is ignored."""
    asked: list[int] = []

    def end(number: int, frame: object) -> None:
        del frame
        code = ExitCode.SIGINT if number == signal.SIGINT else ExitCode.SIGTERM
        if asked:
            os._exit(code)
        asked.append(number)
        stop(code)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)
    if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) is signal.SIG_DFL:
        signal.signal(signal.SIGHUP, end)
