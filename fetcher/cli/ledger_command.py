"""``fetcher ledger check``, ``backup PATH`` and ``upgrade``; ``rebuild`` has its own file."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import click

from fetcher.cli.rebuild import rebuild

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Connection

    from fetcher.cli.context import Session
    from fetcher.report.checkup import Checkup, Finding


@click.group("ledger", short_help="Look after the ledger: check, copy, upgrade or rebuild it.")
def command() -> None:
    """Look after the ledger itself: see whether it is right, copy it, upgrade it, make it anew."""


command.add_command(rebuild)


@command.command("check", short_help="Find what is wrong in the ledger, or with the files.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line on stdout, the summary last.")
@click.pass_obj
def check(session: Session, as_json: bool) -> int:
    """Find what is wrong inside of the ledger, and between its rows and the archive's files.

    Files are looked at, not read. Nothing is changed, and a run may be under way. Exit code 10 where the ledger is
    damaged, 9 where done files are not as it says; the rest the next run puts in order by itself.
    """
    from fetcher.archive.space import disk_errors
    from fetcher.cli.output import Output
    from fetcher.domain.errors import LedgerDamagedError
    from fetcher.ledger.damage import cut
    from fetcher.ledger.looking import looking_at
    from fetcher.report.checkup import Checkup, finding_line, finding_row

    home, output = session.home(), Output()
    path = session.settings(home).ledger_path(home)
    try:
        with looking_at(path) as connection, disk_errors(f"looking at {home.root}"):
            checkup = Checkup(connection, home, now=int(time.time() * 1000))
            for finding in _findings(connection, path, checkup):
                if as_json:
                    output.json(finding_row(finding))
                else:
                    output.line(finding_line(finding))
    except LedgerDamagedError as exc:
        raise LedgerDamagedError(" ".join([str(exc), *filter(None, [cut(path)]), *_copies(path)])) from exc
    if as_json:
        output.json(_summary(checkup))
    return _told(session, path, checkup) or output.code()


def _findings(connection: Connection, path: Path, checkup: Checkup) -> Iterator[Finding]:
    """Yield what is wrong; of a ledger that does not even tell its schema, what of it is damaged.

    Raises:
        LedgerError: It is of another schema, or has none and nothing else is wrong with it.
    """
    from sqlalchemy.exc import DatabaseError

    from fetcher.domain.errors import LedgerDamagedError
    from fetcher.ledger.damage import require_damage
    from fetcher.ledger.looking import require_known_schema

    try:
        require_known_schema(connection, path)
    except (DatabaseError, LedgerDamagedError) as exc:
        if isinstance(exc, DatabaseError):
            require_damage(exc)
        yield from checkup.damage()
        if not checkup.counts:
            raise
        return
    yield from checkup.findings()


def _copies(path: Path) -> Iterator[str]:
    """Yield which copies of a ledger are beside it."""
    from fetcher.ledger.damage import copies

    if found := copies(path):
        yield f"The newest copy that an upgrade left beside it is {found[0]}."


@command.command("backup")
@click.argument("path", type=click.Path())
@click.option("-n", "--dry-run", is_flag=True, help="Only say what would be copied.")
@click.pass_obj
def backup(session: Session, path: str, dry_run: bool) -> int:
    """Copy the ledger to PATH, while it may be in use.

    The copy is one file (mode 0600) that needs no -wal file, and is seen to be sound. What is there already is
    never overwritten. It holds links, which are secrets until they expire.
    """
    import os
    from pathlib import Path

    from fetcher.cli.output import Output
    from fetcher.ledger.backup import backup as copy_ledger
    from fetcher.ledger.looking import looking_at

    home, to = session.home(), Path(path)
    ledger = session.settings(home).ledger_path(home)
    with looking_at(ledger):  # It is a ledger.
        if dry_run:
            return Output().lines([f"would copy {ledger} ({os.stat(ledger).st_size} bytes) to {to}"])
    copy_ledger(ledger, to, is_checked=True)
    return 0


@command.command("upgrade")
@click.option("-n", "--dry-run", "dry_run", is_flag=True, help="Say what would be done.")
@click.pass_obj
def upgrade(session: Session, dry_run: bool) -> int:
    """Bring an older ledger to this version's schema now.

    Every command that writes to the ledger does so by itself; this is for whoever wants to see to it after an
    update, and to the room that it takes. A copy of the ledger as it was stays beside it.
    """
    from fetcher.cli.logs import say
    from fetcher.cli.output import Output
    from fetcher.ledger.damage import copies
    from fetcher.ledger.looking import looking_at
    from fetcher.ledger.schema import REVISIONS
    from fetcher.ledger.upgrade import version_of

    home = session.home()
    path = session.settings(home).ledger_path(home)
    with looking_at(path) as connection:
        before = version_of(connection, path, REVISIONS)
    if before == REVISIONS[-1]:
        if session.is_told_of_success:
            say(f"the ledger is of schema {before}, which is this version's")
        return 0
    if dry_run:
        return Output().lines([f"would upgrade {path} from schema {before} to {REVISIONS[-1]}, and keep a copy"])
    session.ledger(home).close()
    copy = next(iter(copies(path)), "not there")
    return Output().lines([f"{path} is of schema {REVISIONS[-1]} now; as it was, of {before}, it is {copy}"])


def _summary(checkup: Checkup) -> dict[str, Any]:
    return {
        "type": "summary",
        "exit_code": int(checkup.code),
        "done_files": checkup.done,
        "unknown_files": checkup.unknown_files,
        "findings": {kind.value: count for kind, count in checkup.counts.items()},
    }


def _told(session: Session, path: Path, checkup: Checkup) -> int:
    """Say on stderr what to do next, return the exit code."""
    from fetcher.cli.logs import complain, say
    from fetcher.domain.exit_code import ExitCode
    from fetcher.report.text import counted

    code = checkup.code
    if code is ExitCode.LEDGER:
        told = (
            f"{path} is damaged. Restore a copy of it; where there is none, 'fetcher ledger rebuild --replace' "
            "makes a new one from the files and keeps this one. Finished files are untouched."
        )
        complain(" ".join([told, *_copies(path)]))
    elif code is ExitCode.DAMAGE:
        complain(
            "done files are not as the ledger says. 'fetcher verify' tells what was only moved; 'fetcher sync' "
            "fetches again what is gone or was cut"
        )
    elif session.is_told_of_success:
        found = sum(checkup.counts.values())
        say(
            f"{counted(checkup.done, 'done file', 'are')} as the ledger says; "
            f"{counted(checkup.unknown_files, 'other')} in the archive; "
            f"{found or 'nothing'} left for the next run to put in order"
        )
    return code
