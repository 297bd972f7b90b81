"""Make a ledger, and bring an older one up to this code: copied first, then changed in one transaction."""

import contextlib
import os
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, inspect, text

from fetcher.domain.errors import LedgerDamagedError, LedgerTooNewError, UsageError
from fetcher.ledger.engine import Database, translated
from fetcher.ledger.schema import APPLICATION_ID, REVISIONS

HEAD: Final = REVISIONS[-1]


def create_ledger(path: Path) -> None:
    """Make an empty ledger (0600): complete under another name first, so that no half of one is ever found.

    Raises:
        UsageError: There is something already.
    """
    if path.exists():
        raise UsageError(f"{path} is there already. Nothing was changed.")
    draft = path.with_name(f"{path.name}.new")
    for leftover in (draft, Path(f"{draft}-wal"), Path(f"{draft}-shm")):
        leftover.unlink(missing_ok=True)
    os.close(os.open(draft, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    with contextlib.closing(sqlite3.connect(draft, isolation_level=None)) as connection:
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute("PRAGMA journal_mode = WAL")
    database = Database(draft)
    try:
        _migrate(database)
    finally:
        database.close()
    Path(f"{draft}.lock").unlink(missing_ok=True)
    os.rename(draft, path)
    _sync_directory(path.parent)


def require_current(database: Database) -> None:
    """Bring *database* to this code's schema where it is older. Costs one SELECT where it is not.

    Raises:
        LedgerTooNewError: A later version wrote it.
        LedgerDamagedError: It has no version at all.
    """
    found = _version(database)
    if found == HEAD:
        return
    if found not in REVISIONS:
        raise LedgerTooNewError(
            f"{database.path} has schema {found}, this version knows up to {HEAD}. "
            "Use the newer fetcher that wrote it."
        )
    backup(database.path, database.path.with_name(f"{database.path.name}.before-{HEAD}-{_stamp()}"))
    _migrate(database)


def backup(path: Path, to: Path) -> None:
    """Copy a ledger while it may be in use, by SQLite's own means. The copy is 0600 and durable.

    Raises:
        UsageError: *to* is there already.
    """
    try:
        os.close(os.open(to, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    except FileExistsError:
        raise UsageError(f"{to} is there already. Nothing was changed; choose another name.") from None
    with (
        translated(path),
        contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as source,
        contextlib.closing(sqlite3.connect(to)) as copy,
    ):
        source.backup(copy)
    _sync_directory(to.parent)


def migrations_directory() -> Path:
    """Return where the migrations are: the checkout's own where this is one, else inside the package.

    An editable install may have a stale copy inside the package, so the checkout comes first.
    """
    package = Path(__file__).resolve().parent.parent
    for place in (package.parent / "migrations", package / "migrations"):
        if (place / "env.py").is_file():
            return place
    raise LedgerDamagedError("the migrations are not installed. Install fetcher again.")


def _version(database: Database) -> str | None:
    with database.reading() as connection:
        if not inspect(connection).has_table("alembic_version"):
            raise LedgerDamagedError(
                f"{database.path} has no schema version: it was never finished. Restore a copy."
            )
        found: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
    return found


def _migrate(database: Database) -> None:
    """Run the missing migrations inside one transaction, under the write lock.

    Alembic is loaded here and not above: it costs more than all else that a run loads.
    """
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(migrations_directory()).replace("%", "%%"))
    with _without_foreign_keys(database), database.writing() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        _require_sound_keys(connection)


@contextlib.contextmanager
def _without_foreign_keys(database: Database) -> Iterator[None]:
    """SQLite rebuilds a table by dropping it, which must not empty those that point to it."""
    raw: Any = database.engine.raw_connection()
    try:
        raw.driver_connection.execute("PRAGMA foreign_keys = OFF")
        yield
    finally:
        raw.driver_connection.execute("PRAGMA foreign_keys = ON")
        raw.close()


def _require_sound_keys(connection: Connection) -> None:
    if connection.exec_driver_sql("PRAGMA foreign_key_check").first() is not None:
        raise LedgerDamagedError("rows of the ledger point nowhere; the upgrade was undone. Restore a copy.")


def _stamp() -> str:
    return datetime.now(UTC).strftime("%Y%m%dT%H%M%S")


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
