"""What commands need to get at the ledger and at Polyv."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fetcher.archive.home import Home
    from fetcher.cli.context import Session
    from fetcher.credentials import Credentials
    from fetcher.ledger.paging import Reading
    from fetcher.settings import Settings
    from fetcher.upkeep.mending import Writing


@contextlib.contextmanager
def ledger_access(session: Session, home: Home, *, is_dry: bool) -> Iterator[tuple[Reading, Writing | None]]:
    """Yield how the ledger is read and how it is written; None for the latter where nothing is to be changed.

    Then it may be on a disk that cannot be written, too.

    Raises:
        LedgerError: It cannot be used.
    """
    if is_dry:
        from fetcher.ledger.looking import looking_at, require_known_schema

        path = session.settings(home).ledger_path(home)
        with looking_at(path) as connection:
            require_known_schema(connection, path)
            yield lambda: contextlib.nullcontext(connection), None
        return
    with contextlib.closing(session.ledger(home)) as database:
        yield database.reading, database.writing


def polyv_access(session: Session, settings: Settings) -> Credentials:
    """Return who asks Polyv; no secret of theirs is said from now on.

    Raises:
        UsageError: They are missing, or what the environment sets for the network cannot be used.
    """
    from fetcher.cli.environment import require_network_settings
    from fetcher.cli.logs import keep_secret
    from fetcher.credentials import load_credentials

    credentials = load_credentials(settings, session.environ)
    require_network_settings(session.environ)
    for secret in credentials.secrets:
        keep_secret(secret)
    return credentials
