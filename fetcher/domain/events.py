"""What happens to a video. An event says what was seen; transitions.py says where it leads."""

from dataclasses import dataclass, field

from fetcher.domain.link import Link
from fetcher.domain.status import Evidence, Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened to one video."""

    at: int
    """When, ms UTC."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskNamed(Event):
    """A task names the video, and Polyv still prepares it there."""

    task_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkPublished(Event):
    """Polyv gave a link, the first or a fresh one."""

    task_id: str
    link: Link
    deadline: int | None
    """By when to use the link, ms UTC; None where it does not tell."""
    start_by: int | None
    """By when to begin so that the video is not lost, ms UTC; None is the most urgent."""
    window_ends_at: int | None = None
    """When the file behind it goes cold, ms UTC; None where nobody knows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparationFailed(Event):
    """Polyv said FAIL in the last task that could have given the video."""

    task_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkRefused(Event):
    """The origin refused the link, and no other is to be had now."""

    detail: str
    url: str | None = field(default=None, repr=False)
    """The link that was refused, a secret; None where it is the one in the ledger."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferFailed(Event):
    """A try failed; another one is due at ``due_at`` (ms UTC)."""

    detail: str
    due_at: int
    is_suspicious: bool = False
    """Whether something else than the video answered."""
    differed: str | None = None
    """sha256 of the whole copy that came and is not what Polyv says; None where that is not what failed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileVerified(Event):
    """The file is complete, verified, in place and on the disk for good."""

    path: str
    """Relative to the archive, with ``/``."""
    size: int
    sha256: str
    """64 lower-case hex digits."""
    md5: str | None = None
    crc64: str | None = None
    """CRC-64/XZ, decimal."""
    etag: str | None = None
    evidence: Evidence
    agreed: tuple[str, ...] = ()
    """All that was compared and agrees, and whose word it was: ``md5:polyv``, ``size:origin``."""
    container: str | None = None
    """By its first bytes, ``unknown`` where they tell none; None where they were not looked at."""
    difference: str | None = None
    """How it differs from what Polyv says, where such files are kept."""
    fetched: int = 0
    """Bytes that came over the network for it in this try."""
    adopted: bool = False
    """True where the file was in place already and only its row was missing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenUp(Event):
    """No further try without a person."""

    reason: Reason
    detail: str
    cold_success_at: int | None = None
    """Where it has gone cold: when that file was ready, ms UTC by Polyv's clock; None where it did not say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowClosed(Event):
    """The thawed file has gone cold before it was fetched, and is to be asked for once more."""

    detail: str
    success_at: int | None = None
    """When the file was ready that has gone cold, ms UTC by Polyv's clock; None where it did not say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryAsked(Event):
    """A person asked to have another go."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen(Event):
    """It is wanted again, and Polyv is to be asked for it in a new task."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileMissing(Event):
    """A done file is no longer where it was put."""

    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FileDamaged(Event):
    """A done file is gone or is not what it was, and is to be asked for in a new task."""

    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FileMoved(Event):
    """Somebody gave a done file another name; every byte of it was read there."""

    path: str
    """Relative to the archive, with ``/``."""
    path_key: str
    """The same, folded."""
    before: str
    """Where it was."""
