"""Run one pass under signals, bars and JSON lines, and say how it went."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import functools
import logging
import shlex
from typing import TYPE_CHECKING, Any, Final

import msgspec

from fetcher.archive.home import loose_permissions, make_whole
from fetcher.cli.limits import jobs_allowed, places_allowed
from fetcher.cli.logs import complain, keep_secret, say
from fetcher.cli.measures import keep_metrics
from fetcher.cli.output import Stream
from fetcher.domain.exit_code import ExitCode
from fetcher.report.rows import instant
from fetcher.report.text import counted, size_text
from fetcher.sync.holding import hold_archive
from fetcher.sync.wiring import assembled_run

if TYPE_CHECKING:
    from collections.abc import Mapping
    from contextlib import AbstractAsyncContextManager

    from fetcher.archive.home import Home
    from fetcher.cli.context import Session
    from fetcher.credentials import Credentials
    from fetcher.settings import Settings
    from fetcher.sync.outcome import Options, Summary
    from fetcher.sync.run import Run

_log: Final = logging.getLogger(__name__)


def run_pass(
    session: Session, home: Home, settings: Settings, credentials: Credentials, options: Options, *, as_json: bool
) -> int:
    """Run one pass, return its exit code.

    Raises:
        FetcherError: It could not be begun, or the ledger failed on the way.
    """
    for secret in credentials.secrets:
        keep_secret(secret)
    settings = msgspec.structs.replace(settings, jobs=jobs_allowed(settings.jobs))
    options = dataclasses.replace(options, most_places=places_allowed(settings.jobs_max))
    for path in loose_permissions(home):
        complain(f"{path} is open to others; run: chmod go= {shlex.quote(str(path))}")
    _log.debug(
        "archive %s, ledger %s, Polyv at %s, %d to %d jobs",
        home.root,
        settings.ledger_path(home),
        settings.api_url,
        settings.jobs,
        settings.jobs_max,
    )
    output = Stream()
    notify = output.json if as_json else _ignore

    async def one_pass() -> Summary:
        loop = asyncio.get_running_loop()
        with contextlib.ExitStack() as heeding:
            async with assembled_run(home, settings, credentials, options, notify) as run:
                # The first signal ends the run in order, up to its last row; a second one ends the process at once.
                stop = functools.partial(loop.call_soon_threadsafe, run.stop)
                heeding.enter_context(session.signals.heeding(stop))
                async with _bars(session, run):
                    return await run.run()

    with hold_archive(home, settings.ledger_path(home)):
        make_whole(home)
        summary = session.signals.run(one_pass)
        keep_metrics(session, home, settings, at_risk=summary.at_risk)
    session.signals.let_go()  # All is done and recorded; it is left to write it to somebody who may not read.
    _complain(summary)
    code = summary.exit_code
    if as_json:
        output.json({**_row(summary), "exit_code": int(code)})
    elif session.is_told_of_success:
        say(_line(summary))
    output.close()
    return output.code() if code is ExitCode.OK else code


def _complain(summary: Summary) -> None:
    """Say what ended the run early, what is left, and what may be lost."""
    if summary.error is not None:
        complain(str(summary.error))
    left = summary.counts.get("ready", 0)
    if summary.exit_code is ExitCode.LATER and summary.error is None and left:
        why = f"the last one: {summary.last_failure}" if summary.last_failure else "their origin asked for patience"
        complain(f"not fetched this time, left to a later run: {left}; {why}")
    if summary.at_risk:
        complain(f"{counted(summary.at_risk, 'video', 'are')} at risk: 'fetcher list --at-risk' names them")


def _bars(session: Session, run: Run) -> AbstractAsyncContextManager[None]:
    """Return what shows progress while it is open: nothing with -q, and nothing where no terminal is."""
    if not session.is_shown_progress:
        return contextlib.nullcontext()
    from fetcher.cli.bars import show_bars

    return show_bars(run.downloader)


def _ignore(told: Mapping[str, Any]) -> None:
    del told


def _row(summary: Summary) -> dict[str, Any]:
    return {
        "type": "summary",
        "done": summary.done,
        "failed": summary.failed,
        "bytes": summary.bytes,
        "at_risk": summary.at_risk,
        "counts": summary.counts,
        "published": summary.published,
        "tries_failed": summary.tries_failed,
        "missing": summary.missing,
        "tasks_created": summary.tasks_created,
        "tasks_lost": summary.tasks_lost,
        "polls": summary.polls,
        "polls_failed": summary.polls_failed,
        "calls": summary.calls,
        "jobs_most": summary.jobs_most,
        "nearest_deadline": instant(summary.nearest_deadline),
        "next_poll_at": instant(summary.next_poll_at),
        "seconds": round(summary.seconds, 3),
        "error": None if summary.error is None else str(summary.error),
    }


def _line(summary: Summary) -> str:
    """Return the run in one line."""
    kinds = [f"{count} {name}" for name, count in summary.counts.items() if count and name != "done"]
    left = ", ".join(kinds + ([f"{counted(summary.open_tasks, 'task')} open"] if summary.open_tasks else []))
    rate = summary.bytes / summary.seconds if summary.seconds else 0
    return (
        f"{summary.done} done ({size_text(summary.bytes)} in {summary.seconds:.1f} s, {size_text(round(rate))}/s, "
        f"at most {counted(summary.jobs_most, 'job')}), "
        f"{summary.failed} failed; {left or 'nothing'} left; "
        f"{counted(summary.calls, 'call')} to Polyv, {counted(summary.polls, 'poll')}; "
        f"exit code {int(summary.exit_code)}"
    )
