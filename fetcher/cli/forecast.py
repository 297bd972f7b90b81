"""``fetcher sync --dry-run``: what a pass would begin with."""

import time

from fetcher.archive.home import Home
from fetcher.cli.context import Session
from fetcher.cli.output import Output
from fetcher.ledger.polls import due_tasks
from fetcher.ledger.views import totals

_SHOWN = 20


def tell_plan(home: Home, session: Session) -> int:
    """Say which tasks would be asked about and how many videos would be downloaded. Nothing is written or asked."""
    now = int(time.time() * 1000)
    database = session.ledger(home)
    try:
        with database.reading() as connection:
            due = due_tasks(connection, now=now, limit=_SHOWN + 1)
            found = totals(connection, risk_until=now)
    finally:
        database.close()
    output = Output()
    for task in due[:_SHOWN]:
        output.line(f"would ask about task {task.task_id}")
    if len(due) > _SHOWN:
        output.line("would ask about further tasks")
    output.line(f"would download {found.counts['ready']} ready videos, and those that become ready")
    return output.code()
