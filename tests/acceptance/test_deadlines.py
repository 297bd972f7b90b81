"""Links that die: in the right order all of them are saved, and where not all can be it is said before."""

import json
import random
from collections.abc import Mapping

import pytest
from archive_case import ArchiveCase
from ledger_cases import raw

_SIZE = 250_000
_RATE = 500_000.0
"""Bytes a second of the line that all share."""
_MARGIN_S = 8.0


def test_f40_thirty_links_on_a_slow_line_that_only_the_right_order_fits_are_all_saved(case: ArchiveCase) -> None:
    """In the order of the task, or by chance, those that die first would wait behind those that do not."""
    case.simulator.line.rate = _RATE
    case.simulator.auth_timestamp = "expiry"
    places = list(range(30))
    random.Random(7).shuffle(places)
    videos = [
        case.simulator.library.add_video(size=_SIZE, link_lifetime=_MARGIN_S + place * _SIZE / _RATE)
        for place in places
    ]
    case.add(*videos)

    ended = case.sync("--jobs", "2")

    assert 0 == ended.returncode, ended.stderr
    case.require_right(videos)
    asked = [request for video in videos for request in case.simulator.requests.of(video.vid)]
    assert [200] * len(videos) == [request.status_code for request in asked], "each under its first link"


def test_f40_what_cannot_be_saved_is_told_before_it_dies(case: ArchiveCase) -> None:
    """Twenty seconds of work and links that live for eight; Polyv has no others."""
    case.simulator.line.rate = _RATE
    case.simulator.auth_timestamp = "expiry"
    case.simulator.links = "frozen"
    videos = [case.simulator.library.add_video(size=1_000_000, link_lifetime=8) for _ in range(16)]
    case.add(*videos)

    ended = case.sync("--jobs", "1", "--json")

    assert 3 == ended.returncode
    lines = [json.loads(line) for line in ended.stdout.splitlines()]
    kinds = [line["type"] for line in lines]
    assert kinds.index("at_risk") < kinds.index("link_refused")
    (told, *_) = (line for line in lines if line["type"] == "at_risk")
    refused = {line["vid"] for line in lines if line["type"] == "link_refused"}
    assert told["count"] >= len(told["vids"]) > 0
    assert refused & {vid for line in lines if line["type"] == "at_risk" for vid in line["vids"]}
    assert "videos cannot be begun in time: 'fetcher list --at-risk' names them" in ended.stderr


@pytest.mark.parametrize("settings", [{}, {"FETCHER_LIMIT_RATE": "50k"}])
def test_f40_list_and_status_name_what_a_run_has_counted(case: ArchiveCase, settings: Mapping[str, str]) -> None:
    """Five runs found the line quick enough for all of it; through this one it was slow."""
    case.simulator.line.rate = _RATE
    case.simulator.auth_timestamp = "expiry"
    case.add(*(case.simulator.library.add_video(size=8_000_000, link_lifetime=900.0) for _ in range(100)))
    with raw(case.ledger) as connection:
        for _ in range(5):
            connection.execute("INSERT INTO runs (owner, started_at, bytes_per_s) VALUES ('a', 1, 100000000)")

    ended = case.sync("--max-duration", "4s", "--json", **settings)

    counted = json.loads(ended.stdout.splitlines()[-1])["at_risk"]
    assert (5, True) == (ended.returncode, counted > 0)
    assert counted == json.loads(case.run("status", "--json", **settings).stdout)["at_risk"]
    assert counted == len(case.run("list", "--at-risk", "--format", "ids", **settings).stdout.splitlines())
