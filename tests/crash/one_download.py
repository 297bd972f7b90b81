"""A program that downloads one file into an archive, with a checkpoint every so many bytes, and no ledger.

The command has no setting for checkpoints, and 256 MiB of a file would take long to write down call by call.
"""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from downloader_cases import AT, NOW, VID, link
from transfer_cases import origin_here

from fetcher.archive.home import Home
from fetcher.archive.parts import Parts
from fetcher.archive.placing import Placing
from fetcher.domain.events import FileVerified
from fetcher.domain.link import Link
from fetcher.downloader.attempt import Workshop
from fetcher.downloader.crew import Crew
from fetcher.downloader.orders import Order
from fetcher.downloader.worker import Downloader
from fetcher.sync.clocks import LinkClocks
from fetcher.transfer.turn import Turn

VIDEO_ID: Final = 7


def run(arguments: Sequence[str]) -> int:
    """Download once, as a new run does; return 0 where the file is in place.

    Args:
        arguments: The archive, the link, the bytes between two checkpoints.
    """
    root, url, checkpoint = arguments
    return asyncio.run(_download(Home(Path(root)), url, checkpoint=int(checkpoint)))


async def _download(home: Home, url: str, *, checkpoint: int) -> int:
    parts, crew, turn = Parts(home.parts), Crew(1), Turn()
    await parts.scan()
    with origin_here(turn=turn) as origin:
        workshop = Workshop(
            root=home.root,
            placing=Placing(home.root),
            origin=origin,
            crew=crew,
            turn=turn,
            now=lambda: NOW,
            stall_s=5.0,
            reserve=0,
            buffers=[],
            sightings=LinkClocks(1800, now=lambda: NOW),
            checkpoint=checkpoint,
        )
        order = Order(video_id=VIDEO_ID, vid=VID, link=link(url), path=AT)
        try:
            ended = await Downloader(workshop, parts).download(order, _no_other)
        finally:
            crew.close()
    return 0 if isinstance(ended, FileVerified) else 1


async def _no_other(order: Order) -> Link | None:
    del order
    return None
