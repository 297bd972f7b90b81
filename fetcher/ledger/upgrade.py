"""Make a ledger, and bring an older one up to this code: copied first, then changed in one transaction."""

import contextlib
import glob
import os
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, inspect, text

from fetcher.domain.errors import LedgerDamagedError, LedgerTooNewError, UsageError
from fetcher.ledger.backup import UNFINISHED, backup, stamp, sync_directory
from fetcher.ledger.engine import Database
from fetcher.ledger.failures import translated
from fetcher.ledger.schema import APPLICATION_ID, REVISIONS
from fetcher.ledger.write_lock import WriteLock

_PACKAGE: Final = Path(__file__).resolve().parent.parent


def create_ledger(path: Path) -> None:
    """Make an empty ledger (0600): complete under another name first, so that no half of one is ever found.

    Raises:
        UsageError: There is something already: a ledger, a link to one, or what is left of one.
        StorageError: The disk.
    """
    _require_nothing(path)
    lock = WriteLock(path)
    try:
        with lock.held():  # Of two that make one at once, the second finds the first one's.
            _require_nothing(path)
            _create(path)
    finally:
        lock.close()


def _require_nothing(path: Path) -> None:
    """See that nothing is in the way. SQLite would play an older -wal file into a new ledger."""
    for name in (str(path), f"{path}-wal"):
        if os.path.lexists(name):
            raise UsageError(f"{name} is there already. Nothing was changed; restore the ledger, or move it away.")


def _create(path: Path) -> None:
    draft = path.with_name(f"{path.name}.new")
    _remove(draft)  # Of a process that was killed.
    try:
        with translated(path):
            _fill(draft)
        os.rename(draft, path)
    except BaseException:
        _remove(draft)
        raise
    sync_directory(path.parent)


def _remove(draft: Path) -> None:
    for end in ("", "-wal", "-shm", "-journal", ".lock"):
        Path(f"{draft}{end}").unlink(missing_ok=True)


def _fill(draft: Path) -> None:
    """Make the tables of an empty ledger."""
    os.close(os.open(draft, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    with contextlib.closing(sqlite3.connect(draft, isolation_level=None)) as connection:
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute("PRAGMA journal_mode = WAL")
    database = Database(draft)
    try:
        with _upgrading(database) as connection:
            _migrate(connection, migrations_directory())
        database.fold_in()  # The draft is given another name, its -wal file is not.
    finally:
        database.close()
    Path(f"{draft}.lock").unlink(missing_ok=True)


def require_current(
    database: Database, *, revisions: Sequence[str] = REVISIONS, scripts: Path | None = None
) -> None:
    """Bring *database* to this code's schema where it is older. Costs one SELECT where it is not.

    The copy and the change are made under one lock: of two processes that come at once, one upgrades.

    Args:
        database: A ledger, opened.
        revisions: Every migration that is known, oldest first.
        scripts: Where the migrations are; None for those of this code.

    Raises:
        LedgerTooNewError: A later version wrote it.
        LedgerDamagedError: It has no version at all.
    """
    with database.reading() as connection:
        if _is_current(connection, database.path, revisions):
            return
    with _upgrading(database) as connection:
        if _is_current(connection, database.path, revisions):
            return
        kept = f"{database.path.name}.before-"
        # Of an upgrade that was killed: nobody else makes one under this lock.
        for leftover in database.path.parent.glob(f"{glob.escape(kept)}*{UNFINISHED}*"):
            leftover.unlink(missing_ok=True)
        copy = database.path.with_name(f"{kept}{revisions[-1]}-{stamp()}")
        backup(database.path, copy)
        try:
            _migrate(connection, scripts or migrations_directory())
        except BaseException:
            copy.unlink()  # The ledger is as it was; a copy at every try would fill the disk.
            raise


def migrations_directory(package: Path = _PACKAGE) -> Path:
    """Return where the migrations are: the checkout's own where this is one, else inside the package.

    An editable install may have a stale copy inside the package, so the checkout comes first. What an installed
    package has beside it is another program's, whatever its name.

    Args:
        package: The directory of the package ``fetcher``.
    """
    inside, beside = package / "migrations", package.parent / "migrations"
    is_checkout = (package.parent / "pyproject.toml").is_file()
    for place in (beside, inside) if is_checkout else (inside,):
        if (place / "env.py").is_file():
            return place
    raise LedgerDamagedError("the migrations are not installed. Install fetcher again.")


def _is_current(connection: Connection, path: Path, revisions: Sequence[str]) -> bool:
    return version_of(connection, path, revisions) == revisions[-1]


def version_of(connection: Connection, path: Path, revisions: Sequence[str]) -> str:
    """Return a ledger's schema, one of *revisions*.

    Raises:
        LedgerTooNewError: A later version wrote it.
        LedgerDamagedError: It has no version at all.
    """
    is_there = inspect(connection).has_table("alembic_version")
    found = connection.scalar(text("SELECT version_num FROM alembic_version")) if is_there else None
    if found is None:
        raise LedgerDamagedError(f"{path} has no schema version: it was never finished. Restore a copy.")
    if not (isinstance(found, str) and found.isascii() and found.isalnum()):
        raise LedgerDamagedError(f"{path} is damaged: its schema version is none. Restore a copy.")
    if found not in revisions:
        raise LedgerTooNewError(
            f"{path} has schema {found}, this version knows up to {revisions[-1]}. "
            "Use the newer fetcher that wrote it."
        )
    return str(found)


@contextlib.contextmanager
def _upgrading(database: Database) -> Iterator[Connection]:
    """Yield the one transaction of an upgrade, under the write lock."""
    with _without_foreign_keys(database), database.writing() as connection:
        yield connection


def _migrate(connection: Connection, scripts: Path) -> None:
    """Run the missing migrations.

    Alembic is loaded here and not above: it costs more than all else that a run loads.
    """
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(scripts).replace("%", "%%"))
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
