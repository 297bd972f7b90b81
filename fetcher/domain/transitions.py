"""The table of transitions: the only way a status changes."""

from collections.abc import Mapping
from typing import Final

from fetcher.domain import events
from fetcher.domain.errors import IllegalTransitionError
from fetcher.domain.status import Status

TRANSITIONS: Final[Mapping[tuple[Status, type[events.Event]], Status]] = {
    (Status.WANTED, events.TaskNamed): Status.WAITING,
    (Status.WANTED, events.LinkPublished): Status.READY,
    (Status.WANTED, events.PreparationFailed): Status.FAILED,
    (Status.WANTED, events.GivenUp): Status.FAILED,
    (Status.WAITING, events.LinkPublished): Status.READY,
    (Status.WAITING, events.PreparationFailed): Status.FAILED,
    (Status.WAITING, events.GivenUp): Status.FAILED,
    (Status.WAITING, events.WindowClosed): Status.WANTED,
    (Status.READY, events.LinkPublished): Status.READY,
    (Status.READY, events.LinkRefused): Status.WAITING,
    (Status.READY, events.TransferFailed): Status.READY,
    (Status.READY, events.FileVerified): Status.DONE,
    (Status.READY, events.GivenUp): Status.FAILED,
    (Status.READY, events.WindowClosed): Status.WANTED,
    (Status.FAILED, events.TaskNamed): Status.WAITING,
    (Status.FAILED, events.LinkPublished): Status.READY,
    (Status.FAILED, events.RetryAsked): Status.WAITING,
    (Status.FAILED, events.Chosen): Status.WANTED,
    (Status.DONE, events.FileMissing): Status.WAITING,
    (Status.DONE, events.FileDamaged): Status.WANTED,
    (Status.DONE, events.FileMoved): Status.DONE,
}


def next_status(status: Status, event: events.Event) -> Status:
    """Return where *event* leads from *status*.

    Raises:
        IllegalTransitionError: The event cannot happen there.
    """
    try:
        return TRANSITIONS[status, type(event)]
    except KeyError:
        raise IllegalTransitionError(f"{type(event).__name__} cannot happen to a {status} video") from None
