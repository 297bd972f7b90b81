"""Files of an archive that belong to no video of its ledger."""

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Final, TypeVar

from fetcher.archive.names import SIDECAR, path_key
from fetcher.archive.survey import finished_files
from fetcher.ledger.health import paths_with_keys
from fetcher.ledger.paging import Reading

T = TypeVar("T")
_BATCH: Final = 500


def strangers(root: Path, reading: Reading) -> Iterator[str]:
    """Yield the path of each plain file that is no video's, nor its sidecar; fetcher's own are left out.

    A file that a run is placing is known: its video has its path from before.

    Args:
        root: The archive.
        reading: Opens the ledger for the moment of a look at it.
    """
    for batch in batches(finished_files(root)):
        keys = [path_key(path.removesuffix(SIDECAR)) for path in batch if is_text(path)]
        with reading() as connection:
            known = paths_with_keys(connection, keys)
        yield from (path for path in batch if path.removesuffix(SIDECAR) not in known)


def batches(values: Iterator[T]) -> Iterator[list[T]]:
    """Yield *values* some hundred at a time."""
    while batch := list(itertools.islice(values, _BATCH)):
        yield batch


def is_text(path: str) -> bool:
    """Tell whether a name is UTF-8: no path of ours is anything else."""
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True
