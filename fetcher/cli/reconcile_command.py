"""``fetcher reconcile``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import click

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fetcher.cli.context import Session
    from fetcher.sync.reconciling import Compared, Reconciling

_SHOWN: Final = 3
"""Videos that are named of each kind."""


@click.command("reconcile", short_help="Hold Polyv's list against the archive.")
@click.option("--category", "categories", multiple=True, metavar="ID", help="Only what lies in it, or below it.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line on stdout, the summary last.")
@click.pass_obj
def command(session: Session, categories: tuple[str, ...], as_json: bool) -> int:
    """Hold Polyv's list against the archive: archived, pending, never asked for, gone, replaced.

    Nothing is changed, and a run may be under way. Exit code 0 where all that is published is archived as it is at
    Polyv; 4 where somebody has to see to it (never asked for, failed, gone at Polyv, replaced there), 3 where a
    later run may still fetch some, or Polyv's list was not whole. What is gone cannot be told of a --category.
    """
    import asyncio

    from fetcher.cli.access import polyv_access

    home = session.home()
    settings = session.settings(home)
    credentials = polyv_access(session, settings)

    from fetcher.sync.reconciling import Reconciling
    from fetcher.sync.wanting import ledger_and_polyv

    async def run() -> int:
        path = settings.ledger_path(home)
        async with ledger_and_polyv(settings, credentials, path) as (ledger, polyv):
            return await _shown(Reconciling(ledger, polyv, categories), as_json=as_json)

    return asyncio.run(run())


async def _shown(reconciling: Reconciling, *, as_json: bool) -> int:
    """Show what is found, return the exit code."""
    import contextlib

    from fetcher.cli.logs import complain
    from fetcher.cli.output import Output

    output = Output()
    first: dict[str, list[Compared]] = {}
    async with contextlib.aclosing(reconciling.compared()) as compared:
        async for one in compared:
            if as_json:
                output.json(_row(one))
                if output.is_broken:
                    break
            elif len(first.setdefault(one.standing, [])) < _SHOWN:
                first[one.standing].append(one)
    if as_json:
        output.json(_summary(reconciling))
    else:
        output.lines(_table(reconciling, first))
    if not reconciling.is_whole:
        complain("Polyv counts more videos than it listed; run again")
    return int(reconciling.code) or output.code()


def _row(one: Compared) -> dict[str, Any]:
    from fetcher.report.rows import instant

    listed, kept = one.listed, one.kept
    return {
        "type": "video",
        "standing": one.standing.value,
        "vid": listed.vid if listed is not None else kept.vid if kept is not None else None,
        "title": (listed and listed.title) or (kept and kept.title),
        "category": (listed and listed.category) or (kept and kept.category),
        "created_at": instant(listed.created_at) if listed is not None else None,
        "listed_status": listed and listed.status,
        "listed_size": listed and listed.size,
        "status": kept and kept.status,
        "reason": kept and kept.reason,
        "path": kept and kept.path,
        "size": kept and kept.size,
        "listed_size_then": kept and kept.size_listed_then,
    }


def _summary(reconciling: Reconciling) -> dict[str, Any]:
    from fetcher.domain.comparison import Standing

    return {
        "type": "summary",
        "exit_code": int(reconciling.code),
        "listed": reconciling.listed,
        "is_whole": reconciling.is_whole,
        "counts": {standing.value: reconciling.counts[standing] for standing in Standing},
    }


def _table(reconciling: Reconciling, first: dict[str, list[Compared]]) -> Iterator[str]:
    """Yield a line for each kind: how many there are, and some of them."""
    from fetcher.domain.comparison import Standing

    for standing in Standing:
        count = reconciling.counts[standing]
        named = [] if standing is Standing.ARCHIVED else first.get(standing, [])
        more = f"; … {count - len(named)} more" if named and count > len(named) else ""
        yield f"{standing.value.replace('_', ' '):12}{count:9}  {'; '.join(map(_name, named))}{more}".rstrip()


def _name(one: Compared) -> str:
    from fetcher.domain.comparison import Standing
    from fetcher.domain.identifiers import printable

    row = _row(one)
    title = f" {printable(row['title'], limit=40)}" if row["title"] else ""
    sizes = ""
    if one.standing in {Standing.REPLACED, Standing.MISSTATED}:
        then = ", as when it was archived" if one.standing is Standing.MISSTATED else ""
        sizes = f" ({row['size']} bytes here, {row['listed_size']} there{then})"
    return f"{row['vid']}{title}{sizes}"
