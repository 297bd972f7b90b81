"""kill -9 at every call of a run that asks Polyv for a task."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from crash.counts import points
from crash.shim import Injection, Mode
from crash.wanted_library import Asked, WantedLibrary, told, wanted_library
from telling import Tell

_KILLED = -signal.SIGKILL
_MADE = Asked(video="waiting", tasks=[("open", True)], calls=1, made=1)


@pytest.fixture(name="library", scope="module")
def _library(tmp_path_factory: pytest.TempPathFactory, shim: Path) -> Iterator[WantedLibrary]:
    with wanted_library(tmp_path_factory.mktemp("asking"), shim) as library:
        yield library


def _require_nothing_asked_twice(library: WantedLibrary) -> bool:
    """See what the next two runs make of what a killed one left; tell whether the task is lost."""
    left = library.look()
    assert left.calls <= 1
    assert left.tasks or not left.calls, "Polyv was asked, and nothing was written down before"
    healed, later = library.sync(), library.sync()
    now = library.look()
    assert (0, "") == (later.code, later.stderr)
    if now == _MADE:
        assert (0, "") == (healed.code, healed.stderr)
        return False
    assert ("wanted", [("lost", False)], left.calls) == (now.video, now.tasks, now.calls)
    assert (3, 1, 0) == (healed.code, told(healed, "task_lost"), told(later, "task_lost"))
    assert "asked for 1 video, and whether it made a task is not known" in healed.stderr
    return True


@pytest.mark.parametrize(("mode", "usual"), [(Mode.BEFORE, 24), (Mode.AFTER, 8), (Mode.TORN, 8)])
def test_a_kill_at_any_call_leaves_no_task_unknown_and_asks_for_none_twice(
    library: WantedLibrary, tell: Tell, mode: Mode, usual: int
) -> None:
    """F01: the intent is there before the call; a video is asked for once within its window, whatever happens."""
    library.begin()
    total = library.sync().calls
    assert library.look() == _MADE
    tried = lost = 0
    for point in points(total, usual=usual):
        library.begin()
        ended = library.sync(Injection(mode=mode, point=point))
        if ended.code != _KILLED:
            assert (0, _MADE) == (ended.code, library.look())
            continue
        tried += 1
        try:
            lost += _require_nothing_asked_twice(library)
        except AssertionError as exc:
            raise AssertionError(f"at call {point}: {exc}") from exc

    tell(f"{tried} kills in a run of {total} calls, {lost} of them with a task lost")
    assert tried
    assert lost < tried
