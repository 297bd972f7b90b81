"""``fetcher verify [VID…]``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from fetcher.cli.quantities import duration

if TYPE_CHECKING:
    from fetcher.cli.context import Session


@click.command("verify", short_help="Read finished files again and compare every byte.")
@click.argument("vids", nargs=-1, metavar="[VID...]")
@click.option("--jobs", type=click.IntRange(1, 64), help="Files read at once; 1 for a disk that turns.")
@click.option("--max-duration", metavar="TIME", callback=duration, help="End after this time: 2h.")
@click.option("--quick", is_flag=True, help="Look at sizes alone and read nothing.")
@click.option("--repair", is_flag=True, help="Want what is missing or changed again; keep the changed file.")
@click.option("--accept-moves", is_flag=True, help="Take in where moved files are now.")
@click.option("--force", is_flag=True, help="Repair even where a tenth of all is damaged at once.")
@click.option("-n", "--dry-run", is_flag=True, help="Only say what is found, and what would be done.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line on stdout, the summary last.")
@click.pass_obj
def command(  # noqa: PLR0917 - click passes by name
    session: Session,
    vids: tuple[str, ...],
    jobs: int | None,
    max_duration: float | None,
    quick: bool,
    repair: bool,
    accept_moves: bool,
    force: bool,
    dry_run: bool,
    as_json: bool,
) -> int:
    """Read finished files again, from the disk, and compare every byte with its sha256.

    Least recently verified first, so that --max-duration 2h each night comes round to all of them. Without --repair
    nothing is changed but the moment of the verification, and a 'sync' may run. Exit code 9 where a file is
    missing, changed, moved or unreadable, 8 where the time was over before all was read; files that no video has
    are named with -v and --json, and no fault.
    """
    from fetcher.cli.verification import Flags, verify
    from fetcher.domain.errors import UsageError

    if quick and accept_moves:
        raise UsageError("--quick reads nothing, so it finds no moves; leave one of --quick and --accept-moves out")
    if force and not repair:
        raise UsageError("--force is for --repair")
    flags = Flags(
        vids=vids,
        jobs=jobs,
        max_duration_s=max_duration,
        is_quick=quick,
        repairs=repair,
        accepts_moves=accept_moves,
        is_forced=force,
        is_dry=dry_run,
        as_json=as_json,
        is_told=session.is_told_of_success,
    )
    return verify(session, flags)
