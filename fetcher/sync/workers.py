"""Open what a run asks and fetches with. Loaded with all that it stands on when there is something to do."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import stamina.instrumentation

from fetcher.archive.parts import Parts
from fetcher.archive.placing import Placing
from fetcher.credentials import Credentials
from fetcher.domain.errors import UsageError
from fetcher.downloader.attempt import Workshop
from fetcher.downloader.crew import Crew
from fetcher.downloader.orders import Sightings
from fetcher.downloader.worker import Downloader
from fetcher.polyv.account import MainAccount
from fetcher.polyv.client import Patience, PolyvClient
from fetcher.polyv.clock import PolyvClock
from fetcher.settings import Settings
from fetcher.transfer.origin import Origin
from fetcher.transfer.pace import Pace
from fetcher.transfer.pool import MOST_IDLE
from fetcher.transfer.turn import Turn


def polyv_client(settings: Settings, credentials: Credentials, clock: PolyvClock) -> PolyvClient:
    """Return a client of Polyv's API, not yet opened.

    Raises:
        UsageError: The API's address cannot be used.
    """
    stamina.instrumentation.set_on_retry_hooks([])  # What a retry is worth saying of is said by who asked.
    account = MainAccount(user_id=credentials.user_id, secret=credentials.user_secret)
    return PolyvClient(
        api_url=settings.api_url,
        app_id=credentials.app_id,
        app_secret=credentials.app_secret,
        clock=clock,
        patience=Patience(retry_first_s=settings.retry_delay),
        main_account=account if account.user_id else None,
    )


@contextlib.asynccontextmanager
async def opened_downloader(
    settings: Settings,
    *,
    jobs: int,
    root: Path,
    parts: Parts,
    placing: Placing,
    now: Callable[[], int],
    sightings: Sightings,
) -> AsyncIterator[Downloader]:
    """Yield a downloader with its threads and connections.

    Args:
        settings: Rate, reserve, patience with a silent line.
        jobs: Files at a time.
        root: The archive.
        parts: Files on their way.
        placing: Gives names below *root*.
        now: ms UTC.
        sightings: Learns how long links live.

    Raises:
        UsageError: The certificates that the environment names cannot be used.
    """
    turn = Turn()
    origin = _origin(settings, turn)
    crew = Crew(jobs)
    workshop = Workshop(
        root=root,
        placing=placing,
        origin=origin,
        crew=crew,
        turn=turn,
        now=now,
        stall_s=settings.stall_seconds,
        reserve=settings.reserve,
        buffers=[],
        sightings=sightings,
        mismatch=settings.mismatch,
    )
    pace = Pace(settings.bytes_per_s) if settings.bytes_per_s else None
    try:
        yield Downloader(workshop, parts, pace=pace)
    finally:
        # Off the loop: a thread may be in the midst of flushing a file.
        await asyncio.to_thread(crew.close)
        origin.close()


def _origin(settings: Settings, turn: Turn) -> Origin:
    try:
        return Origin(
            loopback_too=settings.is_api_here,
            read_timeout_s=settings.stall_seconds,
            turn=turn,
            # Small files may all end at the same moment; what is closed then costs a handshake a moment later.
            most_idle=max(MOST_IDLE, settings.jobs_max),
        )
    except OSError as exc:
        raise UsageError(
            f"the certificates cannot be read ({type(exc).__name__}): check SSL_CERT_FILE and SSL_CERT_DIR"
        ) from exc
