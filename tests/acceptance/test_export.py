"""``fetcher export``: lists that GNU's programs and spreadsheets read, and where they are put."""

import csv
import io
import json
import os
import subprocess
from pathlib import Path

import pytest
from done_archive import DoneArchive, names_in

_PATHS = ["-课/100% 🎬.mp4", "数学_Maths/Algebra/=1+1.mp4", "a\nb.mp4", "a\\b.mp4", "%0A.mp4", "plain.mp4"]


@pytest.fixture
def archive(tmp_path: Path) -> DoneArchive:
    """Some done files with names of all kinds."""
    made = DoneArchive(tmp_path / "archive")
    made.fill(_PATHS)
    return made


def _checked(program: str, text: bytes, root: Path) -> subprocess.CompletedProcess[bytes]:
    command = [program, "--check", "--strict", "--quiet"]
    return subprocess.run(command, input=text, cwd=root, capture_output=True, check=False)


@pytest.mark.parametrize("program", ["sha256sum", "md5sum"])
def test_gnu_checks_the_archive_by_the_list(archive: DoneArchive, program: str) -> None:
    """Every file once, in the order of the ledger; one wrong byte is found by it."""
    ended = archive.run("export", "--format", program)

    assert (0, "", len(_PATHS)) == (ended.returncode, ended.stderr, len(ended.stdout.splitlines()))
    right = _checked(program, ended.stdout.encode(), archive.root)
    assert (0, b"", b"") == (right.returncode, right.stdout, right.stderr)
    (archive.root / "plain.mp4").write_bytes(b"6 of thex")
    assert 1 == _checked(program, ended.stdout.encode(), archive.root).returncode


def test_a_file_without_an_md5_is_left_out_of_md5sum_and_counted(tmp_path: Path) -> None:
    """On stderr; most files have none, and sha256sum has all."""
    archive = DoneArchive(tmp_path / "archive")
    archive.fill(["a.mp4", "b.mp4"], has_md5=False)

    ended = archive.run("export", "--format", "md5sum")

    assert (0, "") == (ended.returncode, ended.stdout)
    assert ["fetcher: 2 done videos have no MD5: left out; --format sha256sum has all"] == (
        ended.stderr.splitlines()
    )


def test_tables_have_the_rows_of_list(archive: DoneArchive) -> None:
    """All statuses or those that are named; csv with the texts that a spreadsheet must not run marked."""
    assert 0 == archive.run("add", "a" * 32).returncode
    jsonl, csv_text = (archive.run("export", "--format", form).stdout for form in ("jsonl", "csv"))

    assert archive.run("list", "--format", "jsonl").stdout == jsonl
    assert archive.run("list", "--format", "csv").stdout == csv_text
    assert _PATHS == [json.loads(line)["path"] for line in jsonl.splitlines()]
    cells = [row["path"] for row in csv.DictReader(io.StringIO(csv_text, newline=""))]
    assert [f"'{_PATHS[0]}", *_PATHS[1:]] == cells
    assert "" == archive.run("export", "--format", "jsonl", "--status", "failed").stdout
    assert 2 == archive.run("export", "--format", "sha256sum", "--status", "done").returncode


def test_a_file_is_written_whole_with_what_the_umask_leaves_and_replaced_by_the_next(
    archive: DoneArchive, tmp_path: Path
) -> None:
    """As a nightly cron wants it: the same name every night, silently."""
    to = tmp_path / "out" / "sums"
    to.parent.mkdir()
    before = os.umask(0o027)
    try:
        first = archive.run("export", "--format", "sha256sum", "-o", str(to))
    finally:
        os.umask(before)
    text = to.read_bytes()
    (archive.root / "another").mkdir()
    second = archive.run("export", "--format", "sha256sum", "--output", str(to))

    assert [(0, "", "")] * 2 == [(one.returncode, one.stdout, one.stderr) for one in (first, second)]
    assert text == to.read_bytes() == archive.run("export", "--format", "sha256sum", "-o", "-").stdout.encode()
    assert 0o644 == to.stat().st_mode & 0o777
    assert ["sums"] == names_in(to.parent)


def test_f108_a_list_that_is_made_again_is_that_of_the_ledger_by_then(archive: DoneArchive, tmp_path: Path) -> None:
    """A file that is wanted again stands in the list of before, and in none that is made after that."""
    to = tmp_path / "sums"
    export = ("export", "--format", "sha256sum", "-o", str(to))
    assert 0 == archive.run(*export).returncode
    before = to.read_text().splitlines()
    (archive.root / "plain.mp4").unlink()
    assert 9 == archive.run("verify", "--repair").returncode

    ended = archive.run(*export)

    assert (0, "") == (ended.returncode, ended.stderr)
    assert [line for line in before if not line.endswith("  plain.mp4")] == to.read_text().splitlines()
    assert len(_PATHS) == len(before)


def test_nothing_else_is_replaced(archive: DoneArchive, tmp_path: Path) -> None:
    """A video, another format's, a link, a directory, anything in .fetcher/; exit code 2, and all is as it was."""
    other, link, fifo = tmp_path / "other", tmp_path / "link", tmp_path / "fifo"
    other.write_text("precious\n", encoding="utf-8")
    link.symlink_to(other)
    os.mkfifo(fifo)
    dangling = tmp_path / "dangling"
    dangling.symlink_to(tmp_path / "nowhere")
    config = (archive.root / ".fetcher" / "config.toml").read_bytes()
    places = [
        archive.root / "plain.mp4",
        archive.root / ".fetcher" / "config.toml",
        archive.root / ".fetcher" / "new",
        *(other, link, fifo, dangling),
        tmp_path,
        tmp_path / "not" / "there",
    ]

    ended = [archive.run("export", "--format", "sha256sum", "-o", str(place)) for place in places]

    assert [(2, "", 1)] * len(places) == [
        (one.returncode, one.stdout, len(one.stderr.splitlines())) for one in ended
    ]
    assert b"6 of them" == (archive.root / "plain.mp4").read_bytes()
    assert config == (archive.root / ".fetcher" / "config.toml").read_bytes()
    assert "precious\n" == other.read_text(encoding="utf-8")
    assert ["archive", "dangling", "fifo", "link", "other"] == names_in(tmp_path)


def test_a_dry_run_writes_nothing(archive: DoneArchive, tmp_path: Path) -> None:
    ended = archive.run("export", "--format", "sha256sum", "-o", str(tmp_path / "sums"), "--dry-run")

    assert (0, f"would write sha256sum of 6 videos to {tmp_path}/sums\n") == (ended.returncode, ended.stdout)
    assert ["archive"] == names_in(tmp_path)


def test_lost_output_is_told_and_a_reader_that_has_seen_enough_is_not(archive: DoneArchive) -> None:
    """Code 1 for a full disk, 0 for head."""
    with open("/dev/full", "wb") as full:
        lost = archive.start("export", "--format", "csv", stdout=full)
        _, said = lost.communicate(timeout=60)
    ours, theirs = os.pipe()
    os.close(ours)
    cut = archive.start("export", "--format", "csv", stdout=theirs)
    os.close(theirs)

    assert (1, True) == (lost.returncode, b"not all there" in said)
    assert (b"", 0) == (cut.communicate(timeout=60)[1], cut.returncode)
