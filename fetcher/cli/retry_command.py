"""``fetcher retry VID… | --failed``."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from fetcher.cli.context import Session


@click.command("retry")
@click.argument("vids", nargs=-1, metavar="[VID...]")
@click.option("--failed", is_flag=True, help="All failed ones.")
@click.option("-n", "--dry-run", is_flag=True, help="Only say which would be put back.")
@click.pass_obj
def command(session: Session, vids: tuple[str, ...], failed: bool, dry_run: bool) -> int:
    """Put videos back to work: failed ones, those that wait for their next try, and those of a lost task."""
    from fetcher.cli.logs import complain
    from fetcher.cli.output import Output
    from fetcher.domain.errors import UsageError
    from fetcher.domain.identifiers import printable
    from fetcher.ledger.work import retry

    if bool(vids) == failed:
        raise UsageError("name the videos, or say --failed for all that failed")
    database = session.ledger(session.home())
    try:
        with database.writing() as connection:
            back, unknown = retry(connection, None if failed else vids, now=int(time.time() * 1000))
            if dry_run:
                connection.rollback()
    finally:
        database.close()
    code = Output().lines(back)
    if kept := [printable(vid) for vid in dict.fromkeys(vids) if vid not in {*back, *unknown}]:
        complain(f"done, or about to be asked for: nothing to try again in {', '.join(kept[:5])}")
    if unknown:
        raise UsageError(
            f"not in this archive: {', '.join(printable(one) for one in unknown[:5])}; 'fetcher list' shows all"
        )
    return code
