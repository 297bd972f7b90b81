"""One try at one file: ask, judge, receive, verify, make durable."""

import contextlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from fetcher.domain.errors import (
    AnswerMismatchError,
    FramingBrokenError,
    ObjectChangedError,
    OtherSizeError,
    RangeMismatchError,
    TransferInterruptedError,
)
from fetcher.domain.vendor import NOTHING_SAID, Expected
from fetcher.transfer.digests import Digests, kinds_for
from fetcher.transfer.exchange import exchange
from fetcher.transfer.judge import Asked, Head
from fetcher.transfer.meter import Meter
from fetcher.transfer.open_part import OpenPart, PartFile
from fetcher.transfer.origin import Answer, FileSource, translated
from fetcher.transfer.progress import Progress
from fetcher.transfer.proof import Proof, Whole, prove
from fetcher.transfer.receive import receive
from fetcher.transfer.turn import Turn

_QUICK: Final = 256 << 10
"""Bytes; a body of so many at the most is received within the turn: that is a millisecond's work or so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What earlier tries learned of the file whose part is at hand."""

    have: int = 0
    """Sound bytes in the part."""
    size: int | None = None
    etag: str | None = None
    last_modified: str | None = None
    announced: Mapping[str, str] = field(default_factory=dict)
    """Digests the origin named, by evidence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """A complete, verified, durable part."""

    size: int
    digests: Mapping[str, str]
    """By kind: ``sha256`` always, ``md5`` and ``crc64`` where they were needed."""
    etag: str | None
    proof: Proof


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """What a try works with."""

    origin: FileSource
    meter: Meter
    buffer: memoryview
    """Reused from try to try."""
    turn: Turn
    """Left while this try waits, or works for long outside the interpreter."""
    on_head: Callable[[Known], None]
    """Told what the origin says of the file, before its first byte is written."""
    ensure_space: Callable[[int], None]
    """Raises DiskFullError where so many more bytes would eat into the reserve."""
    created_at: int | None = None
    """What becomes the file's own time, ms UTC; None leaves it as it is."""
    expected: Expected = NOTHING_SAID
    """What Polyv says of the file."""
    repeated_size: int | None = None
    """The size that the origin told before although Polyv says another: told again, it is taken for the file's."""
    monotonic: Callable[[], float] = time.monotonic
    """Seconds."""


def fetch(url: str, part: PartFile, *, known: Known, tools: Tools) -> Fetched:
    """Bring *part* to its end, prove it and make it durable.

    Raises:
        TransferError: This try failed; the part keeps what is sound.
        OSError: The disk.
    """
    attempt = _Attempt(part, known, tools)
    try:
        attempt.resume()
        while not attempt.is_complete():
            attempt.go_on(url)
        return attempt.verify()
    finally:
        attempt.close()


class _Attempt:
    """One try: the open part, what is known of the file, the digests of what is in the part."""

    def __init__(self, part: PartFile, known: Known, tools: Tools) -> None:
        self._known = known
        self._tools = tools
        self._part = OpenPart(part)
        self._digests = Digests()
        self._is_at_end = False
        self._progress = Progress()
        self._is_polyvs_size = False

    def close(self) -> None:
        self._part.close()

    def is_complete(self) -> bool:
        return self._is_at_end or (self._size is not None and self._known.have == self._size)

    @property
    def _size(self) -> int | None:
        """Bytes of the whole file: by the origin, or by Polyv where the end of the body proves nothing."""
        return self._tools.expected.size if self._is_polyvs_size else self._known.size

    def _kinds(self) -> set[str]:
        """Return the digests that there is something to compare with."""
        return kinds_for(self._known.announced) | ({"md5"} if self._tools.expected.md5 is not None else set())

    def resume(self) -> None:
        """Drop what lies behind the sound bytes and take the digests of the rest: memory is not trusted.

        A part that no answer could be proven to belong to is begun anew.
        """
        if self._known.have and not self.is_complete() and not self._asked().is_provable:
            self._part.restart()
            self._known = Known()
        if not self._part.is_empty:
            self._part.cut(self._known.have)
            self._digests = Digests(self._kinds())
            self._take_prefix(self._digests)
        self._tools.meter.have, self._tools.meter.size = self._known.have, self._known.size

    def _take_prefix(self, digests: Digests) -> None:
        tools = self._tools
        with tools.turn.left():
            digests.take_prefix(
                self._part.descriptor, size=self._known.have, buffer=tools.buffer, heed=tools.meter.raise_if_aborted
            )

    def go_on(self, url: str) -> None:
        """Ask for what is missing and append it."""
        try:
            answer, head = self._ask(url)
            try:
                self._settle(head)
                self._append(answer, head)
            finally:
                answer.body.close()
        finally:
            self._tools.meter.detach()

    def _ask(self, url: str) -> tuple[Answer, Head]:
        """Ask; an answer whose end could not be told from a broken line is asked for again as a range."""
        asked, self._is_polyvs_size = self._asked(), False
        answer, head = self._exchange(url, asked)
        if not head.is_framed and (head.size or asked.size) is None:
            answer.body.close()
            answer, head = self._exchange(url, replace(asked, as_range=True))
            self._is_polyvs_size = not head.is_framed and bool(self._tools.expected.size)
            if not head.is_framed and not self._is_polyvs_size:
                answer.body.close()
                raise AnswerMismatchError("the origin tells no size: a cut could not be told from the end")
        return answer, head

    def _exchange(self, url: str, asked: Asked) -> tuple[Answer, Head]:
        tools = self._tools
        return exchange(url, asked, origin=tools.origin, meter=tools.meter, turn=tools.turn)

    def _asked(self) -> Asked:
        """Return what to ask for next."""
        known = self._known
        return Asked(
            have=known.have,
            size=known.size,
            etag=known.etag,
            last_modified=known.last_modified,
            is_digested=bool(kinds_for(known.announced)),
        )

    def _settle(self, head: Head) -> None:
        """Take in what the head says of the file, and begin anew where it is another file or the whole one.

        Before any of it is used it is compared with what Polyv says: most of what is not the file is told so.
        """
        expected = self._tools.expected.size
        if expected is not None and head.size not in (None, expected, self._tools.repeated_size):
            raise OtherSizeError(expected=expected, actual=head.size)
        if self._known.have and head.offset == 0:
            self._part.restart()
        if head.offset == 0:
            size = head.size if head.size is not None else self._known.size
            self._known = Known(size=size, announced=head.announced)
            self._digests = Digests(self._kinds())
        for evidence, digest in head.announced.items():
            if self._known.announced.get(evidence, digest) != digest:
                raise ObjectChangedError(f"the origin names another {evidence} than before")
        self._known = replace(
            self._known,
            size=head.size if head.size is not None else self._known.size,
            etag=head.etag,
            last_modified=head.last_modified,
            announced={**self._known.announced, **head.announced},
        )
        self._tools.meter.have, self._tools.meter.size = self._known.have, self._known.size
        self._tools.ensure_space((self._known.size or 0) - self._known.have)
        self._tools.on_head(self._known)

    def _append(self, answer: Answer, head: Head) -> None:
        """Receive the body; fewer bytes than the file has are asked for again, unless none came.

        What ``length`` and ``is_framed`` of the head, and the size by now, make of a body that has come to its end:

        ======  =========  =====  ==============================================================================
        length  is_framed  size   the file
        ======  =========  =====  ==============================================================================
        0       yes        known  is whole: a 416 said so, and nothing is received
        n       yes        known  is whole at its size; short of it the rest is asked for, unless nothing came, or
                                  next to nothing for too many times in a row
        n       yes        None   may have more: the rest is asked for, until a 416 tells the size
        None    yes        known  is whole at its size; short of it this try has failed
        None    yes        None   is whole, because the framing says so: ``_is_at_end``
        None    no         known  is whole at its size; short of it this try has failed
        None    no         None   could be anything: ``_ask`` asks for a range instead, then takes Polyv's size for
                                  it, or gives up
        ======  =========  =====  ==============================================================================

        A body that comes to no end, because the line or its framing breaks, is an error everywhere, and so is one
        that is longer than its length, or than what the size leaves for it.
        """
        if head.length == 0:
            return  # A 416 that says the part is whole; its body is a text about that.
        came = self._receive(answer, head)
        self._known = replace(self._known, have=self._known.have + came)
        if head.length is None and head.is_framed and self._size is None:
            self._is_at_end = True
        elif (head.length is None or came == 0) and not self.is_complete():
            raise TransferInterruptedError(f"the body ended at {self._known.have} of {self._size} bytes")
        elif not self.is_complete():
            self._progress.count(came)

    def _receive(self, answer: Answer, head: Head) -> int:
        """Write the body behind what is in the part; return how many bytes came."""
        limit = head.length
        if limit is None and self._size is not None:
            limit = self._size - self._known.have
        try:
            is_quick = limit is not None and limit <= _QUICK
            with translated(), contextlib.nullcontext() if is_quick else self._tools.turn.left():
                came = receive(
                    answer.body,
                    self._part.descriptor,
                    limit=limit,
                    digests=self._digests,
                    meter=self._tools.meter,
                    buffer=self._tools.buffer,
                    monotonic=self._tools.monotonic,
                )
        except FramingBrokenError as exc:
            if head.length is not None:
                raise
            # A chunk's size may have been wrong, and the last bytes before the break none of the file's.
            raise AnswerMismatchError(f"{exc}; the part is begun anew") from exc
        except RangeMismatchError as exc:
            if not self._is_polyvs_size:
                raise
            raise OtherSizeError(expected=self._size or 0, actual=None) from exc
        return came

    def verify(self) -> Fetched:
        """Pass every gate, then make the part durable."""
        have = self._known.have
        self._part.require_whole(size=have)
        computed = self._digests.values()
        if late := self._kinds() - computed.keys():
            digests = Digests(late)
            self._take_prefix(digests)
            computed |= digests.values()
        whole = Whole(
            opening=self._part.opening(),
            size=have,
            digests=computed,
            announced=self._known.announced,
            origin_size=self._known.size,
            is_size_repeated=have == self._tools.repeated_size,
        )
        proof = prove(whole, self._tools.expected)
        if self._tools.created_at is not None:
            self._part.date(self._tools.created_at)
        with self._tools.turn.left():
            self._part.make_durable()
        return Fetched(size=have, digests=computed, etag=self._known.etag, proof=proof)
