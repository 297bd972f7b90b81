"""``fetcher show VID | TASK_ID``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from fetcher.cli.context import Session


@click.command("show", short_help="Show the whole history of one video or task.")
@click.argument("name", metavar="VID | TASK_ID")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout.")
@click.pass_obj
def command(session: Session, name: str, as_json: bool) -> int:
    """Show the whole history of one video, or what Polyv said of one task."""
    from fetcher.cli.output import Output
    from fetcher.domain.errors import UsageError
    from fetcher.domain.identifiers import printable
    from fetcher.ledger.views import one_task, one_video
    from fetcher.report.rows import shown_task, shown_video
    from fetcher.report.text import task_lines, video_lines

    database = session.ledger(session.home())
    try:
        with database.reading() as connection:
            video, task = one_video(connection, name), one_task(connection, name)
    finally:
        database.close()
    if video is None and task is None:
        raise UsageError(f"{printable(name)!r} is no video or task of this archive; 'fetcher list' shows all")
    output = Output()
    row = shown_video(video) if video is not None else shown_task(task or {})
    if as_json:
        return output.json(row)
    return output.lines(video_lines(row) if video is not None else task_lines(row))
