"""Digests computed while the bytes pass: SHA-256 always, others only where there is something to compare with."""

import hashlib
import os
from collections.abc import Callable, Iterable, Mapping
from typing import Final, Protocol

import fastcrc

from fetcher.domain.errors import IntegrityError
from fetcher.domain.status import Evidence

_ALGORITHM: Final[Mapping[str, str]] = {
    Evidence.MD5: "md5",
    Evidence.CRC64: "crc64",
    Evidence.REPR_DIGEST: "sha256",
    Evidence.CONTENT_MD5: "md5",
}


class Running(Protocol):
    """One digest on its way."""

    def update(self, data: memoryview, /) -> None:
        """Take in *data*."""
        ...

    def hexdigest(self) -> str:
        """Return the digest of all that was taken in."""
        ...


class _Crc64:
    """CRC-64/XZ, told in decimal as Alibaba Cloud OSS does."""

    def __init__(self) -> None:
        self._value: int | None = None

    def update(self, data: memoryview, /) -> None:
        self._value = fastcrc.crc64.xz(data, self._value)

    def hexdigest(self) -> str:
        return str(self._value or 0)


_NEW: Final[Mapping[str, Callable[[], Running]]] = {
    "sha256": hashlib.sha256,
    "md5": lambda: hashlib.md5(usedforsecurity=False),
    "crc64": _Crc64,
}


class Digests:
    """The running digests of one file."""

    def __init__(self, kinds: Iterable[str] = ()) -> None:
        self._running = {kind: _NEW[kind]() for kind in {"sha256", *kinds}}
        self._update = [running.update for running in self._running.values()]

    def update(self, data: memoryview) -> None:
        """Take in *data*; the interpreter's lock is free meanwhile."""
        for update in self._update:
            update(data)

    def values(self) -> dict[str, str]:
        """Return the digests so far, by kind."""
        return {kind: running.hexdigest() for kind, running in self._running.items()}

    def take_prefix(
        self, descriptor: int, *, size: int, buffer: memoryview, heed: Callable[[], None] = lambda: None
    ) -> None:
        """Take in the first *size* bytes of an open file.

        Args:
            descriptor: Of the file.
            size: How much of it.
            buffer: Reused.
            heed: Called between reads; raises to break off.

        Raises:
            OSError: The file is shorter than that, or cannot be read.
        """
        offset = 0
        while offset < size:
            heed()
            count = os.preadv(descriptor, [buffer[: size - offset]], offset)
            if count == 0:
                raise OSError(f"the file ends at {offset} of {size} bytes")
            self.update(buffer[:count])
            offset += count


def kinds_for(announced: Iterable[str]) -> set[str]:
    """Return the kinds of digest that are needed to compare with what is *announced*, by evidence."""
    return {_ALGORITHM[evidence] for evidence in announced if evidence in _ALGORITHM}


def agreeing(announced: Mapping[str, str], computed: Mapping[str, str]) -> list[Evidence]:
    """Compare every digest that is announced, return those that agree, strongest first.

    Raises:
        IntegrityError: One of them differs.
    """
    compared = []
    for evidence in Evidence:
        expected, kind = announced.get(evidence), _ALGORITHM.get(evidence, "")
        if expected is None or kind not in computed:
            continue
        if computed[kind] != expected:
            raise IntegrityError(
                f"{evidence} is {computed[kind]}, expected {expected}",
                expected=expected,
                actual=computed[kind],
            )
        compared.append(evidence)
    return compared
