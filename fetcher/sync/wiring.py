"""Put a run together from an archive, its settings and its credentials."""

import asyncio
import contextlib
import functools
import logging
import os
import secrets
import socket
import time
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor

import filelock

from fetcher.archive.home import Home
from fetcher.archive.parts import Parts
from fetcher.archive.placing import Placing
from fetcher.archive.space import disk_errors
from fetcher.domain.errors import ArchiveBusyError
from fetcher.downloader.attempt import Workshop
from fetcher.downloader.worker import Downloader
from fetcher.ledger.opening import open_ledger
from fetcher.ledger.thread import LedgerThread
from fetcher.poller import Poller
from fetcher.polyv.client import PolyvClient
from fetcher.polyv.clock import PolyvClock
from fetcher.settings import Credentials, Settings
from fetcher.sync.asking import Asking, Rhythm
from fetcher.sync.durability import make_names_durable
from fetcher.sync.fetching import Fetching, Patience
from fetcher.sync.outcome import Notify, Options
from fetcher.sync.run import Run
from fetcher.sync.wires import Wires
from fetcher.transfer.origin import Origin
from fetcher.transfer.pace import Pace, jobs_within


@contextlib.contextmanager
def hold_archive(home: Home) -> Iterator[None]:
    """Be the only run of an archive; the kernel frees the lock whatever ends the process.

    Raises:
        ArchiveBusyError: Another run holds it.
        StorageError: The archive cannot be written.
    """
    lock = filelock.FileLock(home.lock, timeout=0, mode=0o600)
    with disk_errors(f"locking {home.root}"):
        try:
            lock.acquire()
        except filelock.Timeout:
            raise ArchiveBusyError(
                f"another run holds {home.root}. It goes on by itself; run again when it has ended."
            ) from None
    try:
        yield
    finally:
        lock.release()


@contextlib.asynccontextmanager
async def assembled_run(
    home: Home, settings: Settings, credentials: Credentials, options: Options, notify: Notify
) -> AsyncIterator[Run]:
    """Yield a run that is ready to go, and take it apart again.

    Raises:
        UsageError: A setting cannot be used.
        LedgerError: The ledger cannot be opened.
    """
    clock = PolyvClock(time.time)
    polyv = PolyvClient(
        api_url=settings.api_url, app_id=credentials.app_id, app_secret=credentials.app_secret, clock=clock
    )
    origin = Origin(loopback_too=settings.is_api_here, read_timeout_s=settings.stall_seconds)
    threads = ThreadPoolExecutor(settings.jobs, thread_name_prefix="transfer")
    placing = Placing(home.root)
    ledger = LedgerThread(
        await asyncio.to_thread(open_ledger, settings.ledger_path(home), on_network=settings.ledger_on_network),
        barrier=functools.partial(make_names_durable, placing),
    )
    workshop = Workshop(
        root=home.root,
        placing=placing,
        origin=origin,
        threads=threads,
        now=_now_ms,
        stall_s=settings.stall_seconds,
        reserve=settings.reserve,
        buffers=[],
    )
    try:
        async with polyv:
            yield _run(
                _wires(home, settings, workshop, ledger, notify=notify, clock=clock), settings, options, polyv
            )
    finally:
        # Off the loop: a thread may be in the midst of flushing a file.
        await asyncio.to_thread(threads.shutdown, wait=True)
        origin.close()
        ledger.close()


def _wires(
    home: Home, settings: Settings, workshop: Workshop, ledger: LedgerThread, *, notify: Notify, clock: PolyvClock
) -> Wires:
    parts = Parts(home.parts)
    pace = Pace(settings.bytes_per_s) if settings.bytes_per_s else None
    return Wires(
        ledger=ledger,
        downloader=Downloader(workshop, parts, pace=pace),
        parts=parts,
        root=home.root,
        owner=f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}",
        now=workshop.now,
        polyv_now=clock.now_ms,
        notify=notify,
    )


def _now_ms() -> int:
    return int(time.time() * 1000)


def _run(wires: Wires, settings: Settings, options: Options, polyv: PolyvClient) -> Run:
    poller = Poller(
        source=polyv,
        now=wires.polyv_now,
        lifetime_s=settings.link_lifetime,
        loopback_too=settings.is_api_here,
        warn=logging.getLogger("fetcher.poller").warning,
    )
    rhythm = Rhythm(
        first_s=settings.poll_interval,
        longest_s=settings.poll_interval_max,
        give_up_after_s=settings.give_up_after,
    )
    asking = Asking(wires, poller=poller, rhythm=rhythm, retry_in_s=polyv.breaker.retry_in_s)
    patience = Patience(first_s=settings.retry_delay, tries=settings.tries, asked_again_s=settings.poll_interval)
    jobs = jobs_within(settings.bytes_per_s, settings.jobs)
    fetching = Fetching(wires, renew=asking.renew, jobs=jobs, layout=settings.layout, patience=patience)
    return Run(wires, asking=asking, fetching=fetching, options=options, calls=lambda: polyv.calls)
