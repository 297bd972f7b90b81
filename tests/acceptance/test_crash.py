"""kill -9 at any moment, signals, and what is left for the next run."""

import random
import signal
import time

from archive_case import ArchiveCase

from fetcher.simulator.faults import Fault

_KILLS = 20
_MIB = 1 << 20


def test_twenty_kills_cost_few_bytes_and_no_file(case: ArchiveCase) -> None:
    """F01: after 20 times kill -9 at random moments one clean run ends with every file right and no part left."""
    library = case.simulator.library
    videos = [
        library.add_video(size=3 * _MIB + number, faults=[Fault.drip(rate=3 * _MIB, times=None)])
        for number in range(6)
    ]
    videos += [library.add_video(size=40_000 + number) for number in range(30)]
    case.add(*videos)
    moments = random.Random(20)
    for _ in range(_KILLS):
        running = case.start("sync", "--jobs", "4")
        time.sleep(moments.uniform(0.3, 1.6))
        running.kill()
        running.communicate()

    ended = case.sync("--until-done")

    assert (0, "") == (ended.returncode, ended.stderr)
    case.require_right(videos)
    assert [] == case.parts()
    wanted = sum(video.size for video in videos)
    sent = sum(case.fetched_bytes(video) for video in videos)
    # A kill may cost each of four transfers what is in the buffer and in the sockets between.
    assert sent <= wanted + _KILLS * 4 * 2 * _MIB
    assert sent <= 3 * wanted


def test_sigterm_keeps_the_part_and_the_next_run_goes_on(case: ArchiveCase) -> None:
    """F08: exit code 143, and not one byte that was on the disk is fetched again."""
    video = case.simulator.library.add_video(size=4 * _MIB, faults=[Fault.drip(rate=_MIB)])
    case.add(video)
    running = case.start("sync")
    while case.fetched_bytes(video) < 2 * _MIB:
        assert running.poll() is None
        time.sleep(0.02)

    running.send_signal(signal.SIGTERM)

    assert 143 == running.wait(10)
    running.communicate()
    assert 0 == case.sync().returncode
    case.require_right([video])
    resumed = case.simulator.requests.of(video.vid)[-1]
    assert resumed.range is not None
    assert resumed.range != "bytes=0-"


def test_sigint_ends_with_130(case: ArchiveCase) -> None:
    """F08: as a terminal's interrupt does."""
    video = case.simulator.library.add_video(size=4 * _MIB, faults=[Fault.drip(rate=_MIB, times=None)])
    case.add(video)
    running = case.start("sync")
    while not case.fetched_bytes(video):
        assert running.poll() is None
        time.sleep(0.02)

    running.send_signal(signal.SIGINT)

    assert 130 == running.wait(10)
    running.communicate()
