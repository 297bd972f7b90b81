"""Write down for Prometheus how the archive stands when a run has ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fetcher.cli.logs import complain

if TYPE_CHECKING:
    from fetcher.archive.home import Home
    from fetcher.cli.context import Session
    from fetcher.settings import Settings


def keep_metrics(session: Session, home: Home, settings: Settings, *, at_risk: int) -> None:
    """Write the metrics file, if one is wanted. One that cannot be written is told, and changes no exit code.

    Args:
        session: Opens the ledger.
        home: The archive.
        settings: Name the file.
        at_risk: Links at risk, as the run has told them.
    """
    path = settings.metrics_path(home)
    if path is None:
        return
    from fetcher.ledger.views import totals
    from fetcher.report.metrics import write_metrics

    database = session.ledger(home)
    try:
        with database.reading() as connection:
            found = totals(connection)
    finally:
        database.close()
    try:
        write_metrics(path, found, at_risk=at_risk)
    except OSError as exc:
        complain(f"metrics_file {path} cannot be written: {exc.strerror or exc}")
