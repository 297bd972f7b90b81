"""Lines that a thread writes: to a pipe, which is read late or never."""

import fcntl
import os
import threading
from collections.abc import Iterator

import pytest

from fetcher.cli.lines import LineThread, write_all

_LINE = "x" * 4095


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    """A pipe that holds one line."""
    ends = os.pipe()
    fcntl.fcntl(ends[1], fcntl.F_SETPIPE_SZ, 4096)
    yield ends
    for end in ends:
        os.close(end)


def _lines(end: int, *, most: int | None = None) -> LineThread:
    return LineThread(
        lambda line: write_all(end, line.encode() + b"\n"), most=most, left_out=lambda count: f"{count} left out"
    )


def _accounted(line: bytes) -> int:
    """Return for how many lines this one stands."""
    if line == f"{_LINE}\n".encode():
        return 1
    assert line.endswith(b" left out\n")
    return int(line.split()[0])


def _read(end: int, last: str) -> list[str]:
    """Read up to the line *last*."""
    told = b""
    while not told.endswith(f"{last}\n".encode()):
        told += os.read(end, 65536)
    return told.decode().splitlines()


def test_f97_what_nobody_reads_holds_up_nobody_and_what_is_left_out_is_counted(pipe: tuple[int, int]) -> None:
    lines = _lines(pipe[1], most=3)
    for _ in range(100):
        lines.put(_LINE)

    assert not lines.drain(0.2)
    accounted = 0
    while accounted < 100:
        accounted += _accounted(os.read(pipe[0], 4096))

    assert lines.drain()
    assert 100 == accounted


def test_what_is_left_out_is_told_before_what_comes_later(pipe: tuple[int, int]) -> None:
    lines = _lines(pipe[1], most=3)
    for _ in range(100):
        lines.put(_LINE)
    assert not lines.drain(0.2)
    # With the word on what was left out up to four lines may wait: after four there is room for one, however late
    # the thread takes the next. What finds no room is only counted, and would be waited for below for ever.
    came = [os.read(pipe[0], 4096) for _ in range(4)]

    lines.put("later")
    told = _read(pipe[0], "later")

    assert lines.drain()
    assert 100 == sum(_accounted(f"{line}\n".encode()) for line in told[:-1]) + sum(map(_accounted, came))


def test_all_that_was_said_is_there_after_the_drain(pipe: tuple[int, int]) -> None:
    lines, told = _lines(pipe[1]), []
    reading = threading.Thread(target=lambda: told.extend(_read(pipe[0], "999")))
    reading.start()
    for number in range(1000):
        lines.put(str(number))

    assert lines.drain()
    reading.join()
    assert [str(number) for number in range(1000)] == told


def test_a_pipe_that_wants_no_write_to_wait_gets_all_the_same(pipe: tuple[int, int]) -> None:
    """Whoever shares it may have set O_NONBLOCK."""
    os.set_blocking(pipe[1], False)
    lines = _lines(pipe[1])
    for _ in range(20):
        lines.put(_LINE)
    lines.put("end")

    assert [_LINE] * 20 == _read(pipe[0], "end")[:-1]
