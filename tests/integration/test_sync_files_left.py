"""A run that can open no more files: a connection to Polyv is one, too."""

import errno
import os
from pathlib import Path

import pytest
from sync_cases import Source, running

from fetcher.archive.home import create_home
from fetcher.domain.errors import PolyvUnavailableError
from fetcher.domain.exit_code import ExitCode
from fetcher.polyv.tasks import TaskAnswer


def _answer() -> TaskAnswer:
    raise PolyvUnavailableError("no connection") from OSError(errno.EMFILE, os.strerror(errno.EMFILE))


async def test_f86_a_question_for_which_no_file_is_left_says_nothing_of_polyv(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """It ends the run, with what helps, and no other line beside that."""
    async with running(create_home(tmp_path / "a", config=""), Source(_answer)) as run:
        summary = await run.run()

    assert (ExitCode.STORAGE, 0) == (summary.exit_code, summary.polls_failed)
    assert "'ulimit -n'" in str(summary.error)
    assert [] == caplog.messages
