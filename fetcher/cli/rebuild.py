"""``fetcher ledger rebuild``."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import click

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from fetcher.archive.home import Home
    from fetcher.cli.context import Session
    from fetcher.cli.output import Output
    from fetcher.ledger.findings import Findings
    from fetcher.sync.claimants import Finding
    from fetcher.sync.rebuilding import Rebuild

_MOST_JOBS: Final = 8


@click.command("rebuild")
@click.option(
    "--replace", is_flag=True, help="Also where a ledger is that knows videos, or is damaged; it is kept."
)
@click.option("--jobs", type=click.IntRange(1, 64), metavar="N", help="Files read at once; else one a processor.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line on stdout, the summary last.")
@click.option("-n", "--dry-run", is_flag=True, help="Only look which files say what they are of; read none.")
@click.pass_obj
def rebuild(session: Session, replace: bool, jobs: int | None, as_json: bool, dry_run: bool) -> int:
    """Make the ledger anew from the archive's files, where it was lost.

    Each file is read through. With a sidecar it becomes a done video with all that the sidecar says, if its sha256
    agrees; without one where it is called VID.ext, with evidence 'none'. What else lies there is told and left
    alone, as is a file that is not what its sidecar says. Videos of which a part is here are wanted again.

    A ledger that is there is kept under another name. One that knows videos or tasks, or is damaged, has to be
    moved away before, or --replace does it. Killed at any time it leaves all as it was; called again it goes on.
    Exit code 9 where a file is damaged or gone, 4 where two files claim one video and nothing tells which.
    """
    from fetcher.cli.output import Output

    home, output = session.home(), Output()
    way = _Way(
        home=home,
        ledger=session.settings(home).ledger_path(home).resolve(),
        may_replace=replace,
        tell=_teller(output, as_json=as_json),
    )
    _require_free(way)
    if dry_run:
        return _foretold(way, output, as_json=as_json)
    rebuilt, kept = _made(session, way, jobs=jobs)
    if as_json:
        output.json(_summary(rebuilt, kept))
    _say_how(session, rebuilt, kept)
    return int(rebuilt.code) or output.code()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Way:
    """What a rebuild is made of, and where it goes."""

    home: Home
    ledger: Path
    may_replace: bool
    """Whether a ledger that somebody may need is put aside."""
    tell: Callable[[Finding], None]

    def begun(self, findings: Findings) -> Rebuild:
        """Return a rebuild that has looked which files there are, and read none."""
        from fetcher.sync.rebuilding import Rebuild

        rebuilt = Rebuild(self.home, findings, tell=self.tell, clock=lambda: int(time.time() * 1000))
        rebuilt.look()
        return rebuilt


def _made(session: Session, way: _Way, *, jobs: int | None) -> tuple[Rebuild, Path | None]:
    """Read all files and put a new ledger in its place; return how it went, and where the old one is kept."""
    import os

    from fetcher.archive.space import disk_errors
    from fetcher.ledger.failures import translated
    from fetcher.ledger.findings import Findings
    from fetcher.ledger.replacing import new_ledger, no_draft_left, put_in_place
    from fetcher.sync.holding import hold_archive

    notes = way.home.dot / "rebuild.db"
    with (
        disk_errors(f"rebuilding the ledger of {way.home.root}"),
        hold_archive(way.home, way.ledger),
        translated(notes),
        Findings(notes) as findings,
    ):
        rebuilt = way.begun(findings)
        _, size = findings.count_unread()
        with _bar(session, size) as progress:
            rebuilt.read(jobs or min(os.cpu_count() or 1, _MOST_JOBS), progress)
        rebuilt.judge()
        on_network = session.settings(way.home).ledger_on_network
        with no_draft_left(way.ledger):
            with new_ledger(way.ledger, on_network=on_network) as database:
                rebuilt.fill(database)
            kept = put_in_place(way.ledger, require_free=lambda: _require_free(way))
    findings.remove()
    return rebuilt, kept


def _require_free(way: _Way) -> None:
    """See that no ledger is in the way that somebody may need.

    Raises:
        UsageError: One is.
    """
    from fetcher.domain.errors import UsageError
    from fetcher.ledger.replacing import Standing, standing

    found = standing(way.ledger)
    if way.may_replace or found in (Standing.NOTHING, Standing.EMPTY):
        return
    what = (
        "a ledger that knows videos or tasks"
        if found is Standing.ROWS
        else "a damaged ledger, or what is left of one,"
    )
    raise UsageError(
        f"{what} is at {way.ledger}. Nothing was changed; move it away with its -wal file, or use --replace, "
        "which keeps it under another name."
    )


def _teller(output: Output, *, as_json: bool) -> Callable[[Finding], None]:
    from fetcher.domain.identifiers import printable

    def tell(finding: Finding) -> None:
        row = {"type": "finding", "kind": finding.kind.value, "vid": finding.vid, "path": finding.path}
        if as_json:
            output.json({**row, "path": _text(finding.path), "detail": finding.detail})
        else:
            where = " ".join(printable(one) for one in (finding.vid, finding.path) if one is not None)
            output.line(f"{finding.kind.value:10}  {where}: {printable(finding.detail, limit=400)}")

    return tell


def _text(path: str) -> str:
    """Return a path as text that JSON takes, whatever bytes it has."""
    return path.encode("utf-8", "backslashreplace").decode()


def _bar(session: Session, size: int) -> Any:
    """Return what shows the bytes that were read: nothing with -q, and nothing where no terminal is."""
    import contextlib

    if not session.is_shown_progress:
        return contextlib.nullcontext(lambda _: None)
    return _shown(size)


def _shown(size: int) -> Any:
    import contextlib

    from tqdm import tqdm

    @contextlib.contextmanager
    def showing() -> Iterator[Callable[[int], None]]:
        with tqdm(desc="read", total=size, unit="B", unit_scale=True, unit_divisor=1024, leave=False) as bar:

            def progress(read: int) -> None:
                bar.update(read - bar.n)

            yield progress

    return showing()


def _foretold(way: _Way, output: Output, *, as_json: bool) -> int:
    """Say which files would be read, return the exit code."""
    from fetcher.ledger.findings import Findings
    from fetcher.report.text import counted

    with Findings(None) as findings:
        rebuilt = way.begun(findings)
        number, size = findings.count_unread()
    if as_json:
        told = {kind.value: count for kind, count in rebuilt.counts.items()}
        return output.json(
            {
                "type": "summary",
                "exit_code": 0,
                "with_sidecar": rebuilt.with_sidecar,
                "by_name": rebuilt.by_name,
                "bytes": size,
                "findings": told,
            }
        )
    how = f"{rebuilt.with_sidecar} tell by a sidecar what they are of, {rebuilt.by_name} by their names"
    return output.lines([f"would read {counted(number, 'file')} ({size} bytes): {how}"])


def _summary(rebuilt: Rebuild, kept: Path | None) -> dict[str, Any]:
    return {
        "type": "summary",
        "exit_code": int(rebuilt.code),
        "done": rebuilt.done,
        "bytes": rebuilt.bytes,
        "wanted": rebuilt.wanted,
        "with_sidecar": rebuilt.with_sidecar,
        "by_name": rebuilt.by_name,
        "findings": {kind.value: count for kind, count in rebuilt.counts.items()},
        "replaced": None if kept is None else str(kept),
    }


def _say_how(session: Session, rebuilt: Rebuild, kept: Path | None) -> None:
    from fetcher.cli.logs import complain, say

    if rebuilt.code:
        complain("some files did not become done videos; each is named above. Look at them, then 'fetcher sync'")
    if session.is_told_of_success:
        old = f"; the old ledger is {kept}" if kept is not None else ""
        known = f"{rebuilt.done} done videos, {rebuilt.wanted} wanted ones of which a part is here"
        say(f"a new ledger knows {known}{old}")
        say("next: 'fetcher submit --library', 'fetcher sync'")
