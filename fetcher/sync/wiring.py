"""Put a run together from an archive, its settings and its credentials."""

import asyncio
import contextlib
import functools
import logging
import math
import os
import secrets
import socket
import time
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING, Final

from fetcher.archive.home import Home
from fetcher.archive.parts import Parts
from fetcher.archive.placing import Placing
from fetcher.credentials import Credentials
from fetcher.domain.crowd import Crowd
from fetcher.ledger.opening import open_ledger
from fetcher.ledger.thread import LedgerThread
from fetcher.poller import Poller
from fetcher.polyv.clock import PolyvClock
from fetcher.settings import Settings
from fetcher.submitter import Submitter
from fetcher.sync.asking import Asking
from fetcher.sync.choosing import Terms
from fetcher.sync.clocks import LinkClocks
from fetcher.sync.durability import make_names_durable
from fetcher.sync.enquiring import Enquiring
from fetcher.sync.fetching import Fetching
from fetcher.sync.growing import Growing
from fetcher.sync.late import Late, LateDownloader, LatePolyv
from fetcher.sync.measuring import Measuring
from fetcher.sync.outcome import Notify, Options
from fetcher.sync.planning import Planning
from fetcher.sync.rhythm import Rhythm
from fetcher.sync.run import Run
from fetcher.sync.submitting import Submitting
from fetcher.sync.tries import Patience
from fetcher.sync.wires import Wires
from fetcher.transfer.pace import jobs_within

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from fetcher.downloader.worker import Downloader
    from fetcher.polyv.client import PolyvClient
    from fetcher.sync.sidecars import Sidecars

_BESIDE: Final = 3
"""Places for what would be lost otherwise, for each one that a run begins with."""
_LONGEST_PAUSE_S: Final = 60.0
"""Our own pauses between tries are no longer."""


@contextlib.asynccontextmanager
async def assembled_run(
    home: Home, settings: Settings, credentials: Credentials, options: Options, notify: Notify
) -> AsyncIterator[Run]:
    """Yield a run that is ready to go, and take it apart again.

    Raises:
        UsageError: A setting cannot be used.
        LedgerError: The ledger cannot be opened.
    """
    clock, parts, placing = PolyvClock(time.time), Parts(home.parts), Placing(home.root)
    jobs = settings.places
    clocks = LinkClocks(settings.link_lifetime, now=clock.now_ms)

    # What these two load takes longer than a run that finds nothing to ask and nothing to fetch.
    def client() -> "AbstractAsyncContextManager[PolyvClient]":
        from fetcher.sync.workers import polyv_client  # noqa: PLC0415

        return polyv_client(settings, credentials, clock)

    def downloader() -> "AbstractAsyncContextManager[Downloader]":
        from fetcher.sync.workers import opened_downloader  # noqa: PLC0415

        return opened_downloader(
            settings, jobs=jobs, root=home.root, parts=parts, placing=placing, now=_now_ms, sightings=clocks
        )

    ledger = LedgerThread(
        await asyncio.to_thread(open_ledger, settings.ledger_path(home), on_network=settings.ledger_on_network),
        barrier=functools.partial(make_names_durable, placing),
    )
    async with contextlib.AsyncExitStack() as stack:
        stack.callback(ledger.close)
        wires = Wires(
            ledger=ledger,
            downloader=LateDownloader(Late(downloader, stack)),
            parts=parts,
            root=home.root,
            owner=f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}",
            now=_now_ms,
            polyv_now=clock.now_ms,
            clocks=clocks,
            notify=notify,
        )
        polyv, has_main_account = LatePolyv(Late(client, stack)), bool(credentials.user_id)
        yield wired_run(wires, settings, options, jobs=jobs, polyv=polyv, has_main_account=has_main_account)


def _now_ms() -> int:
    return int(time.time() * 1000)


def wired_run(
    wires: Wires,
    settings: Settings,
    options: Options,
    *,
    jobs: int,
    polyv: LatePolyv,
    has_main_account: bool = False,
) -> Run:
    """Return a run over *wires* that asks *polyv*.

    Args:
        wires: What its parts share.
        settings: Clocks, patience and the layout of names.
        options: What this run is asked for.
        jobs: Files at a time.
        polyv: Who is asked.
        has_main_account: Whether it may be asked as the main account, too.
    """
    asking = _asking(wires, settings, polyv, has_main_account=has_main_account)
    measuring = Measuring(wires.downloader, limit=settings.bytes_per_s)
    sidecars = _sidecars(wires) if settings.sidecars else None
    fetching = Fetching(
        wires,
        renew=asking.renew,
        jobs=jobs,
        layout=settings.layout,
        patience=_patience(settings, options),
        on_done=None if sidecars is None else sidecars.note,
        is_asking=lambda: bool(asking.active),
    )
    crowd = Crowd(least=jobs, most=most_jobs(settings, options, jobs), limit=settings.bytes_per_s)
    return Run(
        wires,
        submitting=_submitting(wires, settings, polyv, measuring=measuring, created=asking.look_again),
        asking=asking,
        fetching=fetching,
        measuring=measuring,
        planning=Planning(
            wires,
            fetching=fetching,
            measuring=measuring,
            places=jobs,
            most_places=most_places(settings, options, jobs),
        ),
        growing=Growing(wires, fetching=fetching, crowd=crowd),
        options=options,
        calls=lambda: polyv.calls,
        sidecars=sidecars,
    )


def _asking(wires: Wires, settings: Settings, polyv: LatePolyv, *, has_main_account: bool) -> Asking:
    poller = Poller(
        source=polyv,
        now=wires.polyv_now,
        lifetime_s=wires.clocks.seconds,
        loopback_too=settings.is_api_here,
        warn=logging.getLogger("fetcher.poller").warning,
    )
    rhythm = Rhythm(
        first_s=settings.poll_interval,
        longest_s=settings.poll_interval_max,
        give_up_after_s=settings.give_up_after,
        expire_days=settings.expire_days,
        resubmit_expired=settings.resubmit_expired,
        link_lives_s=wires.clocks.shortest_s,
    )
    enquiring = Enquiring(wires, answers=polyv, has_sizes=settings.ask_sizes, has_md5s=has_main_account)
    return Asking(wires, poller=poller, rhythm=rhythm, retry_in_s=polyv.retry_in_s, enquiring=enquiring)


def _patience(settings: Settings, options: Options) -> Patience:
    return Patience(
        first_s=settings.retry_delay,
        tries=settings.tries,
        asked_again_s=settings.poll_interval,
        resubmit_expired=settings.resubmit_expired,
        longest_s=math.inf if options.until_done else max(_LONGEST_PAUSE_S, settings.retry_delay),
    )


def _submitting(
    wires: Wires, settings: Settings, polyv: LatePolyv, *, measuring: Measuring, created: Callable[[], None]
) -> Submitting:
    terms = Terms(
        expire_days=settings.expire_days,
        budget=settings.thaw_bytes,
        reserve=settings.reserve,
        first_poll_s=settings.poll_interval,
        longest_pause_s=settings.poll_interval_max,
        limit_rate=settings.bytes_per_s,
    )
    return Submitting(
        wires,
        submitter=Submitter(polyv),
        terms=terms,
        measuring=measuring,
        retry_in_s=polyv.retry_in_s,
        created=created,
    )


def most_jobs(settings: Settings, options: Options, jobs: int) -> int:
    """Return how many transfers a run may grow to, *jobs* at the least."""
    return _within(settings, options, settings.jobs_max, least=jobs)


def most_places(settings: Settings, options: Options, jobs: int) -> int:
    """Return how many transfers may be under way where videos would be lost otherwise.

    Three times as many as a run begins with, beside those that it has grown to.
    """
    return _within(settings, options, most_jobs(settings, options, jobs) + _BESIDE * jobs, least=jobs)


def _within(settings: Settings, options: Options, most: int, *, least: int) -> int:
    """Bound a number: origins hang up on lines that hardly read, and each line needs its open files."""
    most = jobs_within(settings.bytes_per_s, most)
    return max(least, most if options.most_places is None else min(most, options.most_places))


def _sidecars(wires: Wires) -> "Sidecars":
    from fetcher.sync.sidecars import Sidecars  # noqa: PLC0415 - most archives have none

    return Sidecars(wires.ledger, wires.root)
