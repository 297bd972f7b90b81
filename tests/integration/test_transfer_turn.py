"""The turn: one thread at a time, but nobody waits for another's line."""

import asyncio
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import trustme
from downloader_cases import Bench, bench_in
from origin import OriginServer, Reply
from origin_faults import drip_head, mute, stall
from transfer_cases import certificate, video

from fetcher.domain.events import FileVerified
from fetcher.transfer.turn import Turn

_BODY = video(60_000)


def in_thread(work: Callable[[], None]) -> threading.Thread:
    """Begin *work* in a thread of its own."""
    thread = threading.Thread(target=work)
    thread.start()
    return thread


def test_one_thread_at_a_time_has_the_turn() -> None:
    turn, inside, most = Turn(longest_wait_s=30, slow_s=30), [0], [0]

    def work() -> None:
        for _ in range(200):
            with turn.held():
                inside[0] += 1
                most[0] = max(most[0], inside[0])
                time.sleep(0)
                inside[0] -= 1

    for thread in [in_thread(work) for _ in range(4)]:
        thread.join()

    assert (1, 0) == (most[0], inside[0])


def test_who_leaves_the_turn_lets_others_have_it_and_gets_it_back() -> None:
    turn, had = Turn(longest_wait_s=30, slow_s=30), threading.Event()

    def other() -> None:
        with turn.held():
            had.set()

    with turn.held():
        thread = in_thread(other)
        assert not had.wait(0.005)
        with turn.left():
            assert had.wait(5)
        thread.join()
        late = in_thread(had.clear)
        late.join()
        again = in_thread(other)
        assert not had.wait(0.005)
    again.join()
    assert had.is_set()


def test_leaving_a_turn_that_one_does_not_have_does_nothing() -> None:
    turn, holds, done = Turn(), threading.Event(), threading.Event()

    def holder() -> None:
        with turn.held():
            holds.set()
            done.wait(5)

    thread = in_thread(holder)
    holds.wait(5)
    with turn.left(), turn.left():
        assert thread.is_alive()
    done.set()
    thread.join()
    with turn.held():
        pass


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_an_error_gives_the_turn_back(error: type[BaseException]) -> None:
    turn = Turn()
    with pytest.raises(error), turn.held(), turn.left():
        raise error
    with turn.held():
        pass


def test_a_turn_that_does_not_come_is_not_waited_for() -> None:
    """A disk that hangs in another's turn."""
    turn, holds, done = Turn(), threading.Event(), threading.Event()

    def holder() -> None:
        with turn.held():
            holds.set()
            done.wait(10)

    thread = in_thread(holder)
    holds.wait(5)
    began = time.monotonic()
    with turn.held(), turn.left():
        assert time.monotonic() - began < 5
    done.set()
    thread.join()


def test_after_a_slow_turn_threads_go_side_by_side_for_a_while() -> None:
    turn, together = Turn(), threading.Barrier(2, timeout=10)
    with turn.held():
        time.sleep(0.03)

    def meet() -> None:
        with turn.held():
            together.wait()

    for thread in [in_thread(meet) for _ in range(2)]:
        thread.join()
    assert not together.broken


@pytest.mark.parametrize("is_secure", [False, True])
@pytest.mark.parametrize("reply", [mute, drip_head, stall(30_000)])
async def test_f46_a_line_that_stands_holds_no_other_up(
    *, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_secure: bool, reply: Reply
) -> None:
    """Three of four threads wait for lines that say nothing; the fourth goes through twenty files meanwhile."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    with (
        OriginServer(tls=certificate(authority) if is_secure else None) as origin,
        bench_in(tmp_path, stall_s=30, read_timeout_s=30) as bench,
    ):
        standing = []
        for number in range(3):
            url = origin.add(f"/stands{number}.mp4", _BODY)
            origin.script(f"/stands{number}.mp4", [reply])
            standing.append(asyncio.create_task(_download(bench, url, number + 100)))
        await asyncio.sleep(0.3)
        for number in range(20):
            url = origin.add(f"/{number}.mp4", _BODY)
            assert isinstance(await asyncio.wait_for(_download(bench, url, number), 10), FileVerified)
        assert not any(task.done() for task in standing)
        bench.downloader.stop()
        await asyncio.wait(standing, timeout=10)
        assert all(task.done() and task.exception() is not None for task in standing)


async def _download(bench: Bench, url: str, number: int) -> object:
    return await bench.download(url, path=f"{number}.mp4", video_id=number, vid=f"v{number}")
