"""Videos that are wanted, put into a ledger in place of the command that does so."""

from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import Connection, insert

from fetcher.ledger.opening import open_ledger
from fetcher.ledger.schema import videos
from fetcher.simulator.library import Video


def want(connection: Connection, vids: Sequence[str], *, sizes: Sequence[int | None] = (), now: int = 0) -> None:
    """Have *vids* wanted, each one created a second after the one before."""
    known = [*sizes, *[None] * (len(vids) - len(sizes))]
    rows = [
        {"vid": vid, "status": "wanted", "added_at": now, "created_at": 1000 * number, "size_expected": size}
        for number, (vid, size) in enumerate(zip(vids, known, strict=True))
    ]
    if rows:
        connection.execute(insert(videos), rows)


def want_videos(root: Path, chosen: Sequence[Video], *, strangers: Sequence[str] = ()) -> None:
    """Have videos of the simulator wanted in the archive *root*, and *strangers*, which Polyv does not know."""
    database = open_ledger(root / ".fetcher" / "ledger.db")
    try:
        with database.writing() as connection:
            vids = [*(video.vid for video in chosen), *strangers]
            want(connection, vids, sizes=[video.size for video in chosen])
    finally:
        database.close()
