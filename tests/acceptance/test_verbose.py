"""What -v and -vv add, and that no secret is in it."""

import pytest
from archive_case import ArchiveCase

from fetcher.simulator.api_faults import ApiFault
from fetcher.simulator.faults import Fault

_PROXY_PASSWORD = "pr0xy-canary"


def _stock(case: ArchiveCase) -> None:
    """Put videos on the shelf that meet with all that a link may meet with, under a Polyv that fails at first."""
    add = case.simulator.library.add_video
    case.add(
        add(faults=[Fault.expired(), Fault.cut(after=50_000)]),
        add(faults=[Fault.redirect(times=1)]),
        add(faults=[Fault.gone(times=None)]),
        add(faults=[Fault.html(times=None)]),
        add(fails=True),
    )
    for fault in (ApiFault.html(), ApiFault.http_500()):
        case.simulator.api_faults.append(fault)


def test_vv_tells_each_step_and_v_how_it_went(case: ArchiveCase) -> None:
    """-vv names the questions to Polyv and the downloads; -v does not."""
    video = case.simulator.library.add_video()
    task_id = case.add(video)
    steps = [
        f"task {task_id}: asking Polyv",
        "/v3/video/source-file-task/get",
        f"{video.vid}: download begins",
        f"{video.vid}: FileVerified",
    ]

    loud = case.run("-vv", "sync").stderr
    (case.root / f"{video.vid}.mp4").unlink()
    spare = case.run("-v", "sync").stderr

    assert [] == [step for step in steps if step not in loud]
    assert [] == [step for step in steps if step in spare]
    assert "1 done" in spare


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_no_canary_is_told_at_the_loudest_level(case: ArchiveCase, log_format: str) -> None:
    """F91: neither the secret, nor what every link's key carries, nor a signature, nor a proxy's password."""
    _stock(case)
    in_every_link = case.simulator.signed("/any.mp4").split("-")[2]
    proxy = f"http://me:{_PROXY_PASSWORD}@127.0.0.1:9"

    ended = case.run("-vv", "--log-format", log_format, "sync", "--json", FETCHER_TRIES="2", HTTPS_PROXY=proxy)

    told = ended.stdout + ended.stderr
    assert "download begins" in told
    canaries = (case.simulator.app_secret, in_every_link, "auth_key=1", "timestamp=", "sign=", _PROXY_PASSWORD)
    assert [] == [canary for canary in canaries if canary in told]
