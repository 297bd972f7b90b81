"""``fetcher sync --dry-run``: what a pass would begin with."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from fetcher.archive.space import free_bytes
from fetcher.cli.output import Output
from fetcher.domain.waves import Means, forecast, held_to
from fetcher.ledger import caution, requests
from fetcher.ledger.due import due_tasks
from fetcher.ledger.views import totals
from fetcher.report.text import counted, size_text, wave_lines

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

    from fetcher.archive.home import Home
    from fetcher.cli.context import Session
    from fetcher.settings import Settings

_SHOWN: Final = 20


def tell_plan(home: Home, session: Session, settings: Settings) -> int:
    """Say what would be asked of Polyv and how many videos would be downloaded. Nothing is written or asked."""
    now = int(time.time() * 1000)
    room = free_bytes(home.root) - settings.reserve
    database = session.ledger(home)
    try:
        with database.reading() as connection:
            due = due_tasks(connection, now=now, limit=_SHOWN + 1)
            found = totals(connection)
            waves = list(_waves(connection, settings, now=now, room=room))
    finally:
        database.close()
    output = Output()
    for line in waves:
        output.line(line)
    for task in due[:_SHOWN]:
        output.line(f"would ask about task {task.task_id}")
    if len(due) > _SHOWN:
        output.line("would ask about further tasks")
    ready = counted(found.counts["ready"], "ready video")
    output.line(f"would download {ready}, and those that become ready")
    return output.code()


def _waves(connection: Connection, settings: Settings, *, now: int, room: int) -> Iterator[str]:
    """Yield what would be asked for, as of now."""
    usual = requests.usual_size(connection)
    outstanding = requests.outstanding(connection, now=now, usual=usual, have={})
    measured = requests.measured_rate(connection)
    means = Means(
        rate=held_to(measured, settings.bytes_per_s),
        expire_days=settings.expire_days,
        budget=settings.thaw_bytes,
        outstanding=outstanding,
        room=room - outstanding,
    )
    wanted = requests.wanted(connection, now=now, usual=usual, have={})
    found = forecast(wanted, means)
    yield from wave_lines(found, rate=means.rate, most=_SHOWN)
    if found.waves and caution.is_any_unasked(connection):
        yield "less what is named by recorded tasks that were never asked about: they come first"
    if unsized := requests.unsized(connection, now=now):
        guessed = f"a size that is not known: taken for {size_text(usual)} each"
        yield f"{counted(unsized, 'wanted video', 'have')} {guessed}"
