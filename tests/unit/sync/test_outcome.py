import pytest

from fetcher.domain.errors import ArchiveBusyError, CredentialsRefusedError, DiskFullError, FetcherError
from fetcher.domain.exit_code import ExitCode
from fetcher.sync.outcome import Summary

_READY, _WAITING, _FAILED = {"ready": 1}, {"waiting": 1}, {"failed": 1}


@pytest.mark.parametrize(
    ("summary", "expected"),
    [
        (Summary(), 0),
        (Summary(counts={"done": 3}), 0),
        (Summary(counts=_WAITING, next_poll_at=5), 0),
        (Summary(counts=_READY), 3),
        (Summary(polls_failed=1), 3),
        (Summary(counts=_FAILED), 4),
        (Summary(tasks_rejected=1), 4),
        (Summary(counts=_FAILED | _READY), 3),
        (Summary(counts=_READY, at_risk=1), 3),
        (Summary(counts=_READY, at_risk=1, stopped_by=ExitCode.STOPPED_BY_LIMIT), 5),
        (Summary(counts=_READY, stopped_by=ExitCode.STOPPED_BY_LIMIT), 8),
        (Summary(counts=_WAITING, stopped_by=ExitCode.STOPPED_BY_LIMIT), 8),
        (Summary(counts={"done": 1}, stopped_by=ExitCode.STOPPED_BY_LIMIT), 0),
        (Summary(counts=_FAILED | _READY, stopped_by=ExitCode.STOPPED_BY_LIMIT), 4),
        (Summary(counts=_READY, stopped_by=ExitCode.SIGTERM), 143),
        (Summary(counts=_READY, stopped_by=ExitCode.SIGINT), 130),
        (Summary(counts=_READY | _FAILED, error=DiskFullError("full")), 7),
        (Summary(counts=_READY, error=CredentialsRefusedError("no")), 6),
        (Summary(error=ArchiveBusyError("busy")), 11),
        (Summary(error=FetcherError("odd")), 1),
    ],
)
def test_the_gravest_of_all_that_is_to_be_said_is_the_exit_code(summary: Summary, expected: int) -> None:
    assert expected == int(summary.exit_code)
