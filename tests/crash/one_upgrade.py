"""A program that brings a ledger up to the newest of the migrations in a directory, as each command does."""

from collections.abc import Sequence
from pathlib import Path

import alembic.command  # noqa: F401 - loaded here, so that each run need not

from fetcher.ledger.engine import open_database
from fetcher.ledger.upgrade import require_current


def run(arguments: Sequence[str]) -> int:
    """Upgrade; return 0.

    Args:
        arguments: The ledger, the directory of the migrations, and their revisions, oldest first.
    """
    path, scripts, *revisions = arguments
    database = open_database(Path(path))
    try:
        require_current(database, revisions=revisions, scripts=Path(scripts))
    finally:
        database.close()
    return 0
