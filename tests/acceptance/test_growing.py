"""The installed command finds how many downloads an origin is worth, on real sockets."""

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from crowded_origin import Counted, for_all, for_each, for_so_many
from origin import Behaviour
from raw_case import RawCase, prepared_archive, raw_case
from transfer_cases import video

_MIB = 1 << 20
_BODY = video(2 * _MIB)
_RATE = 2 * _MIB
_FROM_TWO = {"FETCHER_JOBS": "2", "FETCHER_JOBS_MAX": "16", "FETCHER_TRIES": "20"}


@pytest.fixture(name="case")
def _case(tmp_path: Path) -> Iterator[RawCase]:
    with raw_case(prepared_archive(tmp_path), tmp_path / "case") as case:
        yield case


def _publish(case: RawCase, behaviour: Behaviour, count: int) -> list[str]:
    """Have Polyv give links to *count* files, behind which the origin does *behaviour*; return the vids."""
    vids = [f"{number:032x}_1" for number in range(count)]
    for vid in vids:
        case.origin.add(f"/{vid}.mp4", _BODY)
        case.origin.script(f"/{vid}.mp4", [behaviour] * 30)
    case.polyv.data = lambda: [case.row(vid=vid, url=case.link(f"/{vid}.mp4")) for vid in vids]
    return vids


def _require_right(case: RawCase, vids: list[str]) -> None:
    assert [f"{vid}.mp4" for vid in vids] == case.files()
    assert {_BODY} == {(case.root / f"{vid}.mp4").read_bytes() for vid in vids}


def _most(ended: subprocess.CompletedProcess[str]) -> int:
    assert 0 == ended.returncode, ended.stderr
    most: int = json.loads(ended.stdout.splitlines()[-1])["jobs_most"]
    return most


def _numbers(ended: subprocess.CompletedProcess[str]) -> list[int]:
    """Return the numbers of jobs that -vv tells, one after the other."""
    return [int(number) for number in re.findall(r"(\d+) jobs instead of \d+: ", ended.stderr)]


def test_where_each_connection_is_throttled_a_run_grows_as_far_as_it_may(case: RawCase) -> None:
    counted = Counted()
    vids = _publish(case, for_each(_RATE, counted), 90)

    ended = case.run("-vv", "sync", "--json", **_FROM_TWO)

    assert 16 == _most(ended)
    assert [4, 8, 16] == _numbers(ended)[:3]
    assert 8 < counted.most <= 16
    assert " jobs: more bring more; " in ended.stderr
    _require_right(case, vids)


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
