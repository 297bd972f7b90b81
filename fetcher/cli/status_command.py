"""``fetcher status``."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from fetcher.cli.context import Session


@click.command("status", short_help="Tell how the archive stands: counts, deadlines, last run.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout.")
@click.pass_obj
def command(session: Session, as_json: bool) -> int:
    """Tell how the archive stands: counts, bytes, nearest deadline, videos at risk, last run."""
    from fetcher.cli.output import Output
    from fetcher.ledger.views import totals
    from fetcher.report.outlook import links_at_risk
    from fetcher.report.rows import status_row

    home = session.home()
    settings = session.settings(home)
    database = session.ledger(home)
    try:
        with database.reading() as connection:
            risky = links_at_risk(
                connection, now=int(time.time() * 1000), places=settings.places, limit=settings.bytes_per_s
            )
            row = status_row(totals(connection, at_risk=len(risky)))
    finally:
        database.close()
    if as_json:
        return Output().json(row)
    from fetcher.report.text import status_lines

    return Output().lines(status_lines(row, str(home.root)))
