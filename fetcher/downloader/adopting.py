"""Files that are in place although no row says so yet."""

import functools
from collections.abc import Callable

from fetcher.archive.memos import Memo
from fetcher.archive.part import Part
from fetcher.archive.placing import Found, find_file, is_placed
from fetcher.domain.errors import ConflictError
from fetcher.domain.events import FileVerified
from fetcher.domain.status import Evidence
from fetcher.downloader.attempt import Workshop
from fetcher.downloader.orders import Order


async def adopted_file(
    workshop: Workshop, order: Order, part: Part, *, heed: Callable[[], None]
) -> FileVerified | None:
    """Finish a download whose file was placed by a run that died before it could say so; None where none was.

    Args:
        workshop: What it works with.
        order: The video.
        part: Of it, as that run left it.
        heed: Called again and again while the file is read; raises where that is to end.

    Raises:
        TransferStoppedError: By *heed*.
        OSError: The disk.
    """
    memo, root = part.memo, workshop.root
    if part.is_new:
        return None
    if not is_placed(root, part.path, order.path) and (memo is None or memo.sha256 is None):
        return None
    look = functools.partial(find_file, root, order.path, durably=True, heed=heed)
    try:
        found = await workshop.crew.do(look)
    except ConflictError:
        return None  # Placing will meet it, too, and say so of this video.
    if found is None or not _is_as_placed(order, memo, found):
        return None
    is_of_size = found.size in (memo.size if memo else None, order.expected.size)
    return FileVerified(
        at=workshop.now(),
        path=order.path,
        size=found.size,
        sha256=found.sha256,
        etag=memo.etag if memo else None,
        evidence=Evidence.SIZE if is_of_size else Evidence.NONE,
        difference=_difference_of(order, found.size),
        adopted=True,
    )


def _is_as_placed(order: Order, memo: Memo | None, found: Found) -> bool:
    """Tell whether a file in place is what was placed there.

    Of one without a memo nobody knows what it was. It fits into the buffer: where Polyv's word speaks against it,
    or could tell and was not compared, fetching it once more costs next to nothing, and the two are compared then.
    """
    if memo is not None and memo.sha256 is not None:
        return memo.sha256 == found.sha256 and memo.size in (None, found.size)
    return order.expected.md5 is None and order.expected.size in (None, found.size)


def _difference_of(order: Order, size: int) -> str | None:
    """Return what speaks against a file that is in place; it passed every gate before it was placed."""
    said = order.expected.size
    return None if said in (None, size) else f"it has {size} bytes, Polyv says {said}"
