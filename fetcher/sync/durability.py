"""What has to be on the disk for good before the ledger may say so."""

from collections.abc import Sequence

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
    tried: dict[str, FetcherError | None] = {}
    errors: list[FetcherError | None] = []
    for change in changes:
        if not isinstance(change.event, FileVerified):
            errors.append(None)
            continue
        directory = change.event.path.rpartition("/")[0]
        if directory not in tried:
            tried[directory] = _error(placing, directory)
        errors.append(tried[directory])
    return errors


def _error(placing: Placing, directory: str) -> FetcherError | None:
    try:
        with disk_errors(f"making what is in {directory or 'the archive'} durable"):
            placing.make_durable(directory)
    except FetcherError as exc:
        if isinstance(exc.__cause__, FileNotFoundError):
            return ConflictError(f"{directory!r} was taken away by somebody")
        return exc
    return None
