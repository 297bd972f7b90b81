"""Open a ledger for use: checked, and at this code's schema."""

from pathlib import Path

from fetcher.ledger.engine import Database, open_database
from fetcher.ledger.upgrade import require_current


def open_ledger(path: Path, *, on_network: bool = False) -> Database:
    """Return the ledger at *path*; an older one is backed up and upgraded first.

    Args:
        path: Where it is.
        on_network: Whether a network file system is accepted.

    Raises:
        LedgerError: Missing, damaged, locked, or of a newer version.
    """
    database = open_database(path, on_network=on_network)
    try:
        require_current(database)
    except BaseException:
        database.close()
        raise
    return database
