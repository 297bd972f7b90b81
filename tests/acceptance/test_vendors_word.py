"""What Polyv says of a source, compared with what comes: sizes, MD5s, and what becomes of a file that differs."""

import json
import sqlite3
import subprocess
from pathlib import Path
from typing import Any

import pytest
from archive_case import ArchiveCase
from crash.runs import Runs

from fetcher.simulator.api_faults import ApiFault
from fetcher.simulator.faults import Fault
from fetcher.simulator.library import Video

_SIZE = 200_000
_WRONG_MD5 = "0" * 32


@pytest.fixture(name="case")
def _case(case: ArchiveCase, runs: Runs) -> ArchiveCase:
    """There are many cases, so that the command is loaded once for all of them."""
    case.runs = runs
    return case


@pytest.fixture
def account(case: ArchiveCase) -> ArchiveCase:
    """An archive whose main account is configured, too."""
    case.environ |= {
        "POLYV_USER_ID": case.simulator.user_id,
        "POLYV_USER_SECRET": case.simulator.user_secret,
    }
    return case


def _show(case: ArchiveCase, video: Video) -> dict[str, Any]:
    shown: dict[str, Any] = json.loads(case.run("show", video.vid, "--json").stdout)
    return shown


def _quarantined(case: ArchiveCase) -> list[Path]:
    return sorted((case.root / ".fetcher" / "quarantine").iterdir())


def _fetched(ended: subprocess.CompletedProcess[str]) -> int:
    """Return how many bytes a run with ``--json`` took from the origin."""
    fetched: int = json.loads(ended.stdout.splitlines()[-1])["bytes"]
    return fetched


def test_polyvs_size_is_asked_for_in_one_call_and_compared_with(case: ArchiveCase) -> None:
    """A file that agrees says so, and 'show' tells whose word it was."""
    case.simulator.library.crc = True
    videos = [case.simulator.library.add_video(size=1000 + number) for number in range(5)]
    case.add(*videos)

    ended = case.sync()

    assert (0, "") == (ended.returncode, ended.stderr)
    case.require_right(videos)
    assert 1 == len(case.simulator.requests.to("/get-video-info"))
    shown = _show(case, videos[0])
    assert ("crc64", ["crc64:origin", "size:polyv", "size:origin"]) == (shown["evidence"], shown["agreed"])
    assert (1000, "mp4") == (shown["polyv_size"], shown["container"])
    told = case.run("show", videos[0].vid).stdout
    assert "agreed          crc64 (the origin), size (Polyv), size (the origin)" in told


def test_f13_a_body_cut_short_without_a_length_is_caught_by_polyvs_size(case: ArchiveCase) -> None:
    """F13: and what is missing is asked for."""
    fault = Fault.truncated_no_length(after=50_000)
    video = case.simulator.library.add_video(size=_SIZE, faults=[fault, fault])
    case.add(video)

    assert 0 == case.sync().returncode

    case.require_right([video])


@pytest.mark.parametrize("policy", ["quarantine", "keep", "fail"])
def test_f14_f30_a_size_that_polyv_has_wrong_ends_by_the_policy(case: ArchiveCase, policy: str) -> None:
    """F14, F30: asked for twice, fetched once at the most, whatever the policy."""
    video = case.simulator.library.add_video(size=_SIZE, listed_size=_SIZE - 1)
    case.add(video)

    ended = case.sync("--json", FETCHER_MISMATCH=policy)

    row = case.rows()[video.vid]
    assert f"{_SIZE - 1}" in row["detail"]
    assert f"{_SIZE}" in row["detail"]
    assert row["detail"] in ended.stderr or policy == "keep"
    if policy == "keep":
        assert (0, "size", []) == (ended.returncode, row["evidence"], _quarantined(case))
        assert "kept, although" in ended.stderr
        assert ["size:origin"] == _show(case, video)["agreed"]
        case.require_right([video])
    else:
        assert (4, "mismatch", []) == (ended.returncode, row["reason"], case.files())
        kept = [video.read(0, video.size)] if policy == "quarantine" else []
        assert kept == [path.read_bytes() for path in _quarantined(case)]
    assert (0 if policy == "fail" else _SIZE) == _fetched(ended)
    assert 0 == _fetched(case.sync("--json", FETCHER_MISMATCH=policy))


def test_f30_polyvs_right_md5_is_the_strongest_evidence(account: ArchiveCase) -> None:
    """F30: it is asked for once."""
    video = account.simulator.library.add_video(size=_SIZE)
    account.add(video)

    assert 0 == account.sync().returncode

    shown = _show(account, video)
    assert ("md5", video.md5(), video.md5()) == (shown["evidence"], shown["md5"], shown["polyv_md5"])
    assert ["md5:polyv", "size:polyv", "size:origin"] == shown["agreed"]
    assert 1 == len(account.simulator.requests.to("/get-video-msg"))


@pytest.mark.parametrize("has_crc", [True, False])
@pytest.mark.parametrize("policy", ["quarantine", "keep", "fail"])
def test_f29_f30_an_md5_that_differs_ends_by_the_policy(
    account: ArchiveCase, policy: str, *, has_crc: bool
) -> None:
    """F29, F30: two downloads at the most; one where a digest of the origin vouches for the bytes."""
    account.simulator.library.crc = has_crc
    video = account.simulator.library.add_video(size=_SIZE, md5checksum=_WRONG_MD5)
    account.add(video)

    ended = account.sync("--until-done", "--json", FETCHER_MISMATCH=policy)

    row = account.rows()[video.vid]
    assert _WRONG_MD5 in row["detail"]
    assert video.md5() in row["detail"]
    if policy == "keep":
        account.require_right([video])
        assert (0, "crc64" if has_crc else "size") == (ended.returncode, row["evidence"])
    else:
        assert (4, "mismatch", []) == (ended.returncode, row["reason"], account.files())
    kept = [video.read(0, video.size)] if policy == "quarantine" else []
    assert kept == [path.read_bytes() for path in _quarantined(account)]
    assert (_SIZE if has_crc else 2 * _SIZE) == _fetched(ended)


def test_f29_bytes_that_are_wrong_once_by_polyvs_md5_are_fetched_again(account: ArchiveCase) -> None:
    """F29: the copy that was wrong stays in quarantine."""
    video = account.simulator.library.add_video(size=_SIZE, faults=[Fault.bit_flip(at=70_000)])
    account.add(video)

    assert 0 == account.sync("--until-done").returncode

    account.require_right([video])
    assert ("md5", 1) == (account.rows()[video.vid]["evidence"], len(_quarantined(account)))


def test_f29_bytes_that_are_wrong_each_time_in_another_place_are_never_kept(account: ArchiveCase) -> None:
    """F29: the way spoils them, so that not even 'keep' does."""
    faults = [Fault.bit_flip(at=70_000), Fault.bit_flip(at=90_000)]
    video = account.simulator.library.add_video(size=_SIZE, faults=faults)
    account.add(video)

    ended = account.sync("--until-done", FETCHER_MISMATCH="keep")

    assert (4, [], 2) == (ended.returncode, account.files(), len(_quarantined(account)))
    assert "mismatch" == account.rows()[video.vid]["reason"]


def test_f29_a_digest_of_the_origin_that_differs_is_kept_by_no_policy(account: ArchiveCase) -> None:
    """F29: whatever Polyv says."""
    account.simulator.library.crc = True
    video = account.simulator.library.add_video(size=_SIZE, faults=[Fault.bit_flip(at=70_000, times=None)])
    account.add(video)

    ended = account.sync(FETCHER_MISMATCH="keep")

    assert (4, []) == (ended.returncode, account.files())


def test_f27_an_empty_source_that_polyv_calls_empty_needs_a_person_at_once(case: ArchiveCase) -> None:
    """F27: it is not asked for ten times, and no policy publishes it."""
    video = case.simulator.library.add_video(body=b"")
    case.add(video)

    ended = case.sync(FETCHER_MISMATCH="keep")

    assert (4, [], "empty") == (ended.returncode, case.files(), case.rows()[video.vid]["reason"])


def test_f27_a_size_of_nothing_is_no_reason_to_publish(case: ArchiveCase) -> None:
    """F27: Polyv says 0 of a file that is there."""
    video = case.simulator.library.add_video(size=_SIZE, listed_size=0)
    case.add(video)

    assert 4 == case.sync().returncode
    assert ([], "mismatch") == (case.files(), case.rows()[video.vid]["reason"])


def test_an_md5_that_polyv_does_not_know_is_no_reason_to_wait(account: ArchiveCase) -> None:
    video = account.simulator.library.add_video(size=_SIZE, md5checksum="")
    account.add(video)

    assert 0 == account.sync().returncode

    account.require_right([video])
    assert "size" == account.rows()[video.vid]["evidence"]


@pytest.mark.parametrize(
    "fault",
    [
        ApiFault.html(times=None, path="get-video"),
        ApiFault.error(105, times=None, path="get-video"),
    ],
    ids=["page", "not allowed"],
)
def test_f55_without_an_answer_about_sources_all_is_downloaded(account: ArchiveCase, fault: ApiFault) -> None:
    """F55: neither sizes nor MD5s are a condition, and asking for them in vain ends soon."""
    account.simulator.api_faults.append(fault)
    videos = [account.simulator.library.add_video(size=1000 + number) for number in range(3)]
    for video in videos:
        account.add(video)

    ended = account.sync()

    assert 0 == ended.returncode
    account.require_right(videos)
    assert {"size"} == {row["evidence"] for row in account.rows().values()}


def test_links_wait_only_a_moment_for_sizes_and_none_that_is_about_to_die(case: ArchiveCase) -> None:
    """F40: with Polyv silent about sizes for longer than a test may last, the dying link is fetched at once."""
    case.simulator.api_faults.append(ApiFault.slow(100, times=None, path="get-video-info"))
    case.simulator.auth_timestamp = "expiry"
    case.simulator.link_lifetime = 300
    video = case.simulator.library.add_video(size=_SIZE)
    case.add(video)

    ended = case.sync("--max-duration", "50s")

    assert (0, "size") == (ended.returncode, case.rows()[video.vid]["evidence"])
    with sqlite3.connect(case.ledger) as ledger:
        assert [(None, None)] == ledger.execute("SELECT size_expected, size_asked_at FROM videos").fetchall()
    ledger.close()


def test_sizes_are_not_asked_for_where_the_setting_says_so(case: ArchiveCase) -> None:
    case.add(case.simulator.library.add_video(size=_SIZE, listed_size=1))

    assert 0 == case.sync(FETCHER_ASK_SIZES="false").returncode
    assert [] == case.simulator.requests.to("/get-video-info")


@pytest.mark.parametrize(
    "body",
    [
        b"AccessDenied: this network wants to know who you are.",
        b'[{"code": 403}]',
        b"PGh0bWw+Tm8gZW50cnk8L2h0bWw+" * 9,
    ],
    ids=["words", "JSON array", "base64"],
)
def test_f31_f32_text_that_is_no_page_is_no_video_either(case: ArchiveCase, body: bytes) -> None:
    """F31, F32: unless Polyv says that the source has that very size."""
    strange = case.simulator.library.add_video(body=body, listed_size=_SIZE)
    source = case.simulator.library.add_video(body=body)
    case.add(strange, source)

    ended = case.sync(FETCHER_TRIES="1", FETCHER_MISMATCH="keep")

    assert 3 == ended.returncode
    rows = case.rows()
    assert ("ready", "text came instead of a video") == (
        rows[strange.vid]["status"],
        rows[strange.vid]["detail"][:28],
    )
    assert ("done", "unknown") == (rows[source.vid]["status"], rows[source.vid]["container"])
