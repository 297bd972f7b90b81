"""``fetcher reconcile``: Polyv's list beside the archive."""

import json
from collections import Counter
from typing import Any

from archive_case import ArchiveCase

from fetcher.simulator.api_faults import ApiFault


def _rows(stdout: str) -> tuple[dict[str, dict[str, Any]], dict[str, Any]]:
    """Return the videos by vid, and the summary."""
    *videos, summary = map(json.loads, stdout.splitlines())
    assert len(videos) == len({row["vid"] for row in videos})
    return {row["vid"]: row for row in videos}, summary


def test_an_archive_that_has_all_is_told_so(case: ArchiveCase) -> None:
    """Exit code 0: what is not published is no reason to worry."""
    library = case.simulator.library
    case.add(*(library.add_video(title=f"T{number}") for number in range(3)))
    library.add_video(status=20)
    assert 0 == case.sync().returncode

    ended = case.run("reconcile")

    assert (0, "") == (ended.returncode, ended.stderr)
    counts = {line[:12].strip(): int(line[12:21]) for line in ended.stdout.splitlines()}
    assert {"archived": 3, "unpublished": 1} == {name: count for name, count in counts.items() if count}
    assert {"replaced", "pending", "failed", "never asked", "gone"} < set(counts)


def test_f109_f110_every_kind_is_named_and_nothing_is_changed(case: ArchiveCase) -> None:
    """A video that Polyv deleted, one that it replaced, and all that is not archived."""
    library = case.simulator.library
    videos = {name: library.add_video(title=name, size=4000) for name in ("archived", "replaced", "gone", "binned")}
    videos["failed"] = library.add_video(fails=True)
    videos["pending"] = library.add_video(ready_after=3600)
    case.add(*videos.values())
    assert 4 == case.sync().returncode
    videos["never_asked"] = library.add_video(title="new\x1b[31m one")
    videos["unpublished"] = library.add_video(status=50)
    library.add_video(status=-1)
    videos["replaced"].listed_size = 5000
    videos["binned"].status = -1
    del library.videos[videos["gone"].vid]
    before = case.rows()

    ended = case.run("reconcile", "--json")

    rows, summary = _rows(ended.stdout)
    expected = {video.vid: "gone" if name == "binned" else name for name, video in videos.items()}
    assert expected == {vid: row["standing"] for vid, row in rows.items()}
    assert (3, 3) == (ended.returncode, summary["exit_code"])
    assert Counter(expected.values()) == Counter(summary["counts"])
    gone, replaced = rows[videos["gone"].vid], rows[videos["replaced"].vid]
    assert ("done", f"{videos['gone'].vid}.mp4") == (gone["status"], gone["path"])
    assert (4000, 5000) == (replaced["size"], replaced["listed_size"])
    assert before == case.rows()
    table = case.run("reconcile")
    assert f"{videos['replaced'].vid} replaced (4000 bytes here, 5000 there)" in table.stdout
    assert "\x1b" not in table.stdout + ended.stdout
    case.require_right([videos["archived"], videos["replaced"], videos["gone"]])


def test_f110_a_size_that_was_wrong_from_the_beginning_is_not_called_replaced(case: ArchiveCase) -> None:
    """F110: only what Polyv says otherwise since then is, and that alone needs a person."""
    video = case.simulator.library.add_video(title="one", size=4000, listed_size=5000)
    case.add(video)
    assert 0 == case.sync(FETCHER_MISMATCH="keep").returncode

    before, table = case.run("reconcile", "--json"), case.run("reconcile").stdout
    video.listed_size = 5001
    after = case.run("reconcile", "--json")
    video.listed_size = 4000
    right = case.run("reconcile", "--json")

    told = [_rows(ended.stdout)[0][video.vid] for ended in (before, after, right)]
    assert ["misstated", "replaced", "archived"] == [row["standing"] for row in told]
    assert [0, 4, 0] == [ended.returncode for ended in (before, after, right)]
    assert [5000] * 3 == [row["listed_size_then"] for row in told]
    assert f"{video.vid} one (4000 bytes here, 5000 there, as when it was archived)" in table


def test_what_needs_a_person_alone_ends_with_four(case: ArchiveCase) -> None:
    case.simulator.library.add_video()

    assert 4 == case.run("reconcile").returncode


def test_a_list_that_is_none_is_no_empty_list(case: ArchiveCase) -> None:
    """Nothing is called gone because of an answer that says nothing."""
    video = case.simulator.library.add_video()
    case.add(video)
    assert 0 == case.sync().returncode
    case.simulator.api_faults.append(ApiFault.null_data(path="list-video", times=None))

    ended = case.run("reconcile", "--json")

    assert (3, "") == (ended.returncode, ended.stdout)


def test_a_category_tells_of_what_lies_in_it_alone(case: ArchiveCase) -> None:
    library = case.simulator.library
    category = library.add_category("one")
    inside = library.add_video(category_id=category.category_id)
    outside = library.add_video()
    case.add(inside, outside)
    assert 0 == case.sync().returncode

    ended = case.run("reconcile", "--json", "--category", category.category_id)

    rows, summary = _rows(ended.stdout)
    assert (0, {inside.vid: "archived"}) == (ended.returncode, {vid: row["standing"] for vid, row in rows.items()})
    assert 1 == summary["listed"]
