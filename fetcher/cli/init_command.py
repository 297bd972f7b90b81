"""``fetcher init DIR``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from fetcher.archive.home import Home
    from fetcher.cli.context import Session


@click.command("init", short_help="Make an archive: an annotated config and an empty ledger.")
@click.argument("directory", metavar="DIR", type=click.Path(file_okay=False))
@click.option("-n", "--dry-run", is_flag=True, help="Only say what would be made.")
@click.pass_obj
def command(session: Session, directory: str, dry_run: bool) -> int:
    """Make an archive: DIR/.fetcher/ with an annotated config and an empty ledger."""
    from pathlib import Path

    from fetcher.archive.home import create_home
    from fetcher.cli.logs import say
    from fetcher.cli.output import Output
    from fetcher.ledger.upgrade import create_ledger
    from fetcher.settings import annotated_config

    place = Path(directory)
    if dry_run:
        made = "config.toml, ledger.db, parts/ and quarantine/"
        return Output().lines([f"would make {place}/.fetcher/ with {made}"])

    def make_ledger(home: Home) -> None:
        """Make the ledger where the settings want it; one that a broken-off init has made is taken."""
        path = session.settings(home).ledger_path(home)
        if not path.exists():
            create_ledger(path)

    home = create_home(place, config=annotated_config(), prepare=make_ledger)
    if session.is_told_of_success:
        say(f"made an archive in {home.root}")
        say(
            "next: set POLYV_APP_ID and POLYV_APP_SECRET_FILE, then 'fetcher submit --library' "
            "(or 'fetcher add TASK_ID'), then 'fetcher sync'"
        )
    return 0
