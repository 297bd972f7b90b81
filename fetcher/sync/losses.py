"""Tasks of which nobody knows whether Polyv made them: kept, and told once."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection

from fetcher.ledger import caution, intents
from fetcher.ledger.intents import Intent
from fetcher.report.rows import instant
from fetcher.report.text import counted
from fetcher.sync.wires import Wires

_log: Final = logging.getLogger(__name__)
_AGAIN: Final = (
    "; to spare the price of thawing twice it is asked again after {}, or at once by 'fetcher retry VID'"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """A task that is lost, and what follows from it."""

    intent: Intent
    detail: str
    """What came in place of an answer."""
    given_up: Sequence[str]
    """Its videos that are not asked for again by themselves, by vid."""
    resumes_at: int | None
    """From when on another task may be asked for, ms UTC; None for at once."""


def lose(connection: Connection, intent: Intent, *, detail: str, now: int) -> Loss:
    """Keep that the answer to *intent* is lost; *now* is ms UTC."""
    again = instant(intent.asked_again_at)
    note = f"a task that may exist thaws it ({intent.key}); asked for again after {again}"
    intents.keep_lost(connection, intent, detail, note=note)
    given_up = caution.give_up_lost(connection, intent, detail=detail, now=now)
    return Loss(intent=intent, detail=detail, given_up=given_up, resumes_at=caution.resumes_at(connection))


def tell(loss: Loss, wires: Wires) -> None:
    """Name what nobody can ask about, and when it is asked for again: this is what cron mails."""
    intent, again = loss.intent, instant(loss.intent.asked_again_at)
    wires.summary.tasks_lost += 1
    is_asked_again = len(loss.given_up) < len(intent.vids)
    _log.warning(
        "Polyv was asked for %s, and whether it made a task is not known (%s)%s; see 'fetcher show %s'",
        counted(len(intent.vids), "video"),
        loss.detail,
        _AGAIN.format(again) if is_asked_again else "",
        intent.key,
    )
    told = {"request_key": intent.key, "videos": len(intent.vids), "error": loss.detail, "asked_again_at": again}
    wires.notify({"type": "task_lost", **told})
    if loss.resumes_at is not None:
        _log.warning(
            "the last tasks that were asked for are all lost, and each may have been paid for: no other one is "
            "asked for before %s",
            instant(loss.resumes_at),
        )
    _tell_given_up(loss, wires)


def _tell_given_up(loss: Loss, wires: Wires) -> None:
    wires.summary.failed += len(loss.given_up)
    for vid in loss.given_up:
        _log.warning(
            "%s: asked for %d times without an answer, and not again by itself; see 'fetcher show %s'",
            vid,
            caution.MOST_LOST,
            vid,
        )
        wires.notify({"type": "failed", "vid": vid, "error": loss.detail})
