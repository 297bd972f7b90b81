"""A process that has loaded a program and forks a child for each run of it: a run costs no start-up then.

The program is a module with ``run(arguments)``, which returns an exit code; its name is the only argument. Orders
come as JSON, one a line on stdin; each is answered by a line on stdout once its child has ended.
"""

import ctypes
import importlib
import json
import logging
import os
import sys
import threading
import warnings
from collections.abc import Callable
from typing import Any, Final, TypeAlias

Run: TypeAlias = Callable[[list[str]], int]
_LOADED: Final = (
    "click.shell_completion",
    "fetcher.cli.environment",
    "fetcher.cli.failures",
    "fetcher.cli.logs",
    "fetcher.cli.pass_",
    "fetcher.cli.sync_command",
    "fetcher.ledger.engine",
    "fetcher.settings",
    "fetcher.sync.workers",
    "humanize",
    "aiofiles",
    "sqlalchemy.dialects.sqlite",
    "sqlalchemy.dialects.sqlite.pysqlite",
)
"""What ``fetcher`` loads when it is needed."""


def main() -> None:
    """Serve until stdin ends."""
    warnings.simplefilter("error")
    program = importlib.import_module(sys.argv[1])
    for name in _LOADED:
        importlib.import_module(name)
    for line in sys.stdin:
        sys.stdout.write(json.dumps(_served(json.loads(line), program.run)) + "\n")
        sys.stdout.flush()


def _served(order: dict[str, Any], run: Run) -> dict[str, int]:
    """Run the program in a child; return its exit code, or the signal that ended it as a negative number."""
    if threading.active_count() != 1:
        raise RuntimeError("a thread runs already: a child would lack it")
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        _obey(order, run, writing)
    os.close(writing)
    with os.fdopen(reading) as told:
        calls = told.read()
    _, status = os.waitpid(child, 0)
    return {"code": os.waitstatus_to_exitcode(status), "calls": int(calls or -1)}


def _obey(order: dict[str, Any], run: Run, told: int) -> None:
    """Be the program, and end with its exit code. How many calls were counted is told at the end."""
    code = 99
    try:
        os.environ.clear()
        os.environ.update(order["environ"])
        os.chdir("/")
        for number, name in enumerate((os.devnull, order["stdout"], order["stderr"])):
            opened = os.open(name, os.O_RDWR | os.O_CREAT, 0o600)
            os.dup2(opened, number)
            os.close(opened)
        shim = ctypes.CDLL(None)
        has_shim = hasattr(shim, "shim_arm")
        assert not has_shim or shim.shim_arm() == 0, "the shim does not understand its environment"
        code = run(order["arguments"])
        logging.shutdown()  # As at the end of any process; ours ends without one.
        sys.stdout.flush()
        sys.stderr.flush()
        os.write(told, b"%d" % (shim.shim_calls() if has_shim else 0))
    except BaseException:
        sys.excepthook(*sys.exc_info())
        sys.stderr.flush()
        raise
    finally:
        os._exit(code)


if __name__ == "__main__":
    main()
