"""Whatever Polyv says: nothing is written outside of the archive, and nothing that commands a terminal is shown."""

import json
import os
import threading
from pathlib import Path
from typing import Any

from archive_case import ArchiveCase

_TERMINAL = {"\x1b", "\x07", "\x9b", "\u202e", "\u2066", "\x00", "\r", "\u2028"}
_VIDS = [
    "../../etc/passwd",
    "..",
    ".",
    "",
    "/etc/passwd",
    "a/b",
    "C:\\x",
    "CON",
    "NUL.mp4",
    "x" * 10_000,
    "1b448be32370f4822ac40fd926112a66_1\x00",
    "1b448be32370f4822ac40fd926112a66_1\n",
    "\x1b[2J\x1b]0;owned\x07" + "0" * 20 + "_1",
    "\u202e1b448be32370f4822ac40fd926112a6_1",
    "１b448be32370f4822ac40fd926112a66_1",
    ".fetcher/config.toml",
    None,
    17,
    ["1b448be32370f4822ac40fd926112a66_1"],
    {"$ne": None},
]
_LINKS = [
    "file:///etc/passwd",
    "ftp://example.com/a.mp4",
    "http://example.com/a.mp4",
    "https://user:password@example.com/a.mp4",
    "https://",
    "//example.com/a.mp4",
    "/a.mp4",
    "https://example.com/a.mp4\r\nHost: other",
    "https://example.com/\x00a.mp4",
    "https://example.com\\@127.0.0.1/a.mp4",
    "https://[::1/a.mp4",
    "https://example.com:99999/a.mp4",
    "https://example.com/" + "x" * 10_000,
    "javascript:alert(1)",
    "https://exa\u202emple.com/a.mp4",
    {"url": "https://example.com/a.mp4"},
    5,
]


def _row(vid: Any, url: Any = None, **fields: Any) -> dict[str, Any]:
    status = "SUCCESS" if url is not None else "INIT"
    return {"vid": vid, "url": url, "status": status, "createTime": None, "successTime": None} | fields


def _everything(directory: Path) -> set[str]:
    return {str(path.relative_to(directory)) for path in directory.rglob("*")}


def test_rows_that_mean_harm_are_left_out_and_the_others_are_fetched(case: ArchiveCase) -> None:
    """F88, F59, F94: told on one clean line each; not one of them becomes a video, a file or a request."""
    good = case.simulator.library.add_video()
    task_id = case.add(good)
    task = case.simulator.library.task(task_id)
    task.extra_rows += [_row(vid, f"{case.simulator.url}/a.mp4") for vid in _VIDS]
    task.extra_rows += [_row(f"{number:032}_1", url) for number, url in enumerate(_LINKS)]
    task.extra_rows += [
        _row(f"{99:032}_1", status="\x1b[31mDONE\u202e\r\n", createTime="\x1b[2J", successTime=-(10**300)),
        "\x1b[2J",  # type: ignore[list-item]
        None,  # type: ignore[list-item]
    ]
    outside = _everything(case.root.parent) - {f"archive/{name}" for name in _everything(case.root)}

    synced = case.run("-vv", "sync", "--json")
    told = [synced, case.run("list"), case.run("show", task_id), case.run("show", f"{99:032}_1")]

    case.require_right([good])
    assert [f"{good.vid}.mp4"] == case.files()
    assert outside == _everything(case.root.parent) - {f"archive/{name}" for name in _everything(case.root)}
    assert {good.vid} == {one.vid for one in case.simulator.requests.to(".mp4")}
    assert {good.vid, f"{99:032}_1", *(f"{number:032}_1" for number in range(len(_LINKS)))} == set(case.rows())
    assert [] == [one for one in told if _TERMINAL & set(one.stdout + one.stderr)]
    assert "left out a row" in synced.stderr


def test_no_part_of_a_links_path_becomes_a_name(case: ArchiveCase) -> None:
    """F89: the extension alone does, and only a medium's; a name in Content-Disposition is not even looked at."""
    add = case.simulator.library.add_video
    endings = [".sh", ".mp4.exe", ".php%00.mp4", "", ".", ".MP4", ".m%2fp4", "%2e%2e%2f%2e%2e%2fevil.mp4"]
    videos = [add(size=2000 + number, extension=ending) for number, ending in enumerate(endings)]
    case.add(*videos)

    case.sync(FETCHER_LAYOUT="{title}/{category}/{vid}{ext}", FETCHER_TRIES="1")

    stems, found = zip(*(os.path.splitext(name) for name in case.files()), strict=True)
    assert {".bin", ".MP4"} == set(found)
    assert {f"{video.vid}/-/{video.vid}" for video in videos} >= set(stems)


def test_links_planted_before_a_run_lead_nowhere(case: ArchiveCase, tmp_path: Path) -> None:
    """F90: the final name, a directory on the way, a part, a memo, the directory of the parts."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "precious").write_bytes(b"precious")
    final, inside = (case.simulator.library.add_video(size=2_000_000) for _ in range(2))
    case.add(final, inside)
    (case.root / f"{final.vid}.mp4").symlink_to(outside / "precious")
    for number in (1, 2):
        for end in ("part", "memo"):
            (case.root / ".fetcher" / "parts" / f"{number}-00000000.{end}").symlink_to(outside / "precious")

    first = case.sync(FETCHER_TRIES="1")
    (case.root / "Art").symlink_to(outside)
    third = case.simulator.library.add_video(size=2_000_000)
    case.add(third)
    second = case.sync(FETCHER_LAYOUT="Art/{vid}{ext}", FETCHER_TRIES="1")

    assert (4, 4) == (first.returncode, second.returncode)
    rows = case.rows()
    assert ["conflict", None, "conflict"] == [rows[one.vid]["reason"] for one in (final, inside, third)]
    assert {"precious": b"precious"} == {path.name: path.read_bytes() for path in outside.iterdir()}
    assert (case.root / f"{final.vid}.mp4").is_symlink()
    kept = sorted(path.stat().st_size for path in (case.root / ".fetcher" / "quarantine").iterdir())
    assert [2_000_000, 2_000_000] == kept


def test_a_directory_swapped_for_a_link_while_files_come_leads_nowhere(case: ArchiveCase, tmp_path: Path) -> None:
    """F90: by somebody who does it over and over; each file is in the archive, a conflict, or left for later."""
    outside, inside = tmp_path / "outside", case.root / "Art"
    outside.mkdir()
    videos = [case.simulator.library.add_video(size=20_000 + number) for number in range(60)]
    case.add(*videos)
    is_over = threading.Event()

    def swap() -> None:
        while not is_over.is_set():
            for step in (
                lambda: inside.rename(case.root / "Art-aside"),
                lambda: inside.symlink_to(outside),
                inside.unlink,
                lambda: (case.root / "Art-aside").rename(inside),
            ):
                try:
                    step()
                except OSError:
                    continue

    swapping = threading.Thread(target=swap)
    swapping.start()
    try:
        ended = case.sync("--json", FETCHER_LAYOUT="Art/{vid}{ext}", FETCHER_TRIES="3")
    finally:
        is_over.set()
        swapping.join()

    assert ended.returncode in {0, 3, 4, 7}, ended.stderr
    assert [] == list(outside.iterdir())
    told = [json.loads(line) for line in ended.stdout.splitlines()]
    assert 60 >= sum(one["type"] == "done" for one in told)
    if inside.is_symlink():
        inside.unlink()
    if (case.root / "Art-aside").exists() and not inside.exists():
        (case.root / "Art-aside").rename(inside)
    for row in case.rows("--status", "done").values():
        found = [path for path in (inside, case.root / "Art-aside") if (path / f"{row['vid']}.mp4").exists()]
        assert found, row
    assert case.run("ledger", "check").returncode in {0, 9}


def test_an_archive_whose_own_directory_is_a_link_is_worked_in_where_it_leads(
    case: ArchiveCase, tmp_path: Path
) -> None:
    """F90: .fetcher/ may be put on another disk by its owner; one that leads nowhere is no archive."""
    video = case.simulator.library.add_video(size=1000)
    case.add(video)
    (case.root / ".fetcher").rename(tmp_path / "moved")
    (case.root / ".fetcher").symlink_to(tmp_path / "nowhere")
    nowhere = case.sync()
    (case.root / ".fetcher").unlink()
    (case.root / ".fetcher").symlink_to(tmp_path / "moved")

    assert 0 == case.sync().returncode
    assert (2, True) == (nowhere.returncode, "no archive" in nowhere.stderr)
    case.require_right([video])
