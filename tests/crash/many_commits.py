"""A program that records tasks in one commit after the other, and writes down how many it was told are there."""

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from fetcher.ledger.opening import open_ledger
from fetcher.ledger.work import add_tasks

AT_ONCE: Final = 60
"""Tasks in a commit. Their ids are in no order, so that each commit changes many pages."""


def task_ids(number: int) -> list[str]:
    """Return what commit *number* records, from 0."""
    return [hashlib.md5(b"%d-%d" % (number, one)).hexdigest() for one in range(AT_ONCE)]


def run(arguments: Sequence[str]) -> int:
    """Commit; return 0.

    Args:
        arguments: The ledger, a file for the count of commits, and how many are to be made.
    """
    ledger, told, count = arguments
    database, descriptor = open_ledger(Path(ledger)), os.open(told, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        for number in range(int(count)):
            with database.writing() as connection:
                add_tasks(connection, task_ids(number), now=1)
            os.pwrite(descriptor, b"%08d" % (number + 1), 0)
    finally:
        os.close(descriptor)
        database.close()
    return 0
