"""``fetcher prune``."""

from __future__ import annotations

import contextlib
import os
import time
from typing import TYPE_CHECKING, Any, Final

import click

from fetcher.cli.quantities import duration

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from fetcher.archive.home import Home
    from fetcher.archive.leftovers import Leftover
    from fetcher.cli.context import Session
    from fetcher.cli.output import Output
    from fetcher.upkeep.pruning import Limits, Pruning

_ALWAYS: Final = "365d"
_SHOWN: Final = 5
"""Vids that are named."""


@click.command("prune", short_help="Remove what nobody needs: old parts, drafts, history.")
@click.option(
    "--keep-history",
    metavar="TIME",
    callback=duration,
    default=_ALWAYS,
    show_default=True,
    help="How much history of done videos is kept.",
)
@click.option("--quarantine", is_flag=True, help="Remove files from quarantine, too; say --older-than.")
@click.option(
    "--older-than", metavar="TIME", callback=duration, help="Only what is in quarantine for so long: 30d."
)
@click.option("--vacuum", is_flag=True, help="Give the room of removed rows back to the disk.")
@click.option("-n", "--dry-run", is_flag=True, help="Only say what would be removed.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line on stdout, the summary last.")
@click.pass_obj
def command(  # noqa: PLR0917 - click passes by name
    session: Session,
    keep_history: float,
    quarantine: bool,
    older_than: float | None,
    vacuum: bool,
    dry_run: bool,
    as_json: bool,
) -> int:
    """Remove what nobody needs: parts of done videos, drafts, old history of done videos, old runs.

    Never a finished file, and never a part that a later try goes on with. Of the history of a done video the last
    of each kind of event stays, of the runs those that plans are made of. Quarantine is left alone unless you say
    --quarantine --older-than 30d.
    """
    from fetcher.cli.output import Output
    from fetcher.domain.errors import UsageError
    from fetcher.sync.holding import hold_archive
    from fetcher.upkeep.pruning import Limits

    if quarantine != (older_than is not None):
        raise UsageError("--quarantine and --older-than TIME belong together: say both, or neither")
    now = int(time.time() * 1000)
    limits = Limits(
        history_before=now - int(keep_history * 1000),
        quarantine_before=None if older_than is None else now - int(older_than * 1000),
    )
    home, output = session.home(), Output()
    ledger = session.settings(home).ledger_path(home)
    with contextlib.nullcontext() if dry_run else hold_archive(home, ledger):
        pruning = _pruned(session, home, limits, output, is_dry=dry_run, as_json=as_json)
        shrunk = _vacuumed(session, home) if vacuum and not dry_run else 0
    _tell_unknown(pruning)
    if as_json:
        output.json(_summary(pruning, shrunk, is_dry=dry_run))
    elif dry_run:
        output.line(f"would remove {_line(pruning)}")
    elif session.is_told_of_success:
        from fetcher.cli.logs import say

        say(f"removed {_line(pruning)}" + (f"; the ledger is {shrunk} bytes smaller" if vacuum else ""))
    return output.code()


def _pruned(
    session: Session, home: Home, limits: Limits, output: Output, *, is_dry: bool, as_json: bool
) -> Pruning:
    """Remove what nobody needs, and tell each file where that is wanted."""
    from fetcher.archive.space import disk_errors
    from fetcher.cli.access import ledger_access
    from fetcher.upkeep.pruning import Pruning

    with ledger_access(session, home, is_dry=is_dry) as (reading, writing):
        pruning = Pruning(home, reading, writing, limits)
        with disk_errors(f"pruning {home.root}"):
            for leftover in pruning.files():
                if as_json:
                    output.json(_row(leftover))
                elif is_dry:
                    output.line(f"would remove {leftover.path} ({leftover.frees} bytes)")
        pruning.rows()
    return pruning


def _tell_unknown(pruning: Pruning) -> None:
    """Say of which videos parts were left alone, whoever asked."""
    from fetcher.cli.logs import complain
    from fetcher.domain.identifiers import printable
    from fetcher.report.text import counted

    if vids := sorted(pruning.freed.unknown):
        shown = ", ".join(printable(vid, limit=60) for vid in vids[:_SHOWN]) + (", …" if len(vids) > _SHOWN else "")
        complain(
            f"left alone: what is here of {counted(len(vids), 'video')} that this ledger does not know ({shown}). "
            "Once they are submitted or added again, sync goes on with it; else remove it from .fetcher/parts"
        )


def _vacuumed(session: Session, home: Home) -> int:
    """Shrink the ledger, return by how many bytes."""
    with contextlib.closing(session.ledger(home)) as database:
        before = sum(_sizes(database.path))
        database.vacuum()
        return before - sum(_sizes(database.path))


def _sizes(ledger: Path) -> Iterator[int]:
    for end in ("", "-wal"):
        with contextlib.suppress(FileNotFoundError):
            yield os.stat(f"{ledger}{end}").st_size


def _row(leftover: Leftover) -> dict[str, Any]:
    return {"type": "file", "kind": leftover.kind.value, "path": leftover.path, "bytes": leftover.frees}


def _summary(pruning: Pruning, shrunk: int, *, is_dry: bool) -> dict[str, Any]:
    from fetcher.archive.leftovers import LeftKind

    freed = pruning.freed
    return {
        "type": "summary",
        "exit_code": 0,
        "is_dry": is_dry,
        "files": {kind.value: freed.files[kind] for kind in LeftKind},
        "bytes": freed.bytes,
        "events": freed.events,
        "runs": freed.runs,
        "ledger_bytes": shrunk,
        "unknown": sorted(pruning.freed.unknown),
    }


def _line(pruning: Pruning) -> str:
    from fetcher.archive.leftovers import LeftKind
    from fetcher.report.text import counted, size_text

    freed = pruning.freed
    names = {LeftKind.QUARANTINE: "in quarantine"}
    files = ", ".join(f"{count} {names.get(kind, kind.value)}" for kind, count in sorted(freed.files.items()))
    rows = f"{counted(freed.events, 'event')}, {counted(freed.runs, 'run')}"
    return f"{files or 'no file'} ({size_text(freed.bytes)}), {rows}"
