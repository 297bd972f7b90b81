"""The installed command under ``--limit-rate``: never faster, never taken for dead, ended at once."""

import signal
import time

import pytest
from archive_case import ArchiveCase

from fetcher.simulator.faults import Fault
from fetcher.simulator.library import Video

_KIB = 1024
_LONG_S = 30.0


def _videos(case: ArchiveCase, count: int, size: int) -> list[Video]:
    videos = [case.simulator.library.add_video(size=size) for _ in range(count)]
    case.add(*videos)
    return videos


@pytest.mark.parametrize("jobs", ["1", "8"])
def test_files_come_no_faster_than_the_rate_and_by_one_request_each(case: ArchiveCase, jobs: str) -> None:
    videos, rate = _videos(case, 8, 50_000), 400_000
    began = time.monotonic()

    ended = case.sync("--limit-rate", str(rate), "--jobs", jobs)

    took = time.monotonic() - began
    assert (0, "") == (ended.returncode, ended.stderr)
    case.require_right(videos)
    # Between two files a quarter of a second's worth may be made up for.
    assert took >= (8 * 50_000 - rate / 4) / rate
    assert [[None]] * 8 == [[request.range for request in case.simulator.requests.of(v.vid)] for v in videos]


@pytest.mark.parametrize("rate", ["0", "0K", "0.5"])
def test_a_rate_of_nothing_is_no_rate_and_not_no_limit_either(case: ArchiveCase, rate: str) -> None:
    """Other programs take 0 for no limit; nothing is begun before somebody says what is meant."""
    _videos(case, 1, 100)

    ended = case.sync("--limit-rate", rate)

    assert (2, [], 0) == (ended.returncode, case.files(), len(case.simulator.requests.to("/get")))
    assert f"limit_rate is '{rate}', less than a byte a second" in ended.stderr
    assert '--limit-rate ""' in ended.stderr


def test_an_empty_rate_lifts_the_one_that_is_configured(case: ArchiveCase) -> None:
    (video,) = _videos(case, 1, 300_000)
    began = time.monotonic()

    ended = case.sync("--limit-rate", "", FETCHER_LIMIT_RATE="1K")

    assert (0, "") == (ended.returncode, ended.stderr)
    case.require_right([video])
    assert _LONG_S > time.monotonic() - began


def test_f46_a_rate_so_low_that_little_comes_is_no_stall(case: ArchiveCase) -> None:
    """A tenth of what counts as a stall where no rate is set; not a try is lost."""
    (video,) = _videos(case, 1, 100)

    ended = case.sync("--limit-rate", "50", FETCHER_STALL_SECONDS="0.4")

    assert (0, "") == (ended.returncode, ended.stderr)
    case.require_right([video])
    assert [None] == [request.range for request in case.simulator.requests.of(video.vid)]


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGINT])
def test_f08_a_signal_ends_the_wait_for_the_rate_and_what_came_is_kept(
    case: ArchiveCase, sign: signal.Signals
) -> None:
    """The rest would take minutes. Two lines share so low a rate: eight would look dead to their origin."""
    videos = _videos(case, 8, 1_000 * _KIB)
    running = case.start("sync", "--limit-rate", "16K")
    while len(case.simulator.requests.to(".mp4")) < 2:
        assert running.poll() is None
        time.sleep(0.02)
    time.sleep(0.5)

    running.send_signal(sign)

    assert 128 + sign == running.wait(_LONG_S)
    running.communicate()
    assert 2 == len(case.simulator.requests.to(".mp4"))
    assert [] == case.files()
    assert {"ready"} == {row["status"] for row in case.rows().values()}
    assert 0 == case.sync().returncode
    case.require_right(videos)


def test_the_limit_of_time_ends_the_wait_for_the_rate(case: ArchiveCase) -> None:
    """Exit code 8; the next run goes on with the bytes that had come."""
    (video,) = _videos(case, 1, 8_000 * _KIB)
    began = time.monotonic()

    ended = case.sync("--limit-rate", "64K", "--max-duration", "3s")

    assert 8 == ended.returncode
    assert time.monotonic() - began < _LONG_S
    assert 0 == case.sync().returncode
    case.require_right([video])
    first, second = (request.range for request in case.simulator.requests.of(video.vid))
    assert first is None
    assert second is not None


def test_a_line_that_stands_holds_back_none_of_the_others(case: ArchiveCase) -> None:
    """The others are done while it is still waited for, and it comes later."""
    standing = case.simulator.library.add_video(size=3_000_000, faults=[Fault.stall(after=50_000)])
    others = [case.simulator.library.add_video(size=200_000) for _ in range(5)]
    case.add(standing, *others)

    ended = case.sync("--limit-rate", "2M", "--jobs", "2", "--json", FETCHER_STALL_SECONDS="3")

    assert 0 == ended.returncode
    case.require_right([standing, *others])
    done = [line for line in ended.stdout.splitlines() if '"done"' in line and '"vid"' in line]
    assert standing.vid in done[-1]
