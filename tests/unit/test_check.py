"""What CI runs: a test that fails for what runs beside it is told, and one that fails ends it."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

_SETTINGS = """
[tool.coverage.run]
parallel = true
source = ["tests"]
"""
_FAILS_UNTIL = """
from pathlib import Path

def test_that_is_tried():
    tried = Path(__file__).with_name("tried")
    tried.write_text((tried.read_text() if tried.exists() else "") + "x")
    assert len(tried.read_text()) > {times}

def test_that_passes():
    pass
"""


def _checked(place: Path, *, fails: int, of_them: int = 1) -> subprocess.CompletedProcess[str]:
    """Run the check of tests over some that fail so many times before they pass."""
    (place / "tests").mkdir()
    (place / "pyproject.toml").write_text(_SETTINGS)
    shutil.copy(Path(__file__).parents[1] / "check.py", place / "tests" / "check.py")
    for number in range(of_them):
        directory = place / "tests" / f"of_{number}"
        directory.mkdir()
        (directory / f"test_tried_{number}.py").write_text(_FAILS_UNTIL.format(times=fails))
    command = [sys.executable, str(place / "tests" / "check.py"), "tests"]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


@pytest.mark.parametrize(
    ("fails", "of_them", "is_good"),
    [
        pytest.param(0, 1, True, id="none fails"),
        pytest.param(1, 1, True, id="one fails beside others, and passes alone"),
        pytest.param(2, 1, False, id="one fails alone as well"),
        pytest.param(1, 6, False, id="many fail"),
    ],
)
def test_what_fails_beside_others_and_passes_twice_alone_is_told(
    tmp_path: Path, fails: int, of_them: int, *, is_good: bool
) -> None:
    ended = _checked(tmp_path, fails=fails, of_them=of_them)

    assert is_good == (0 == ended.returncode), ended.stdout + ended.stderr
    told = "passed twice alone, to be mended: tests/of_0/test_tried_0.py::test_that_is_tried" in ended.stderr
    assert told == (is_good and fails > 0)
