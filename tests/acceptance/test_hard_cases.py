"""What only shows when the parts meet: each of these went wrong once."""

import json
import os
import signal
import sqlite3
import subprocess
import time
from pathlib import Path

import pytest
from archive_case import FETCHER, ArchiveCase, run_fetcher
from origin_faults import LOGIN, cut, status
from raw_case import PATH, SIZE, RawCase

from fetcher.simulator.api_faults import ApiFault
from fetcher.simulator.faults import Fault

_MIB = 1 << 20
_LARGE = 2 << 30
"""Bytes of what does not fit: others who use this disk meanwhile take or give less than half of it."""


def test_a_part_of_another_ledger_s_video_is_never_taken(case: ArchiveCase, tmp_path: Path) -> None:
    """F71: two ledgers on one archive number their videos alike; a part of one must not become the other's file."""
    first, second = (case.simulator.library.add_video(size=8 * _MIB) for _ in range(2))
    first.faults.append(Fault.drip(rate=_MIB))
    case.add(first)
    running = case.start("sync")
    while case.fetched_bytes(first) < 2 * _MIB:
        assert running.poll() is None
        time.sleep(0.02)
    running.send_signal(signal.SIGTERM)
    running.communicate()
    assert case.parts()
    other = {"FETCHER_LEDGER": str(tmp_path / "other.db")}
    aside = tmp_path / "aside"
    assert 0 == run_fetcher("-q", "init", str(aside), environ={**case.environ, **other}).returncode
    task_id = case.simulator.library.create_task([second.vid])
    assert 0 == case.run("add", task_id, **other).returncode

    assert 0 == case.sync(**other).returncode

    assert second.read(0, second.size) == (case.root / f"{second.vid}.mp4").read_bytes()


@pytest.mark.parametrize("offset_s", [6 * 3600, -6 * 3600, 8 * 86_400])
def test_a_wrong_clock_does_not_put_questions_off(case: ArchiveCase, offset_s: int) -> None:
    """F66: each pass corrects its signatures; when to ask next is counted by this machine's clock alone."""
    case.simulator.clock_offset = float(offset_s)
    video = case.simulator.library.add_video(ready_after_polls=2)
    case.add(video)

    for _ in range(3):
        time.sleep(0.1)
        assert 0 == case.sync().returncode

    case.require_right([video])


def test_an_origin_that_lets_nobody_in_ends_the_run(case: ArchiveCase) -> None:
    """F35: 403 on every link, fresh ones too: few questions, one clear word, exit code 3, and it ends."""
    denied = Fault.denied(times=None)
    videos = [case.simulator.library.add_video(size=1000, faults=[denied]) for _ in range(40)]
    case.add(*videos)

    ended = case.sync()

    assert 3 == ended.returncode
    assert "refuses fresh links" in ended.stderr
    assert 2 * 16 >= len(case.simulator.requests.to("/source-file-task/get"))
    with sqlite3.connect(case.ledger) as ledger:
        (published,) = ledger.execute("SELECT count(*) FROM events WHERE kind = 'LinkPublished'").fetchone()
    ledger.close()
    assert published <= 40 + 2 * 16


def test_f35_a_host_that_lets_nobody_in_keeps_nothing_from_another_one(case: ArchiveCase) -> None:
    """Its videos come first, pass after pass: what the other host has would die while it could be saved."""
    library = case.simulator.library
    case.add(*[library.add_video(size=1000, faults=[Fault.denied(times=None)]) for _ in range(40)])
    assert 3 == case.sync().returncode
    videos = [library.add_video(size=1000) for _ in range(10)]
    for video in videos:
        video.link_base = case.simulator.url.replace("127.0.0.1", "localhost")
    case.add(*videos)

    ended = case.sync()

    assert 3 == ended.returncode
    assert 1 == ended.stderr.count("127.0.0.1 refuses fresh links")
    case.require_right(videos)
    assert 2 * 16 >= len(case.simulator.requests.to("/source-file-task/get"))


def test_a_link_that_cannot_be_renewed_is_no_success(case: ArchiveCase) -> None:
    """F35: the identical dead link again: told once, exit code 3, asked for again later."""
    case.simulator.links = "frozen"
    video = case.simulator.library.add_video(faults=[Fault.denied(times=None)])
    case.add(video)

    ended = case.sync()

    assert 3 == ended.returncode
    assert video.vid in ended.stderr
    assert "waiting" == case.rows()[video.vid]["status"]


def test_sigterm_ends_a_run_that_waits_for_its_share_of_the_rate(case: ArchiveCase) -> None:
    """F08: within a grace, however low the rate."""
    case.add(*(case.simulator.library.add_video(size=_MIB) for _ in range(8)))
    running = case.start("sync", "--limit-rate", "2K")
    while not case.simulator.requests.to(".mp4"):
        assert running.poll() is None
        time.sleep(0.02)
    time.sleep(0.5)

    running.send_signal(signal.SIGTERM)

    assert 143 == running.wait(10)
    running.communicate()


def test_a_file_that_does_not_fit_leaves_room_to_those_that_do(case: ArchiveCase) -> None:
    """F79: the large one waits and is told with exit code 7; smaller ones come."""
    large = case.simulator.library.add_video(size=_LARGE)
    small = [case.simulator.library.add_video(size=1000) for _ in range(5)]
    case.add(large, *small)
    free = os.statvfs(case.root)
    reserve = free.f_bavail * free.f_frsize - _LARGE // 2

    ended = case.sync("--jobs", "1", FETCHER_MIN_FREE=str(reserve))

    assert 7 == ended.returncode
    case.require_right(small)
    assert "ready" == case.rows()[large.vid]["status"]


def test_a_file_that_does_not_fit_takes_no_room_from_those_beside_it(case: ArchiveCase) -> None:
    """F79: while its origin is slow to answer, and after it was refused, smaller ones come."""
    large = case.simulator.library.add_video(size=_LARGE, faults=[Fault.cut(after=2 * _MIB)])
    case.add(large)
    assert 3 == case.sync(FETCHER_TRIES="1").returncode
    large.faults.append(Fault.latency(seconds=1.0))
    small = [case.simulator.library.add_video(size=1000) for _ in range(5)]
    case.add(*small)
    free = os.statvfs(case.root)
    reserve = free.f_bavail * free.f_frsize - _LARGE // 2

    ended = case.sync(FETCHER_MIN_FREE=str(reserve))

    assert 7 == ended.returncode
    case.require_right(small)
    assert "ready" == case.rows()[large.vid]["status"]


def test_an_init_that_was_broken_off_can_be_made_again(tmp_path: Path) -> None:
    """Killed at any moment, it leaves nothing that a second one cannot finish."""
    for moment in (0.05, 0.3, 0.5, 0.7, 0.9):
        place = tmp_path / f"after-{moment}"
        broken = subprocess.Popen([FETCHER, "-q", "init", str(place)], cwd="/", stderr=subprocess.DEVNULL)
        time.sleep(moment)
        broken.kill()
        broken.wait()
        if not (place / ".fetcher" / "config.toml").exists():
            assert 0 == run_fetcher("-q", "init", str(place), environ={}).returncode
        assert 0 == run_fetcher("status", environ={"FETCHER_ARCHIVE": str(place)}).returncode


def test_the_ledger_is_made_where_the_settings_want_it(tmp_path: Path) -> None:
    """'init' heeds FETCHER_LEDGER as all other commands do."""
    environ = {"FETCHER_ARCHIVE": str(tmp_path / "a"), "FETCHER_LEDGER": str(tmp_path / "elsewhere.db")}

    assert 0 == run_fetcher("-q", "init", str(tmp_path / "a"), environ=environ).returncode
    assert 0 == run_fetcher("status", environ=environ).returncode
    assert (tmp_path / "elsewhere.db").is_file()
    assert not (tmp_path / "a" / ".fetcher" / "ledger.db").exists()


def test_no_more_tries_than_were_allowed(case: ArchiveCase) -> None:
    """A video that has used them up is out of the way while others still run."""
    refused = case.simulator.library.add_video(faults=[Fault.refuse(times=None)])
    slow = case.simulator.library.add_video(size=_MIB, faults=[Fault.drip(rate=_MIB // 3)])
    case.add(refused, slow)

    assert 3 == case.sync(FETCHER_TRIES="2").returncode
    assert 2 == len(case.simulator.requests.of(refused.vid))


@pytest.mark.parametrize("limit", [["--max-bytes", "0"], ["--max-duration", "0"]])
def test_a_limit_of_nothing_fetches_nothing(case: ArchiveCase, limit: list[str]) -> None:
    """Exit code 8: there is work left."""
    case.add(case.simulator.library.add_video())

    assert 8 == case.sync(*limit).returncode
    assert [] == case.files()


def test_a_reader_that_does_not_read_does_not_hold_up_the_run(case: ArchiveCase) -> None:
    """F97: sync --json into a full pipe: files come, and SIGTERM is obeyed."""
    videos = [case.simulator.library.add_video(size=100) for _ in range(400)]
    for start in range(0, 400, 100):
        case.add(*videos[start : start + 100])
    running = case.start("sync", "--json")
    until = time.monotonic() + 60
    while len(case.files()) < 400 and time.monotonic() < until:
        time.sleep(0.1)

    running.send_signal(signal.SIGTERM)

    assert running.wait(20) in {0, 1, 143}
    running.communicate()
    assert 400 == len(case.files())


def test_what_a_header_says_is_not_repeated(case: ArchiveCase) -> None:
    """F91: a CDN may put the link's key into its refusal; the reason is told in our words."""
    video = case.simulator.library.add_video(faults=[Fault.denied(acl="canary-auth_key-1694663401", times=None)])
    case.add(video)

    told = [case.sync("--json"), case.run("show", video.vid), case.run("list", "--format", "jsonl")]

    assert [] == [one for one in told if "canary" in one.stdout + one.stderr]


def test_an_api_that_does_not_answer_is_told(case: ArchiveCase) -> None:
    """F48: exit code 3 with a word on it, however many tasks there are."""
    for _ in range(3):
        case.add(case.simulator.library.add_video())

    ended = case.sync(FETCHER_API_URL="http://127.0.0.1:9")

    assert 3 == ended.returncode
    assert ended.stderr


def test_a_cut_file_is_set_aside_and_fetched_again(case: ArchiveCase) -> None:
    """F78: the next pass notices, keeps what is there for a person, and brings the right one."""
    video = case.simulator.library.add_video()
    case.add(video)
    assert 0 == case.sync().returncode
    os.truncate(case.root / f"{video.vid}.mp4", 10)

    ended = case.sync("--until-done")

    assert 0 == ended.returncode
    case.require_right([video])
    (kept,) = (case.root / ".fetcher" / "quarantine").iterdir()
    assert (10, True) == (kept.stat().st_size, kept.name.startswith(f"{video.vid}-"))
    assert f".fetcher/quarantine/{kept.name}" in ended.stderr


def test_a_slow_api_is_waited_for_without_haste(case: ArchiveCase) -> None:
    """One open question is no reason to look at the ledger again and again."""
    case.simulator.api_faults.append(ApiFault.slow(2.0))
    case.add(case.simulator.library.add_video())
    before = os.times()

    assert 0 == case.sync().returncode
    after = os.times()

    quick = case.sync()
    assert 0 == quick.returncode
    last = os.times()
    slow_cpu = after.children_user + after.children_system - before.children_user - before.children_system
    quick_cpu = last.children_user + last.children_system - after.children_user - after.children_system
    assert slow_cpu < quick_cpu + 1.0


@pytest.mark.parametrize("command", [["list", "--format", "jsonl"], ["status", "--json"], ["show", "VID"]])
def test_output_that_is_lost_is_no_success(case: ArchiveCase, command: list[str]) -> None:
    """F97: a full disk behind stdout."""
    video = case.simulator.library.add_video()
    case.add(video)
    case.sync()
    arguments = [video.vid if word == "VID" else word for word in command]
    with open("/dev/full", "wb") as full:
        ended = subprocess.run([FETCHER, *arguments], env=case.environ, cwd="/", stdout=full, check=False)

    assert 1 == ended.returncode


def test_json_logs_are_json_to_the_last_line(case: ArchiveCase) -> None:
    """The summary and the errors, too."""
    case.add(case.simulator.library.add_video(), case.simulator.library.add_video(faults=[Fault.gone(times=None)]))

    ended = case.run("--log-format", "json", "-v", "sync")
    refused = case.run("--log-format", "json", "sync", "--jobs", "0")

    assert 4 == ended.returncode
    assert 2 == refused.returncode
    lines = [json.loads(line) for line in (ended.stderr + refused.stderr).splitlines()]
    assert len(lines) == len([line for line in lines if {"levelname", "message", "timestamp"} <= line.keys()])


def test_ten_pages_in_place_of_a_video_need_a_person(case: ArchiveCase) -> None:
    """F31: something stands in between, and more tries will not move it.

    Each try asks twice, for the page has not the size that Polyv names.
    """
    video = case.simulator.library.add_video(size=1000, faults=[Fault.html(times=20)])
    case.add(video)

    codes = [case.sync(FETCHER_TRIES="3").returncode for _ in range(4)]

    row = case.rows()[video.vid]
    assert ([3, 3, 3, 4], "failed", "not_a_video") == (codes, row["status"], row["reason"])
    assert 0 == case.run("retry", video.vid).returncode
    assert 0 == case.sync().returncode
    case.require_right([video])


def test_a_page_after_many_failures_of_another_kind_is_but_one_page(case: ArchiveCase) -> None:
    """A busy origin is no proof that something stands in between."""
    faults = [Fault.refuse(times=10), Fault.html()]
    video = case.simulator.library.add_video(size=1000, faults=faults)
    case.add(video)

    codes = [case.sync(FETCHER_TRIES="3").returncode for _ in range(4)]

    assert [3, 3, 3, 0] == codes
    case.require_right([video])


def test_a_part_whose_rest_is_a_page_every_time_is_kept_until_a_person_is_asked(raw: RawCase) -> None:
    """F31: where the origin answers each range so, going on with it for ever would not end."""
    raw.origin.script(PATH, [cut(SIZE - 1), *[status(200, LOGIN)] * 10])

    codes = [raw.pass_once(FETCHER_TRIES="4").code for _ in range(3)]

    assert ([3, 3, 4], ("failed", "not_a_video")) == (codes, raw.standing())
    assert [None, *[f"bytes={SIZE - 1}-"] * 10] == raw.origin.ranges
    assert 0 == raw.run("retry", "--failed").returncode
    assert 0 == raw.pass_once().code
    assert (None, True) == (raw.origin.ranges[-1], raw.is_right())
