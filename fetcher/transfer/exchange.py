"""One question to an origin and its answer, judged by its head, and where a part is at stake by its first bytes."""

from dataclasses import replace
from http import HTTPStatus
from typing import Final

from fetcher.domain.container import TEXT_CAME, container_of, is_text
from fetcher.domain.errors import (
    AnswerMismatchError,
    InterceptedError,
    LinkRefusedError,
    NotAVideoError,
    TransferError,
)
from fetcher.domain.opening import OPENING, PAGE_CAME, is_page
from fetcher.transfer.body import Body, ReadAhead
from fetcher.transfer.judge import Asked, Head, judge
from fetcher.transfer.meter import Meter
from fetcher.transfer.origin import Answer, FileSource, closed_window, translated
from fetcher.transfer.turn import Turn

_WITH_A_BODY: Final = (200, 206)
"""Of these the body may be the file; that of a 416 is a text about the range, also where it is right."""


def exchange(url: str, asked: Asked, *, origin: FileSource, meter: Meter, turn: Turn) -> tuple[Answer, Head]:
    """Ask, and return an answer whose body may be used.

    Where a part is at stake, an answer is not believed for its head alone: a login page does not heed ranges, and
    would cost all that has come. It is recognised by its first bytes, and then tells nothing of the file.

    Raises:
        InterceptedError: Something came that is no piece of a video; the part is sound as it is.
        TransferError: By what the answer means; nothing of its body may be used then.
    """
    meter.raise_if_aborted()
    try:
        answer = origin.ask(url, asked.headers(), attach=meter.attach)
    except TransferError:
        meter.raise_if_aborted()
        raise
    try:
        meter.attach(answer.body)
        return _judged(answer, asked, meter, turn)
    except LinkRefusedError as refused:
        closed = closed_window(answer)
        answer.body.close()
        meter.raise_if_aborted()  # Its body may have been broken off.
        raise (closed or refused) from None
    except BaseException:
        answer.body.close()
        raise


def _judged(answer: Answer, asked: Asked, meter: Meter, turn: Turn) -> tuple[Answer, Head]:
    try:
        head = judge(answer.status_code, answer.headers, asked)
    except NotAVideoError as exc:
        if asked.have:
            raise InterceptedError(str(exc)) from exc
        raise
    except AnswerMismatchError:
        if asked.have and answer.status_code in _WITH_A_BODY:
            _looked_at(answer.body, meter, turn, is_start=answer.status_code == HTTPStatus.OK)
        raise
    # What the part's own validator vouches for is not looked at: a video may hold XML at any place but its first.
    if asked.have and head.length != 0 and (head.offset == 0 or not asked.is_same_version(answer.headers)):
        ahead = _looked_at(answer.body, meter, turn, is_start=head.offset == 0)
        if ahead.broken is not None:
            with translated():
                raise ahead.broken
        answer = replace(answer, body=ahead)
    return answer, head


def _looked_at(body: Body, meter: Meter, turn: Turn, *, is_start: bool = False) -> ReadAhead:
    """Return *body* with all its bytes yet to be read.

    Raises:
        InterceptedError: It begins like a page or an error document, or is text where a video would start.
        TransferError: The transfer was aborted.
    """
    ahead = ReadAhead(body)
    with turn.left():
        opening = ahead.look(OPENING)
    meter.raise_if_aborted()
    if is_page(opening):
        raise InterceptedError(PAGE_CAME)
    if is_start and container_of(opening) is None and is_text(opening):
        raise InterceptedError(TEXT_CAME)
    return ahead
