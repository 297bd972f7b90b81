"""Run one verification under signals and a bar, and say what it found."""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from fetcher.cli.access import ledger_access
from fetcher.cli.logs import complain, say
from fetcher.cli.output import Output
from fetcher.domain.errors import UsageError
from fetcher.domain.exit_code import ExitCode
from fetcher.domain.identifiers import printable
from fetcher.domain.verification import Kind
from fetcher.ledger.verifying import named, total
from fetcher.report.text import counted, size_text
from fetcher.sync.holding import hold_archive
from fetcher.upkeep.course import Wish
from fetcher.upkeep.crew import usual_jobs
from fetcher.upkeep.findings import finding_line, finding_row
from fetcher.upkeep.verifying import Verifying

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from contextlib import AbstractContextManager

    from fetcher.cli.context import Session
    from fetcher.domain.verification import DoneFile
    from fetcher.ledger.paging import Reading

_NAMED: Final = 5
"""Videos that are named in one line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Flags:
    """What was typed."""

    vids: Sequence[str]
    jobs: int | None
    max_duration_s: float | None
    is_quick: bool
    repairs: bool
    accepts_moves: bool
    is_forced: bool
    is_dry: bool
    as_json: bool
    is_told: bool
    """Whether a summary is wanted, and files are named that no video has."""


def verify(session: Session, flags: Flags) -> int:
    """Verify, return the exit code.

    Raises:
        FetcherError: It could not be begun, or the ledger failed on the way.
    """
    home = session.home()
    ledger = session.settings(home).ledger_path(home)
    is_changing = (flags.repairs or flags.accepts_moves) and not flags.is_dry
    with (
        hold_archive(home, ledger) if is_changing else contextlib.nullcontext(),
        ledger_access(session, home, is_dry=flags.is_dry) as (reading, writing),
    ):
        wish = _wish(reading, flags)
        jobs = flags.jobs or usual_jobs(home.root)
        verifying = Verifying(home, reading, writing, wish, jobs=jobs, now=lambda: int(time.time() * 1000))
        output = Output()
        with session.signals.heeding(verifying.course.stop), _bar(session, verifying, reading, wish):
            _show(verifying, output, flags)
        return _told(verifying, output, flags)


def _wish(reading: Reading, flags: Flags) -> Wish:
    return Wish(
        named=_named(reading, flags.vids) if flags.vids else None,
        is_quick=flags.is_quick,
        max_duration_s=flags.max_duration_s,
        repairs=flags.repairs,
        accepts_moves=flags.accepts_moves,
        is_forced=flags.is_forced,
    )


def _named(reading: Reading, vids: Sequence[str]) -> Sequence[DoneFile]:
    """Return the files of the videos that are named.

    Raises:
        UsageError: The ledger does not know some of them.
    """
    with reading() as connection:
        found = named(connection, list(dict.fromkeys(vids)))
    if found.unknown:
        raise UsageError(f"not in this archive: {_few(found.unknown)}; 'fetcher list' shows all")
    if found.others:
        complain(f"not done, so there is nothing to verify: {_few(found.others)}")
    return found.done


def _few(vids: Sequence[str]) -> str:
    more = ", …" if len(vids) > _NAMED else ""
    return ", ".join(map(printable, vids[:_NAMED])) + more


def _bar(session: Session, verifying: Verifying, reading: Reading, wish: Wish) -> AbstractContextManager[None]:
    """Return what shows progress while it is open: nothing with -q, and nothing where no terminal is."""
    if wish.is_quick or not session.is_shown_progress:
        return contextlib.nullcontext()
    from fetcher.cli.bars import show_bytes

    if wish.named is not None:
        size = sum(done.size for done in wish.named)
    else:
        with reading() as connection:
            _, size = total(connection)
    return show_bytes(lambda: verifying.crew.bytes_read, total=size)


def _show(verifying: Verifying, output: Output, flags: Flags) -> None:
    """Write each finding as it comes."""
    with contextlib.closing(verifying.findings()) as findings:
        for finding in findings:
            if flags.as_json:
                output.json(finding_row(finding))
            elif finding.kind is not Kind.EXTRA or flags.is_told:
                output.line(finding_line(finding, is_dry=flags.is_dry))


def _told(verifying: Verifying, output: Output, flags: Flags) -> int:
    """Say how it went, and what to do next; return the exit code."""
    code = verifying.course.code
    if flags.as_json:
        output.json(_summary(verifying, flags))
    for line in _complaints(verifying, flags):
        complain(line)
    if flags.is_told:
        say(_line(verifying, flags))
    return output.code() if code is ExitCode.OK else int(code)


def _summary(verifying: Verifying, flags: Flags) -> dict[str, Any]:
    course = verifying.course
    return {
        "type": "summary",
        "exit_code": int(course.code),
        "counts": {kind.value: course.tally.counts[kind] for kind in Kind},
        "is_dry": flags.is_dry,
        "is_quick": flags.is_quick,
        "is_whole": course.is_whole,
        "files_read": course.tally.files_read,
        "bytes": verifying.bytes_read,
        "seconds": round(course.seconds, 3),
        "put_back": course.tally.put_back,
        "accepted": course.tally.accepted,
    }


def _complaints(verifying: Verifying, flags: Flags) -> Iterator[str]:
    """Yield what somebody has to know."""
    tally = verifying.course.tally
    counts = tally.counts
    if tally.refusal is not None:
        yield (
            f"{tally.refusal}, so nothing more is put back. Is the disk mounted, and the right one? Is this "
            "machine's memory sound? --force puts them back all the same"
        )
    elif tally.put_back:
        back = counted(tally.put_back, "video", "would be" if flags.is_dry else "are")
        yield f"{back} wanted again; 'fetcher sync' asks Polyv for what is wanted"
    elif damage := _damage(counts[Kind.MISSING] - tally.perhaps_moved, counts[Kind.CHANGED]):
        yield f"{damage}; 'fetcher verify --repair' has that fetched again"
    if tally.perhaps_moved:
        perhaps = counted(tally.perhaps_moved, "file", "are")
        how = "with more --max-duration" if verifying.course.is_look_cut else "without --quick"
        yield f"{perhaps} missing or moved; 'fetcher verify' {how} tells which"
    if (moved := counts[Kind.MOVED] - tally.accepted) > 0:
        elsewhere = counted(moved, "file", "were")
        yield f"{elsewhere} moved; 'fetcher verify --accept-moves' takes that in, or move it back"
    if counts[Kind.UNREADABLE]:
        unread = counted(counts[Kind.UNREADABLE], "file")
        yield f"{unread} cannot be read; look at the disk, and at what stands there"


def _damage(missing: int, changed: int) -> str:
    """Return how many files are missing or changed; of one of the two, only where there are any; '' for none."""
    if missing and changed:
        return f"{counted(missing, 'file', 'are')} missing and {changed} changed"
    count, word = (missing, "missing") if missing else (changed, "changed")
    return f"{counted(count, 'file', 'are')} {word}" if count else ""


def _line(verifying: Verifying, flags: Flags) -> str:
    """Return the verification in one line."""
    course, read = verifying.course, verifying.bytes_read
    counts = course.tally.counts
    if flags.is_quick:
        how = f"sizes of {counted(course.tally.looked_at, 'done file')} compared, nothing read"
    else:
        rate = size_text(round(read / course.seconds)) if course.seconds else "-"
        files = counted(course.tally.files_read, "file")
        how = f"{files} read ({size_text(read)} in {course.seconds:.1f} s, {rate}/s)"
    found = ", ".join(f"{counts[kind]} {kind.value}" for kind in Kind if counts[kind])
    left = "" if course.is_whole else "; not all was verified"
    return f"{how}: {found or 'nothing to verify'}{left}; exit code {int(course.code)}"
