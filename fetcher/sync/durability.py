"""What has to be on the disk for good before the ledger may say so."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from fetcher.archive.placing import Placing
from fetcher.archive.space import disk_errors
from fetcher.domain.errors import ConflictError, FetcherError
from fetcher.domain.events import FileVerified
from fetcher.ledger.changes import Change


def make_names_durable(placing: Placing, changes: Sequence[Change]) -> list[FetcherError | None]:
    """Make the names of the files durable that *changes* call done; their bytes are, from before they were named.

    Returns:
        For each of *changes* why it may not be written: the disk (StorageError), or a directory that somebody has
        taken away meanwhile (ConflictError). None where it may.
    """
    expected: defaultdict[str, dict[str, int]] = defaultdict(dict)
    for change in changes:
        if isinstance(change.event, FileVerified):
            directory, _, name = change.event.path.rpartition("/")
            expected[directory][name] = change.event.size
    errors = {directory: _errors(placing, directory, files) for directory, files in expected.items()}
    return [_error_of(change, errors) for change in changes]


def _error_of(change: Change, errors: Mapping[str, Mapping[str, FetcherError]]) -> FetcherError | None:
    if not isinstance(change.event, FileVerified):
        return None
    directory, _, name = change.event.path.rpartition("/")
    return errors[directory].get(name)


def _errors(placing: Placing, directory: str, files: Mapping[str, int]) -> dict[str, FetcherError]:
    """Make one directory durable; return what is wrong, by the names of those *files* that it concerns."""
    try:
        with disk_errors(f"making what is in {directory or 'the archive'} durable"):
            gone = placing.make_durable(directory, files)
    except FetcherError as exc:
        is_gone = isinstance(exc.__cause__, FileNotFoundError)
        error = ConflictError(f"{directory!r} was taken away by somebody") if is_gone else exc
        return dict.fromkeys(files, error)
    return {name: ConflictError(f"{name!r} was taken away by somebody") for name in gone}
