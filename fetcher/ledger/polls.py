"""Keep what Polyv said of a task: read first, write only what differs, all in one transaction."""

from collections.abc import Container, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from typing import Any, Final

from sqlalchemy import Connection, bindparam, update

from fetcher.domain.errors import FetcherError
from fetcher.domain.events import Event, GivenUp, LinkPublished, PreparationFailed, WindowClosed
from fetcher.domain.identifiers import printable
from fetcher.domain.link import Link
from fetcher.domain.observation import Observation, Standing, event_of
from fetcher.domain.status import Preparation, Reason, Status, TaskStatus
from fetcher.ledger.answers import DueTask, PollRecord
from fetcher.ledger.bulk import insert_rows
from fetcher.ledger.changes import Change, apply, apply_all
from fetcher.ledger.endings import give_up, is_over, seek_other_hope, waiting_for
from fetcher.ledger.known import KnownItem, KnownVideo, all_videos, known_items, said_before, signing_shown
from fetcher.ledger.schema import task_items, tasks

_LONGEST_ERROR: Final = 1000
_FEWEST_REFUSALS: Final = 5
"""So often in a row has a task to go without news before it is rejected, however old it is."""
_UNDECIDED: Final = (Status.WANTED.value, Status.WAITING.value)
_FINAL: Final = (Preparation.SUCCESS.value, Preparation.FAIL.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class PollOutcome:
    """What came of it."""

    published: int = 0
    """How many links are new."""
    start_bys: tuple[int | None, ...] = ()
    """By when to begin with the videos that had no link before, ms UTC; None is the most urgent."""
    failed: tuple[str, ...] = ()
    """Videos that need a person now, by vid."""
    windows_closed: int = 0
    """Videos that went cold before they were fetched, and are wanted again."""
    is_finished: bool = False
    is_rejected: bool = False
    """Whether the task is not asked about any more, although Polyv told nothing of it."""
    signs_anew: Mapping[str, bool] = field(default_factory=dict)
    """Whether links are signed anew, by host, as far as the answer has shown it."""


def record_poll(connection: Connection, record: PollRecord) -> PollOutcome:
    """Keep one answer: new videos, what changed of known ones, and when to ask again."""
    answer = _by_vid(record.seen)
    known = all_videos(connection, list(answer), record.now)
    items = known_items(connection, record.task.row_id)
    news = {
        vid: seen
        for vid, seen in answer.items()
        if said_before(items.get(known[vid].id)) != (seen.raw, _success_at(seen))
    }
    _keep_items(connection, record, [(known[vid].id, seen) for vid, seen in news.items()], items)
    shown = signing_shown(record, answer, known, items)
    record = replace(record, signing_anew=_signing_anew(record.signing_anew, shown))
    happened = _happened(connection, record, answer, known, news)
    waiting = waiting_for(connection, record.task.row_id)
    given_up = give_up(connection, record, answer, waiting)
    happened += [(video.vid, given_up[video.id]) for video in waiting if video.id in given_up]
    waiting = [video for video in waiting if video.id not in given_up]
    unnamed = items.keys() - {known[vid].id for vid in answer}
    is_finished = (
        bool(answer)
        and all(seen.is_final for seen in answer.values())
        and all(items[video_id].said in _FINAL for video_id in unnamed)
    )
    is_ended = is_over(record, answer, waiting, is_finished=is_finished)
    _close_poll(connection, record, is_finished=is_finished, is_over=is_ended, has_news=bool(news))
    published = [(known[vid].status, event) for vid, event in happened if isinstance(event, LinkPublished)]
    return PollOutcome(
        published=len(published),
        start_bys=tuple(event.start_by for before, event in published if before != Status.READY),
        failed=tuple(vid for vid, event in happened if isinstance(event, PreparationFailed | GivenUp)),
        windows_closed=sum(isinstance(event, WindowClosed) for _, event in happened),
        is_finished=is_finished,
        is_rejected=is_ended and not is_finished and not record.seen,
        signs_anew=shown,
    )


def record_poll_failure(
    connection: Connection, task: DueTask, *, text: str, now: int, next_poll_at: int, is_given_up: bool
) -> PollOutcome:
    """Keep that Polyv did not answer about a task, return which videos need a person now.

    One it has refused for too long, and more than a few times, is rejected; what waits for that task alone needs a
    person then.

    Args:
        connection: A write transaction.
        task: Which was asked about.
        text: What came instead of an answer, for a person.
        now: ms UTC.
        next_poll_at: When to ask again, ms UTC.
        is_given_up: Whether it has been refused for too long.
    """
    told = printable(text, limit=_LONGEST_ERROR)
    failed: list[str] = []
    values: dict[str, Any] = {"next_poll_at": next_poll_at, "last_error": told, "polled_at": now}
    is_rejected = is_given_up and task.quiet_polls + 1 >= _FEWEST_REFUSALS
    if is_rejected:
        values |= {"next_poll_at": None, "status": TaskStatus.REJECTED.value}
        for video in waiting_for(connection, task.row_id):
            if not seek_other_hope(connection, task.row_id, video.id, now=now):
                lost = GivenUp(at=now, reason=Reason.NEVER_PREPARED, detail=f"task {task.task_id}: {told}")
                apply(connection, Change(video_id=video.id, event=lost))
                failed.append(video.vid)
    connection.execute(
        update(tasks)
        .where(tasks.c.id == task.row_id)
        .values(polls=tasks.c.polls + 1, quiet_polls=tasks.c.quiet_polls + 1, **values)
    )
    return PollOutcome(failed=tuple(failed), is_rejected=is_rejected)


def _keep_items(
    connection: Connection,
    record: PollRecord,
    news: Sequence[tuple[int, Observation]],
    items: Mapping[int, KnownItem],
) -> None:
    """Keep what is said of videos for the first time, or differs from before."""
    rows = [
        {
            "task": record.task.row_id,
            "video": video_id,
            "said": seen.raw,
            "created_at": seen.created_at,
            "success_at": _success_at(seen),
            "seen_at": record.now,
        }
        for video_id, seen in news
    ]
    insert_rows(connection, task_items, [row for row in rows if row["video"] not in items])
    if changed := [{f"new_{name}": row[name] for name in row} for row in rows if row["video"] in items]:
        connection.execute(_UPDATE_ITEM, changed)


def _signing_anew(before: AbstractSet[str], shown: Mapping[str, bool]) -> AbstractSet[str]:
    """Return the hosts whose links are signed anew by what was known before and what an answer has shown."""
    return (before - shown.keys()) | {host for host, is_anew in shown.items() if is_anew}


def _happened(
    connection: Connection,
    record: PollRecord,
    answer: Mapping[str, Observation],
    known: Mapping[str, KnownVideo],
    news: Container[str],
) -> list[tuple[str, Event]]:
    """Write what the answer means for each video, return it by vid."""
    happened = []
    for vid, seen in answer.items():
        event = _event(connection, record, known[vid], seen, is_news=vid in news)
        if event is not None:
            happened.append((vid, event))
    changes = [Change(video_id=known[vid].id, event=event) for vid, event in happened]
    for result in apply_all(connection, changes):
        if isinstance(result, FetcherError):
            raise result
    return happened


def _event(
    connection: Connection, record: PollRecord, video: KnownVideo, seen: Observation, *, is_news: bool
) -> Event | None:
    is_failing = seen.said is Preparation.FAIL and video.status in _UNDECIDED
    standing = Standing(
        status=Status(video.status),
        link=video.link,
        refused_link=video.refused_link,
        deadline=video.deadline,
        is_link_refused=video.link in record.refused_links,
        is_news=is_news,
        has_other_hope=is_failing and seek_other_hope(connection, record.task.row_id, video.id, now=record.now),
        closed_success_at=video.link_success_at,
        signs_anew=_is_signed_anew(record, seen),
    )
    days = record.task.expire_days or record.expire_days
    return event_of(seen, standing, task_id=record.task.task_id, now=record.now, expire_days=days)


def _is_signed_anew(record: PollRecord, seen: Observation) -> bool:
    return seen.link is not None and bool(record.signing_anew) and seen.link.host in record.signing_anew


def _close_poll(
    connection: Connection, record: PollRecord, *, is_finished: bool, is_over: bool, has_news: bool
) -> None:
    status = TaskStatus.FINISHED if is_finished else TaskStatus.OPEN
    next_at = record.next_poll_at
    if has_news and record.after_news_at is not None:
        next_at = record.after_news_at
    if is_over and not is_finished:
        status = TaskStatus.FINISHED if record.seen else TaskStatus.REJECTED
    connection.execute(
        update(tasks)
        .where(tasks.c.id == record.task.row_id)
        .values(
            status=status.value,
            next_poll_at=None if is_over else next_at,
            polled_at=record.now,
            polls=tasks.c.polls + 1,
            quiet_polls=1 if has_news else tasks.c.quiet_polls + 1,
            last_error=None,
        )
    )


def _by_vid(seen: Sequence[Observation]) -> dict[str, Observation]:
    """Return one observation of each video: of two, the one that gives a link, and a FAIL only if alone."""
    answer: dict[str, Observation] = {}
    for one in seen:
        if one.vid not in answer or _rank(one) < _rank(answer[one.vid]):
            answer[one.vid] = one
    return answer


def _rank(seen: Observation) -> int:
    if seen.link is not None:
        return 0
    return 2 if seen.said is Preparation.FAIL else 1


def _success_at(seen: Observation) -> int | None:
    return seen.link.success_at if isinstance(seen.link, Link) else None


_UPDATE_ITEM: Final = (
    update(task_items)
    .where(task_items.c.task == bindparam("new_task"), task_items.c.video == bindparam("new_video"))
    .values({name: bindparam(f"new_{name}") for name in ("said", "created_at", "success_at", "seen_at")})
)
