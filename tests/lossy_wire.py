"""A wire that loses, delays and reorders packets, in a network of its own: the kernel's real TCP has to cope.

A TUN device gives every packet to this process, which swaps its two addresses and gives it back after a while, or
never. Whoever listens at ``HERE`` is so reached at ``THERE``, by a line as bad as is asked for. Checksums stay
right, because a sum does not mind the order of what is added.
"""

import ctypes
import fcntl
import heapq
import os
import random
import select
import struct
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, TypeVar

import pytest

T = TypeVar("T")

HERE: Final = "10.99.0.1"
THERE: Final = "10.99.0.2"

_CLONE_NEWNET: Final = 0x40000000
_TUNSETIFF: Final = 0x400454CA
_TUN_WITHOUT_HEAD: Final = 0x0001 | 0x1000
_IPV4: Final = 4


class Wire:
    """Carries the packets of one device."""

    def __init__(self, descriptor: int, *, loss: float, delay_s: float, seed: int) -> None:
        self._descriptor = descriptor
        self._loss = loss
        self._delay_s = delay_s
        self._random = random.Random(seed)
        self._under_way: list[tuple[float, bytes]] = []
        self._stopping = threading.Event()
        self._left: int | None = None
        self.lost = 0
        """Packets that never came."""
        self._thread = threading.Thread(target=self._carry, daemon=True)
        self._thread.start()

    def cut_after(self, packets: int) -> None:
        """Lose every packet once so many more have come through."""
        self._left = packets

    def mend(self) -> None:
        """Let packets through again."""
        self._left = None

    def stop(self) -> None:
        """Carry nothing any more."""
        self._stopping.set()
        self._thread.join(5)

    def _carry(self) -> None:
        while not self._stopping.is_set():
            due_in = self._under_way[0][0] - time.monotonic() if self._under_way else 0.05
            ready, _, _ = select.select([self._descriptor], [], [], max(0.0, min(due_in, 0.05)))
            if ready:
                self._take(os.read(self._descriptor, 65536))
            while self._under_way and self._under_way[0][0] <= time.monotonic():
                os.write(self._descriptor, heapq.heappop(self._under_way)[1])

    def _take(self, packet: bytes) -> None:
        """Lose the packet or send it on its way; each one's delay is its own, so that they overtake each other."""
        if packet[0] >> 4 != _IPV4:
            return
        if self._left == 0 or self._random.random() < self._loss:
            self.lost += 1
            return
        if self._left is not None:
            self._left -= 1
        turned = packet[:12] + packet[16:20] + packet[12:16] + packet[20:]
        due_at = time.monotonic() + self._delay_s * self._random.uniform(0.5, 1.5)
        heapq.heappush(self._under_way, (due_at, turned))


@contextmanager
def lossy_wire(*, loss: float, delay_s: float, seed: int = 1) -> Iterator[Wire]:
    """Yield a wire in this thread's network that loses a share of *loss* and takes about *delay_s* each way."""
    descriptor = os.open("/dev/net/tun", os.O_RDWR)
    try:
        asked = struct.pack("16sH22x", b"lossy", _TUN_WITHOUT_HEAD)
        fcntl.ioctl(descriptor, _TUNSETIFF, asked)
        _ip("addr", "add", f"{HERE}/24", "dev", "lossy")
        _ip("link", "set", "lossy", "up")
        wire = Wire(descriptor, loss=loss, delay_s=delay_s, seed=seed)
        try:
            yield wire
        finally:
            wire.stop()
    finally:
        os.close(descriptor)


def in_own_network(work: Callable[[], T]) -> T:
    """Return what *work* returns in a thread with a network of its own, which the threads that it starts share.

    Skips the test where this machine does not allow it.
    """
    ended: list[T | BaseException] = []

    def call() -> None:
        try:
            _leave_network()
            ended.append(work())
        except BaseException as exc:  # noqa: BLE001 - raised again by whoever waits for this thread
            ended.append(exc)

    thread = threading.Thread(target=call)
    thread.start()
    thread.join()
    (how,) = ended
    if isinstance(how, BaseException):
        raise how
    return how


def _leave_network() -> None:
    """Give the calling thread a network of its own, where nothing but what it makes can be reached."""
    if not os.access("/dev/net/tun", os.W_OK):
        pytest.skip("needs /dev/net/tun")
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_CLONE_NEWNET) != 0:
        pytest.skip(f"needs the right to make a network of its own ({os.strerror(ctypes.get_errno())})")


def _ip(*words: str) -> None:
    try:
        subprocess.run(["ip", *words], check=True, capture_output=True)
    except FileNotFoundError:
        pytest.skip("needs iproute2")
