"""``fetcher retry VID… | --failed``."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

import click

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fetcher.cli.context import Session
    from fetcher.ledger.work import Retried

_NAMED: Final = 5
"""Vids in one line."""


@click.command("retry", short_help="Put videos back to work: failed ones, those of a lost task.")
@click.argument("vids", nargs=-1, metavar="[VID...]")
@click.option("--failed", is_flag=True, help="All failed ones.")
@click.option("--force", is_flag=True, help="With --failed: those too for which too many tasks were lost.")
@click.option("-n", "--dry-run", is_flag=True, help="Only say which would be put back.")
@click.pass_obj
def command(session: Session, vids: tuple[str, ...], failed: bool, force: bool, dry_run: bool) -> int:
    """Put videos back to work: failed ones, those that wait for their next try, and those of a lost task.

    Each task may cost something, and one that is lost (its answer never came) brings nothing. So --failed, which a
    program may call again and again, leaves out videos for which six were lost, and does not end the pause after
    tasks that were lost one after the other. Who names videos, or says --force, has them asked for at once.
    """
    from fetcher.domain.errors import UsageError
    from fetcher.ledger.work import retry

    if bool(vids) == failed:
        raise UsageError("name the videos, or say --failed for all that failed")
    if force and not failed:
        raise UsageError("--force is for --failed; videos that are named are put back in any case")
    database = session.ledger(session.home())
    try:
        with database.writing() as connection:
            now = int(time.time() * 1000)
            retried = retry(connection, None if failed else vids, now=now, is_forced=force)
            if dry_run:
                connection.rollback()
    finally:
        database.close()
    return _told(retried, vids)


def _told(retried: Retried, vids: tuple[str, ...]) -> int:
    """Say what was put back and what was not, return the exit code.

    Raises:
        UsageError: Some are not known.
    """
    from fetcher.cli.logs import complain
    from fetcher.cli.output import Output
    from fetcher.domain.errors import UsageError
    from fetcher.ledger.caution import MOST_LOST_IN_BULK

    code = Output().lines(retried.back)
    if retried.spared:
        complain(
            f"not put back, for {MOST_LOST_IN_BULK} tasks for each were lost, and may have been paid for: "
            f"{len(retried.spared)} ({_few(retried.spared)}); name them, or say --force"
        )
    if kept := [vid for vid in dict.fromkeys(vids) if vid not in {*retried.back, *retried.unknown}]:
        complain(f"done, or about to be asked for: nothing to try again in {_few(kept)}")
    if retried.unknown:
        raise UsageError(f"not in this archive: {_few(retried.unknown)}; 'fetcher list' shows all")
    return code


def _few(vids: Sequence[str]) -> str:
    from fetcher.domain.identifiers import printable

    return ", ".join(map(printable, vids[:_NAMED])) + (", …" if len(vids) > _NAMED else "")
