"""The relay as a context."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

_RELAY: Final = Path(__file__).with_name("relay.py")


@contextmanager
def far(port: int, *, round_trip_s: float) -> Iterator[int]:
    """Yield a port behind which *port* of loopback is, *round_trip_s* away."""
    command = [sys.executable, str(_RELAY), str(port), str(round_trip_s / 2)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield int(process.stdout.readline())
    finally:
        process.terminate()
        process.communicate()
