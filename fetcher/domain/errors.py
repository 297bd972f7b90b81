"""Every error of the project, rooted by whose fault it is.

::

    FetcherError
    ├── UsageError                    what was typed or configured (exit 2)
    ├── CredentialsRefusedError       Polyv refuses the key, the signature or the clock (exit 6)
    ├── StorageError                  the disk of the archive (exit 7)
    │   ├── FileRefusedError          this one file: too large, a name too long, a directory closed to us
    │   └── DiskFullError
    │       └── NoRoomError           this one file would eat into the reserve; a smaller one may not
    ├── LedgerError                   the ledger (exit 10)
    │   ├── LedgerMissingError
    │   ├── LedgerDamagedError
    │   ├── LedgerTooNewError
    │   └── LedgerLockedError
    ├── ArchiveBusyError              another run holds the archive (exit 11)
    ├── PolyvError                    one answer of the API; another try may help
    │   ├── PolyvUnavailableError     no answer, or none that is an envelope
    │   │   └── PolyvBlockedError     the breaker is open: nothing is asked for a while
    │   └── PolyvRefusedError         an envelope with an error code
    │       └── VideoRefusedError     code 2000: a video id is wrong or not yours
    ├── IllegalTransitionError        an event that cannot happen in this status
    ├── StaleLeaseError               the video was taken over by somebody else
    ├── ConflictError                 other bytes stand under the final name
    ├── OriginDeniesError             a host refuses fresh links, one after the other (exit 3)
    └── TransferError                 one try at one file
        ├── TransferStoppedError      we were asked to stop; the part is kept
        ├── TransferInterruptedError  the line; the part is kept
        │   ├── TransferStalledError
        │   └── FramingBrokenError    what came is not HTTP, or a body that ends where it must not
        ├── OriginBusyError           429 or 5xx, with the pause that was asked for
        ├── LinkRefusedError          403: the link, not the file
        │   ├── LinkExpiredError      403 that says so
        │   └── WindowClosedError     403 InvalidObjectState: only a new task helps
        ├── SourceGoneError           401, 404, 410
        ├── UnsafeLinkError           a link or redirect that must not be followed
        ├── CertificateError          TLS says that this is not the origin
        ├── AnswerMismatchError       the answer does not fit the question
        │   ├── RangeMismatchError
        │   ├── ObjectChangedError    another file under the same link
        │   └── NotAVideoError        a login page, an error document, an encoded or empty body
        │       ├── InterceptedError  the same in place of what a part lacks; the part is kept
        │       └── EmptyFileError    no byte at all
        ├── OtherSizeError            the origin tells another size than Polyv
        ├── DifferenceError           the whole file is here, sound, and not what Polyv says
        └── IntegrityError            size or digest are not what they have to be
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from fetcher.domain.vendor import Difference


class FetcherError(Exception):
    """The root: a text for the reader, ending with what to do next."""


class UsageError(FetcherError):
    """What was typed or configured cannot be used."""


class CredentialsRefusedError(FetcherError):
    """Polyv refuses the credentials, the signature or the clock: no call can succeed."""


class StorageError(FetcherError):
    """The archive's disk does not take what is written."""


class DiskFullError(StorageError):
    """No space, no quota, or less than the reserve."""


class FileRefusedError(StorageError):
    """The disk does not take this one file; others it may."""


class NoRoomError(DiskFullError):
    """This one file would eat into the reserve; a smaller one may not.

    Args:
        text: How it is now.
        then: The same for whoever reads it later, when there may be room again; None where it is not kept.
    """

    def __init__(self, text: str, *, then: str | None = None) -> None:
        super().__init__(text)
        self.then = text if then is None else then


class LedgerError(FetcherError):
    """The ledger cannot be used."""


class LedgerMissingError(LedgerError):
    """There is no ledger where one has to be."""


class LedgerDamagedError(LedgerError):
    """The file is no ledger, or a broken one."""


class LedgerTooNewError(LedgerError):
    """The ledger was written by a newer version."""


class LedgerLockedError(LedgerError):
    """Another process kept the ledger locked for too long."""


class ArchiveBusyError(FetcherError):
    """Another run holds the archive."""


class PolyvError(FetcherError):
    """One call to Polyv's API failed."""

    retryable: ClassVar[bool] = True


class PolyvUnavailableError(PolyvError):
    """No answer, or one that is not Polyv's envelope."""


class PolyvBlockedError(PolyvUnavailableError):
    """The circuit breaker is open: Polyv has not answered for a while and is left alone."""

    retryable = False


class PolyvRefusedError(PolyvError):
    """An envelope that says no, with a code that this version does not know better."""

    def __init__(self, text: str, *, code: int, error_code: int | None, request_id: str | None) -> None:
        super().__init__(text)
        self.code = code
        self.error_code = error_code
        self.request_id = request_id


class VideoRefusedError(PolyvRefusedError):
    """Error 2000: a video id is wrong or belongs to somebody else."""

    retryable = False


class IllegalTransitionError(FetcherError):
    """An event that the table of transitions does not have for this status."""


class StaleLeaseError(FetcherError):
    """The lease ended and somebody else took the video; this worker's word no longer counts."""


class OriginDeniesError(FetcherError):
    """The origin refuses fresh links, one after the other: it does not want us, or not from here."""


class ConflictError(FetcherError):
    """Other bytes stand under the final name; they are never overwritten."""


class TransferError(FetcherError):
    """One try at one file failed."""

    retryable: ClassVar[bool] = True


class TransferStoppedError(TransferError):
    """The run is stopping; what has arrived is kept."""


class TransferInterruptedError(TransferError):
    """The line broke; what has arrived is kept, and the next try goes on from there."""


class TransferStalledError(TransferInterruptedError):
    """The connection stood, and too little came."""


class FramingBrokenError(TransferInterruptedError):
    """What came is not HTTP to the letter, or breaks off within its frames."""


class OriginBusyError(TransferError):
    """The origin asks for patience (429, 503) or is broken (other 5xx).

    ``retry_after`` is the pause in seconds that it asked for, None where it named none.
    """

    def __init__(self, text: str, *, status_code: int, retry_after: float | None) -> None:
        super().__init__(text)
        self.status_code = status_code
        self.retry_after = retry_after


class LinkRefusedError(TransferError):
    """The origin refuses the link (403); a fresh one of the same file may serve."""


class LinkExpiredError(LinkRefusedError):
    """The origin refuses it because it is too old: it says so."""


class WindowClosedError(LinkRefusedError):
    """The thawed file has gone cold again; only a new task helps."""

    retryable = False


class SourceGoneError(TransferError):
    """The origin does not know the file (401, 404, 410)."""

    def __init__(self, text: str, *, status_code: int) -> None:
        super().__init__(text)
        self.status_code = status_code


class UnsafeLinkError(TransferError):
    """A link or a redirect that must not be followed."""

    retryable = False


class CertificateError(TransferError):
    """TLS says that whoever answers is not the origin."""


class AnswerMismatchError(TransferError):
    """The answer does not fit the question; nothing of it is used."""


class RangeMismatchError(AnswerMismatchError):
    """The range that came is not the one that was asked for."""


class ObjectChangedError(AnswerMismatchError):
    """Another file stands under the link now: size or validator differ from the part's."""


class NotAVideoError(AnswerMismatchError):
    """A page, an error document, an encoded or an empty body instead of the file."""


class InterceptedError(NotAVideoError):
    """It came in place of what a part lacks, and tells nothing of the part: that is kept as it was."""


class EmptyFileError(NotAVideoError):
    """The file has no byte."""


class OtherSizeError(TransferError):
    """The origin tells another size than Polyv does; nothing of the answer was used.

    ``actual`` is what the origin tells; None where it tells none, and more came than Polyv says.
    """

    def __init__(self, *, expected: int, actual: int | None) -> None:
        told = f"the origin tells {actual}" if actual is not None else "more came from an origin that tells no size"
        super().__init__(f"Polyv says {expected} bytes, {told}")
        self.expected = expected
        self.actual = actual


class DifferenceError(TransferError):
    """The whole file is here and sound as far as the origin tells, but not what Polyv says."""

    def __init__(self, difference: Difference, *, sha256: str) -> None:
        super().__init__(difference.text)
        self.difference = difference
        self.sha256 = sha256


class IntegrityError(TransferError):
    """The whole file is here and is not what it has to be."""

    def __init__(self, text: str, *, expected: str, actual: str) -> None:
        super().__init__(text)
        self.expected = expected
        self.actual = actual
