"""What a video of Polyv's list and one of the ledger are to each other."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from fetcher.domain.exit_code import ExitCode
from fetcher.domain.library import DELETED, ListedVideo
from fetcher.domain.status import Status


class Standing(StrEnum):
    """Where a video stands between Polyv and the archive: a closed list."""

    ARCHIVED = "archived"
    """Done, and of the size that Polyv tells."""
    REPLACED = "replaced"
    """Done, but Polyv lists another size by now; the file of before is kept."""
    MISSTATED = "misstated"
    """Done, and of another size than Polyv lists, but it listed that when the file was done: it was wrong then."""
    PENDING = "pending"
    """Wanted, waiting or ready: a later run may fetch it."""
    FAILED = "failed"
    """Needs a person."""
    NEVER_ASKED = "never_asked"
    """Polyv has it, and the ledger does not know it."""
    UNPUBLISHED = "unpublished"
    """The same, but no task may ask for it as it is."""
    GONE = "gone"
    """The ledger knows it, and Polyv does not any more; a finished file is kept."""


CODES: Final[Mapping[Standing, ExitCode]] = {
    Standing.REPLACED: ExitCode.PERSON,
    Standing.PENDING: ExitCode.LATER,
    Standing.FAILED: ExitCode.PERSON,
    Standing.NEVER_ASKED: ExitCode.PERSON,
    Standing.GONE: ExitCode.PERSON,
}
"""The exit codes of what is not as it should be."""


def standing_of(
    listed: ListedVideo | None, *, status: Status | None, size: int | None, size_listed_then: int | None = None
) -> Standing | None:
    """Return where a video stands; None for one that neither has.

    Args:
        listed: As Polyv lists it; None where it does not.
        status: In the ledger; None where it does not know the video.
        size: Of the finished file, in bytes.
        size_listed_then: As Polyv listed it when the file was done; None where nobody knows.
    """
    if listed is None or listed.status == DELETED:
        return None if status is None else Standing.GONE
    if status is None:
        return Standing.NEVER_ASKED if listed.is_published else Standing.UNPUBLISHED
    if status is Status.DONE:
        return _standing_of_done(listed.size, size=size, size_listed_then=size_listed_then)
    return Standing.FAILED if status is Status.FAILED else Standing.PENDING


def _standing_of_done(listed_size: int | None, *, size: int | None, size_listed_then: int | None) -> Standing:
    if listed_size in (None, size):
        return Standing.ARCHIVED
    return Standing.MISSTATED if listed_size == size_listed_then else Standing.REPLACED
