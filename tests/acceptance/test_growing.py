"""The installed command finds how many downloads an origin is worth, on real sockets."""

import json
import re
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from crowded_origin import Counted, at_once, for_all, for_each, for_so_many
from origin import Behaviour
from raw_case import RawCase, prepared_archive, raw_case
from transfer_cases import video

from benchmarks.far_line import far

_MIB = 1 << 20
_BODY = video(_MIB)
_SMALL_BODY = video(16 << 10)
_RATE = _MIB
_FROM_TWO = {"FETCHER_JOBS": "2", "FETCHER_JOBS_MAX": "16", "FETCHER_TRIES": "20"}


@pytest.fixture(name="case")
def _case(tmp_path: Path) -> Iterator[RawCase]:
    with raw_case(prepared_archive(tmp_path), tmp_path / "case") as case:
        yield case


def _publish(
    case: RawCase, behaviour: Behaviour, count: int, *, body: bytes = _BODY, port: int | None = None
) -> list[str]:
    """Have Polyv give links to *count* files, behind which the origin does *behaviour*; return the vids.

    Where a *port* is named, the links lead there.
    """
    vids = [f"{number:032x}_1" for number in range(count)]
    for vid in vids:
        case.origin.add(f"/{vid}.mp4", body)
        case.origin.script(f"/{vid}.mp4", [behaviour] * 30)
    near, where = f":{case.origin.port}/", f":{port or case.origin.port}/"
    case.polyv.data = lambda: [case.row(vid=vid, url=case.link(f"/{vid}.mp4").replace(near, where)) for vid in vids]
    return vids


def _require_right(case: RawCase, vids: list[str]) -> None:
    assert [f"{vid}.mp4" for vid in vids] == case.files()
    assert {_BODY} == {(case.root / f"{vid}.mp4").read_bytes() for vid in vids}


def _run_until(case: RawCase, line: str) -> str:
    """Let a run go on until it says *line* or has nothing more to do, then stop it; return all that it said.

    How long it takes to find something out is a matter of the machine: no number of files is enough for sure.
    """
    running = case.start("-vv", "sync", **_FROM_TWO)
    assert running.stderr is not None
    said = []
    for told in running.stderr:
        said.append(told.decode())
        if line in said[-1]:
            running.send_signal(signal.SIGTERM)
            break
    _, rest = running.communicate(timeout=60)
    return "".join(said) + rest.decode()


def _require_those_there_right(case: RawCase, body: bytes) -> int:
    """See that each finished file has all its bytes; return how many there are."""
    files = case.files()
    assert {body} == {(case.root / file).read_bytes() for file in files}
    return len(files)


def _most(ended: subprocess.CompletedProcess[str]) -> int:
    assert 0 == ended.returncode, ended.stderr
    most: int = json.loads(ended.stdout.splitlines()[-1])["jobs_most"]
    return most


def _numbers(ended: subprocess.CompletedProcess[str]) -> list[int]:
    """Return the numbers of jobs that -vv tells, one after the other."""
    return [int(number) for number in re.findall(r"(\d+) jobs instead of \d+: ", ended.stderr)]


def _grown_to(said: str) -> list[int]:
    """Return the numbers of jobs that were tried and have brought more, one after the other."""
    return [int(number) for number in re.findall(r"(\d+) jobs: more bring more; ", said)]


def test_where_each_connection_is_throttled_a_run_grows_as_far_as_it_may(case: RawCase) -> None:
    counted, last = Counted(), "16 jobs: more bring more; "
    _publish(case, for_each(_RATE, counted), 600)

    said = _run_until(case, last)

    assert last in said
    assert [4, 8, 16] == _grown_to(said)
    assert 8 < counted.most <= 16
    assert "at most 16 jobs" in said
    assert 40 < _require_those_there_right(case, _BODY) < 600


def test_over_a_far_line_the_number_of_small_files_counts_and_connections_are_used_again(case: RawCase) -> None:
    """Each is a round trip. Their bytes would not fill a window, and they are through before anybody looks."""
    counted, last = Counted(), "16 jobs: more bring more; "
    with far(case.origin.port, round_trip_s=0.4) as port:
        _publish(case, at_once(counted), 2400, body=_SMALL_BODY, port=port)

        said = _run_until(case, last)

    assert last in said
    assert [4, 8, 16] == _grown_to(said)
    count = _require_those_there_right(case, _SMALL_BODY)
    assert 100 < count < 2400
    assert case.origin.connections <= count // 2  # One that lay idle for long is not used again.


def test_where_all_share_a_line_a_run_stays_near_what_it_began_with(case: RawCase) -> None:
    """It may look whether more bring more, and goes back."""
    counted = Counted()
    vids = _publish(case, for_all(4 * _RATE, counted), 50)

    ended = case.run("-vv", "sync", "--json", **_FROM_TWO)

    assert 0 == ended.returncode
    assert [4, 2] == _numbers(ended)[:2]
    assert counted.most <= 4
    _require_right(case, vids)


def test_an_origin_that_turns_some_away_is_left_at_what_it_takes_and_all_files_come(case: RawCase) -> None:
    counted = Counted()
    vids = _publish(case, for_so_many(6, _RATE, counted), 80)

    ended = case.run("-vv", "sync", "--json", **_FROM_TWO)

    assert 8 == _most(ended)
    assert [4, 8, 4] == _numbers(ended)[:3]
    assert "the origin turns us away" in ended.stderr
    assert counted.over[-1] - counted.over[0] < 2
    _require_right(case, vids)


def test_a_number_on_the_command_line_is_meant(case: RawCase) -> None:
    counted = Counted()
    vids = _publish(case, for_each(_RATE, counted), 24)

    ended = case.run("-v", "sync", "--jobs", "3", **_FROM_TWO)

    assert 0 == ended.returncode
    assert "at most 3 jobs" in ended.stderr
    assert 3 == counted.most
    _require_right(case, vids)
