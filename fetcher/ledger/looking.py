"""Look at a ledger without changing it: no upgrade, no pragma that writes, no checkpoint when it is closed.

Only SQLite's own index of the -wal file may appear beside it (``ledger.db-shm``), and an empty -wal file.
"""

import contextlib
import os
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import Connection, create_engine
from sqlalchemy.pool import StaticPool

from fetcher.domain.errors import LedgerDamagedError, LedgerError
from fetcher.ledger.engine import PATIENCE_S, RESTORE, require_file, translated
from fetcher.ledger.schema import APPLICATION_ID, REVISIONS
from fetcher.ledger.upgrade import version_of


@contextlib.contextmanager
def looking_at(path: Path, *, patience_s: float = PATIENCE_S) -> Iterator[Connection]:
    """Yield a connection that can only read; each statement sees the ledger as it is by then.

    Args:
        path: Where the ledger is.
        patience_s: How long another process may hold it, in seconds.

    Raises:
        LedgerError: It is missing, locked for too long, or none.
        StorageError: It cannot be read.
    """
    require_file(path)
    engine = create_engine(
        "sqlite://", creator=lambda: _connect(path, patience_s), poolclass=StaticPool, hide_parameters=True
    )
    try:
        with translated(path), engine.connect() as connection:
            if connection.exec_driver_sql("PRAGMA application_id").scalar() != APPLICATION_ID:
                raise LedgerDamagedError(f"{path} is a database of another program. {RESTORE}")
            yield connection
    finally:
        engine.dispose()


def require_known_schema(connection: Connection, path: Path, *, revisions: Sequence[str] = REVISIONS) -> None:
    """See that a ledger has the schema that this code reads.

    Raises:
        LedgerError: It is of another version, or has none.
    """
    if version_of(connection, path, revisions) != revisions[-1]:
        raise LedgerError(f"{path} has an older schema. 'fetcher status' copies and upgrades it; then look again.")


def _connect(path: Path, patience_s: float) -> sqlite3.Connection:
    return sqlite3.connect(
        f"file:{quote(os.fsencode(path))}?mode=ro",
        uri=True,
        isolation_level=None,
        check_same_thread=False,
        timeout=patience_s,
    )
