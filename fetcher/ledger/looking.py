"""Look at a ledger without changing it: no upgrade, no pragma that writes, no checkpoint when it is closed.

Only SQLite's own index of the -wal file may appear beside it (``ledger.db-shm``), and an empty -wal file.
"""

import contextlib
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path

from sqlalchemy import Connection, create_engine, select
from sqlalchemy.pool import StaticPool

from fetcher.domain.errors import FetcherError, LedgerDamagedError, LedgerError
from fetcher.ledger.engine import require_file
from fetcher.ledger.failures import RESTORE, translated
from fetcher.ledger.mounts import uri_to_read
from fetcher.ledger.schema import APPLICATION_ID, REVISIONS, runs
from fetcher.ledger.upgrade import version_of
from fetcher.ledger.write_lock import PATIENCE_S


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


def running_since(path: Path) -> int | None:
    """Return when the run began that is under way, ms UTC; None where the ledger does not tell.

    Only for who knows that one is: a run that was killed has not written its end either.
    """
    begun = select(runs.c.started_at).where(runs.c.ended_at.is_(None)).order_by(runs.c.id.desc()).limit(1)
    with contextlib.suppress(FetcherError), looking_at(path, patience_s=1) as connection:
        return connection.scalar(begun)
    return None


def _connect(path: Path, patience_s: float) -> sqlite3.Connection:
    return sqlite3.connect(
        uri_to_read(path),
        uri=True,
        isolation_level=None,
        check_same_thread=False,
        timeout=patience_s,
    )
