"""What stands beside a finished file, and the file's own time."""

import json
from datetime import UTC, datetime
from pathlib import Path

from archive_case import ArchiveCase

from fetcher.simulator.library import Video

_CREATED = 1_600_000_000


def _submitted(case: ArchiveCase, **facts: str) -> Video:
    """Have Polyv prepare a video of which the ledger knows what Polyv says."""
    video = case.simulator.library.add_video(created_at=_CREATED, **facts)  # type: ignore[arg-type]
    assert 0 == case.run("submit", video.vid).returncode
    case.add(video)
    return video


def _sidecar(path: Path) -> dict[str, object]:
    read: dict[str, object] = json.loads(path.read_text(encoding="utf-8"))
    return read


def test_a_finished_file_has_the_time_of_its_making_at_polyv(case: ArchiveCase) -> None:
    """And that of the download where Polyv did not tell."""
    known = _submitted(case)
    unknown = case.simulator.library.add_video()
    case.add(unknown)

    assert 0 == case.sync().returncode
    assert _CREATED == (case.root / f"{known.vid}.mp4").stat().st_mtime
    assert (case.root / f"{unknown.vid}.mp4").stat().st_mtime > _CREATED + 1e8
    assert 0 == case.run("ledger", "check").returncode


def test_a_sidecar_says_all_that_is_known_and_no_link(case: ArchiveCase) -> None:
    video = _submitted(case, title="课 / 1 🎬")

    assert 0 == case.sync(FETCHER_SIDECARS="true", FETCHER_LAYOUT="{category}/{created:%Y}/{title}{ext}").returncode

    path = "默认分类/2020/课 _ 1 🎬.mp4"
    assert [path, f"{path}.json"] == case.files()
    text = (case.root / f"{path}.json").read_text(encoding="utf-8")
    row, told = case.rows()[video.vid], json.loads(text)
    assert {name: row[name] for name in told} == told
    assert ("课 / 1 🎬", path, video.sha256()) == (told["title"], told["path"], told["sha256"])
    assert datetime.fromtimestamp(_CREATED, UTC).strftime("%Y-%m-%dT%H:%M:%SZ") == told["created_at"]
    assert {"vid", "category", "size", "evidence", "task_ids", "done_at"} <= set(told)
    assert "auth_key" not in text
    assert "http" not in text
    checked = case.run("-v", "ledger", "check")
    assert "1 done file is as the ledger says; 0 others in the archive" in checked.stderr


def test_a_missing_sidecar_is_made_by_a_later_run(case: ArchiveCase) -> None:
    """One that was removed, that a killed run did not come to, or of a file from before the setting."""
    videos = [_submitted(case) for _ in range(2)]
    assert 0 == case.sync().returncode
    assert sorted(f"{video.vid}.mp4" for video in videos) == case.files()

    assert 0 == case.sync(FETCHER_SIDECARS="true").returncode
    assert [video.vid for video in videos] == [
        _sidecar(case.root / f"{video.vid}.mp4.json")["vid"] for video in videos
    ]


def test_somebody_elses_file_is_kept_in_the_place_of_a_sidecar(case: ArchiveCase) -> None:
    """And a link there is not followed; both are told."""
    videos = [_submitted(case) for _ in range(2)]
    first, second = (case.root / f"{video.vid}.mp4.json" for video in videos)
    first.write_text('{"vid": "mine"}', encoding="utf-8")
    (case.root / "elsewhere").write_text("kept", encoding="utf-8")
    second.symlink_to("elsewhere")

    ended = case.sync(FETCHER_SIDECARS="true")

    assert 0 == ended.returncode
    assert 2 == ended.stderr.count("no sidecar beside it: something else stands at")
    assert '{"vid": "mine"}' == first.read_text(encoding="utf-8")
    assert "kept" == (case.root / "elsewhere").read_text(encoding="utf-8")
    assert second.is_symlink()


def test_a_sidecar_of_the_same_video_is_replaced_when_the_file_is_another(case: ArchiveCase) -> None:
    """A finished file that was removed is fetched anew; what stands beside it is of the new one."""
    video = _submitted(case)
    assert 0 == case.sync(FETCHER_SIDECARS="true").returncode
    beside = case.root / f"{video.vid}.mp4.json"
    assert video.sha256() == _sidecar(beside)["sha256"]
    (case.root / f"{video.vid}.mp4").unlink()
    video.replace_body()

    assert 0 == case.sync("--until-done", FETCHER_SIDECARS="true").returncode
    case.require_right([video])
    assert video.sha256() == _sidecar(beside)["sha256"]
    assert not (case.root / ".fetcher" / "sidecar~").exists()
