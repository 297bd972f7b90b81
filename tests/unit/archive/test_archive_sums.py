"""Lists of digests, read by GNU's own programs."""

import hashlib
import os
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fetcher.archive.sums import sum_line

_NAMES = st.text(
    st.sampled_from("\\\n\r\t -*a%课🎬\x01") | st.characters(codec="utf-8", exclude_characters="/\x00"),
    min_size=1,
    max_size=40,
).filter(lambda name: name not in (".", "..") and len(name.encode()) <= 250)


@pytest.mark.parametrize("program", ["sha256sum", "md5sum"])
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(names=st.lists(_NAMES, min_size=1, max_size=8, unique=True))
def test_gnu_finds_every_file_whatever_it_is_called(tmp_path: Path, program: str, names: list[str]) -> None:
    """Newlines, backslashes, a dash alone, blanks at either end: each line is read back as the name it is of."""
    for left in os.listdir(tmp_path):
        (tmp_path / left).unlink()
    lines = []
    for number, name in enumerate(names):
        data = b"%d" % number
        (tmp_path / name).write_bytes(data)
        lines.append(sum_line(hashlib.new(program.removesuffix("sum"), data).hexdigest(), name))

    checked = subprocess.run(
        [program, "--check", "--strict", "--quiet"],
        input="".join(f"{line}\n" for line in lines).encode(),
        cwd=tmp_path,
        capture_output=True,
        check=False,
    )

    assert (0, b"", b"") == (checked.returncode, checked.stdout, checked.stderr)


def test_a_file_that_is_called_dash_is_not_stdin(tmp_path: Path) -> None:
    """As GNU's programs would have it."""
    (tmp_path / "-").write_bytes(b"a")
    (tmp_path / "list").write_text(f"{sum_line(hashlib.sha256(b'a').hexdigest(), '-')}\n", encoding="utf-8")

    checked = subprocess.run(
        ["sha256sum", "--check", "list"], input=b"other", cwd=tmp_path, capture_output=True, check=False
    )

    assert 0 == checked.returncode


def test_a_line_is_as_gnu_writes_it(tmp_path: Path) -> None:
    """So that both lists of one archive can be compared."""
    names = ["a.mp4", "课 🎬.mp4", "-a.mp4", " a ", "a\\b", "a\nb", "%0A"]
    for name in names:
        (tmp_path / name).write_bytes(b"")

    written = subprocess.run(["sha256sum", "--", *names], cwd=tmp_path, capture_output=True, check=True)

    digest = hashlib.sha256(b"").hexdigest()
    assert [sum_line(digest, name) for name in names] == written.stdout.decode().split("\n")[:-1]
