"""``fetcher list``."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import click

from fetcher.domain.status import Status

if TYPE_CHECKING:
    from fetcher.cli.context import Session


@click.command("list")
@click.option(
    "--status", "statuses", multiple=True, type=click.Choice([one.value for one in Status]), help="Only these."
)
@click.option("--task", "task_id", metavar="ID", help="Only videos of this task.")
@click.option("--at-risk", is_flag=True, help="Only ready videos that may be lost before they are fetched.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "csv", "jsonl", "ids"]),
    default="table",
    help="How they are written; a table where none is named.",
)
@click.pass_obj
def command(session: Session, statuses: tuple[str, ...], task_id: str | None, at_risk: bool, form: str) -> int:
    """List videos, in the order in which they came to be known."""
    from fetcher.cli.output import Output
    from fetcher.domain.errors import UsageError
    from fetcher.domain.identifiers import printable
    from fetcher.ledger.views import Selection, listed, listed_vids, one_task
    from fetcher.report.formats import formatted
    from fetcher.report.outlook import links_at_risk
    from fetcher.report.rows import video_row

    home = session.home()
    settings = session.settings(home)
    database = session.ledger(home)
    try:
        with database.reading() as connection:
            if task_id is not None and one_task(connection, task_id) is None:
                raise UsageError(f"not in this archive: task {printable(task_id)}; 'fetcher add' records one")
            now = int(time.time() * 1000)
            chosen = Selection(
                statuses=[Status(one) for one in statuses],
                task_id=task_id,
                video_ids=links_at_risk(connection, now=now, places=settings.places, limit=settings.bytes_per_s)
                if at_risk
                else None,
            )
            if form == "ids":
                return Output().lines(listed_vids(connection, chosen))
            return Output().lines(formatted((video_row(row) for row in listed(connection, chosen)), form))
    finally:
        database.close()
