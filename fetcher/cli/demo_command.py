"""``fetcher demo``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from fetcher.cli.context import Session


@click.command("demo", short_help="Do the whole job against a built-in simulator of Polyv.")
@click.option(
    "--dir",
    "directory",
    type=click.Path(file_okay=False),
    default="fetcher-demo",
    show_default=True,
    help="Where to.",
)
@click.option("--videos", type=click.IntRange(3, 10_000), default=12, show_default=True, help="How many.")
@click.pass_obj
def command(session: Session, directory: str, videos: int) -> int:
    """Do the whole job against a built-in simulator of Polyv: no account, no network.

    Three tasks, one video that Polyv fails to prepare, one link that is dead at once, one body that is cut off.
    """
    from pathlib import Path

    from fetcher.cli.show_demo import show_demo

    return show_demo(session, Path(directory), videos)
