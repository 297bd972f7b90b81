"""The bulk path: from the socket into one buffer, from there to the disk and through the digests.

One buffer per transfer, filled by as many reads as it takes, then written with one call and summed with one call.
The interpreter's lock is free in all three.
"""

import os
import time
from collections.abc import Callable
from typing import Final

from fetcher.domain.errors import RangeMismatchError
from fetcher.transfer.body import Body
from fetcher.transfer.digests import Digests
from fetcher.transfer.meter import Meter

BUFFER_SIZE: Final = 1 << 20
"""Bytes; measured: 1 MiB writes are as fast as it gets, larger ones slower."""

_FLUSH_AFTER_S: Final = 1.0


def receive(
    body: Body,
    descriptor: int,
    *,
    limit: int | None,
    digests: Digests,
    meter: Meter,
    buffer: memoryview,
    monotonic: Callable[[], float] = time.monotonic,
) -> int:
    """Append *body* to the open file, return how many bytes came.

    Args:
        body: What to read to its end.
        descriptor: Positioned where the body belongs.
        limit: How many bytes may come at the most, None where nobody knows.
        digests: Take in what is written, in order.
        meter: Counts, paces and aborts.
        buffer: Reused from transfer to transfer.
        monotonic: Seconds; a slow line's bytes are written at least about once a second.

    Raises:
        TransferError: Aborted, or more bytes than *limit*. What came before is written.
        httpx.HTTPError: The body broke off. What came before is written.
        OSError: The disk.
    """
    came = filled = 0
    flushed_at = monotonic()
    try:
        while count := _read(body, buffer[filled:], meter):
            came += count
            filled += count
            if limit is not None and came > limit:
                filled = 0
                raise RangeMismatchError(f"more than the {limit} bytes that were promised came")
            if filled == len(buffer) or monotonic() - flushed_at >= _FLUSH_AFTER_S:
                due, filled = filled, 0  # What the disk refused is not written a second time below.
                _flush(descriptor, buffer[:due], digests)
                flushed_at = monotonic()
    finally:
        _flush(descriptor, buffer[:filled], digests)
        meter.settle()
    return came


def _read(body: Body, view: memoryview, meter: Meter) -> int:
    """Read once, within the rate; an abort is told as itself and not as the broken line that it makes."""
    meter.raise_if_aborted()
    try:
        count = body.readinto(view[: meter.allowance])
    except Exception:
        meter.raise_if_aborted()
        raise
    if count == 0:
        meter.raise_if_aborted()
        return 0
    meter.add(count)
    return count


def _flush(descriptor: int, data: memoryview, digests: Digests) -> None:
    """Write and sum *data*."""
    write_all(descriptor, data)
    if data:
        digests.update(data)


def write_all(descriptor: int, data: memoryview) -> None:
    """Write the whole of *data*: one call may take less."""
    while data:
        data = data[os.write(descriptor, data) :]
