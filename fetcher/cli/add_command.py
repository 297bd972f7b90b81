"""``fetcher add TASK_ID… | -``."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from fetcher.cli.context import Session


@click.command("add")
@click.argument("task_ids", nargs=-1, required=True, metavar="TASK_ID... | -")
@click.option("-n", "--dry-run", is_flag=True, help="Only check the ids and say what would be recorded.")
@click.pass_obj
def command(session: Session, task_ids: tuple[str, ...], dry_run: bool) -> int:
    """Record tasks that were submitted elsewhere.

    Idempotent: a task that is known stays as it is. '-' reads ids from stdin, one a line; '#' begins a comment.
    All ids are checked before one is recorded.
    """
    from fetcher.cli.lists import read_ids
    from fetcher.cli.logs import say
    from fetcher.cli.output import Output
    from fetcher.ledger.work import add_tasks
    from fetcher.report.text import counted

    home = session.home()
    wanted = _checked(read_ids("task ids") if task_ids == ("-",) else list(task_ids))
    database = session.ledger(home)
    try:
        with database.writing() as connection:
            added = add_tasks(connection, wanted, now=int(time.time() * 1000))
            if dry_run:
                connection.rollback()
    finally:
        database.close()
    if dry_run:
        return Output().lines([f"would record {added} new of {counted(len(wanted), 'task')}"])
    if session.is_told_of_success:
        say(f"recorded {added} new of {counted(len(wanted), 'task')}; next: fetcher sync")
    return 0


def _checked(task_ids: list[str]) -> list[str]:
    """Return the ids without repetitions.

    Raises:
        UsageError: Some are malformed; none is recorded then.
    """
    from fetcher.cli.logs import complain
    from fetcher.domain.errors import UsageError
    from fetcher.domain.identifiers import is_task_id, looks_like_polyvs, printable

    if strange := [printable(one, limit=60) for one in task_ids if not is_task_id(one)]:
        shown = ", ".join(repr(one) for one in strange[:5]) + (", …" if len(strange) > 5 else "")  # noqa: PLR2004
        raise UsageError(
            f"no task id: {shown}. A task id is 8 to 64 letters, digits, '_' or '-'; Polyv's have 32. "
            "Nothing was recorded."
        )
    if unlike := [one for one in task_ids if not looks_like_polyvs(one)]:
        complain(f"{unlike[0]!r} is not 32 hexadecimal digits, as Polyv's task ids are; taken all the same")
    return list(dict.fromkeys(task_ids))
