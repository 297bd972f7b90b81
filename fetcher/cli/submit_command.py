"""``fetcher submit VID… | - | --library | --category ID``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fetcher.cli.context import Session
    from fetcher.domain.exit_code import ExitCode
    from fetcher.sync.wanting import Harvest, Wish


def _instant(ctx: click.Context, param: click.Parameter, value: str | None) -> int | None:
    """Read a day, or a day and a time, as Polyv's console shows them: China's."""
    from fetcher.domain.china_time import china_ms

    at = None if value is None else china_ms(value)
    if value is not None and at is None:
        raise click.BadParameter(f"{value!r} is no date; write 2024-01-31 or '2024-01-31 18:00'", ctx, param)
    return at


@click.command("submit", short_help="Want videos; 'fetcher sync' asks Polyv for them.")
@click.argument("vids", nargs=-1, metavar="[VID...] | -")
@click.option("--library", is_flag=True, help="All published videos.")
@click.option("--category", "categories", multiple=True, metavar="ID", help="Those in a category, or below it.")
@click.option("--since", metavar="DATE", callback=_instant, help="Only what was created since; China's time.")
@click.option("--limit", type=click.IntRange(min=1), help="So many videos at the most, the oldest first.")
@click.option("--expire-days", type=click.IntRange(1, 7), help="Days that the thawed files stay readable.")
@click.option("--failed", "failed_too", is_flag=True, help="Failed ones too, where a new task may help.")
@click.option("-n", "--dry-run", is_flag=True, help="Only say what would be wanted.")
@click.pass_obj
def command(  # noqa: PLR0917 - click passes by name
    session: Session,
    vids: tuple[str, ...],
    library: bool,
    categories: tuple[str, ...],
    since: int | None,
    limit: int | None,
    expire_days: int | None,
    failed_too: bool,
    dry_run: bool,
) -> int:
    """Want videos; 'fetcher sync' asks Polyv for them, up to 100 in a task, and downloads them.

    Idempotent: what is wanted, under way or done is not asked for twice. Videos that are named ('-' reads them from
    stdin, one a line, '#' begins a comment) are wanted again where they failed, whatever the reason. Those of
    --library or --category that failed stay so, but with --failed, where Polyv gave no file: vendor_failed,
    window_closed, never_prepared; for other reasons there is 'fetcher retry'.

    What is not published yet is left out; a later submit takes it. A done video whose source has another size at
    Polyv by now is told once and kept as it is: 'fetcher reconcile' names all of them.

    Exit code 4 where Polyv does not know a video that is named: it is wanted all the same, and what Polyv answers
    when 'fetcher sync' asks for it decides. 3 where one is not published, or Polyv did not list all.
    """
    from fetcher.domain.errors import UsageError
    from fetcher.sync.wanting import Wish

    if library and categories:
        raise UsageError("a category is a part of the library: say --library or --category ID, not both")
    named = _named(vids, is_other=library or bool(categories), is_listed_only=since is not None or failed_too)
    wish = Wish(
        vids=named,
        categories=categories,
        since=since,
        limit=limit,
        expire_days=expire_days,
        failed_too=failed_too,
        is_dry=dry_run,
    )
    return _submitted(session, wish)


def _named(vids: tuple[str, ...], *, is_other: bool, is_listed_only: bool) -> list[str]:
    """Return the videos that are named, checked; none where it is the library or a part of it.

    Raises:
        UsageError: Both or neither are given, or an id is malformed; nothing is recorded then.
    """
    from fetcher.cli.lists import read_ids
    from fetcher.domain.errors import UsageError
    from fetcher.domain.identifiers import is_vid, printable

    if bool(vids) == is_other:
        raise UsageError("name the videos, or say --library or --category ID; one of the three")
    if vids and is_listed_only:
        raise UsageError(
            "--since and --failed are for --library and --category; videos that are named need neither"
        )
    named = list(dict.fromkeys(read_ids("video ids") if vids == ("-",) else vids))
    if strange := [printable(one, limit=60) for one in named if not is_vid(one)]:
        shown = ", ".join(repr(one) for one in strange[:5]) + (", …" if len(strange) > 5 else "")  # noqa: PLR2004
        raise UsageError(
            f"no video id: {shown}. A video id is 32 letters or digits, '_', and one more. Nothing was recorded."
        )
    if vids and not named:
        raise UsageError("stdin names no video")
    return named


def _submitted(session: Session, wish: Wish) -> int:
    from fetcher.cli.access import polyv_access

    home = session.home()
    settings = session.settings(home)
    credentials = polyv_access(session, settings)

    from fetcher.sync.wanting import Wanting, ledger_and_polyv

    async def run() -> Harvest:
        path = settings.ledger_path(home)
        async with ledger_and_polyv(settings, credentials, path) as (ledger, polyv):
            return await Wanting(ledger, polyv, wish).run()

    return _told(session, session.signals.run(run), wish)


def _told(session: Session, harvest: Harvest, wish: Wish) -> int:
    """Say what came of it, return the exit code."""
    from fetcher.cli.logs import complain, say
    from fetcher.cli.output import Output

    for line in _complaints(harvest, is_named=bool(wish.vids)):
        complain(line)
    code = _code(harvest, is_named=bool(wish.vids))
    if wish.is_dry:
        return Output().lines([_line(harvest, "would be wanted")]) or int(code)
    if session.is_told_of_success:
        say(f"{_line(harvest, 'wanted now')}; next: fetcher sync")
    return int(code)


def _code(harvest: Harvest, *, is_named: bool) -> ExitCode:
    from fetcher.domain.errors import CredentialsRefusedError
    from fetcher.domain.exit_code import ExitCode, code_of, gravest

    if isinstance(harvest.error, CredentialsRefusedError):
        return code_of(harvest.error)
    is_left = bool(harvest.missing) or (is_named and bool(harvest.unpublished))
    codes = [(ExitCode.PERSON, bool(harvest.unknown)), (ExitCode.LATER, is_left)]
    return gravest(code for code, is_so in codes if is_so)


def _complaints(harvest: Harvest, *, is_named: bool) -> Iterator[str]:
    """Yield what somebody has to know, whoever asked.

    Args:
        harvest: What came of it.
        is_named: Whether the videos were named one by one.
    """
    from fetcher.ledger.caution import MOST_LOST_IN_BULK
    from fetcher.report.text import counted

    if is_named and harvest.unpublished:
        count = harvest.unpublished.total()
        yield f"left out until they are published: {count} of the videos; submit them again then"
    if harvest.error is not None:
        yield f"Polyv told nothing of some videos ({harvest.error}); they are wanted all the same"
    if harvest.unknown:
        more = ", …" if len(harvest.unknown) > 5 else ""  # noqa: PLR2004
        yield (
            f"Polyv does not know, or not as this account's: {', '.join(harvest.unknown[:5])}{more}; "
            "'fetcher sync' asks for them all the same, and Polyv decides"
        )
    for one in harvest.replaced:
        yield (
            f"{one.vid}: replaced at Polyv, {one.listed_size} bytes now; the file of {one.size} bytes is kept "
            "as it is. This is told once; 'fetcher reconcile' names all"
        )
    if harvest.replaced_count > len(harvest.replaced):
        yield f"and {harvest.replaced_count - len(harvest.replaced)} more were replaced at Polyv"
    if harvest.spared:
        yield (
            f"not wanted again, for {MOST_LOST_IN_BULK} tasks for each were lost, and may have been paid for: "
            f"{harvest.spared_count} ({', '.join(harvest.spared[:5])}{', …' if harvest.spared_count > 5 else ''}); "  # noqa: PLR2004
            "name them, or 'fetcher retry --failed --force'"
        )
    if harvest.odd:
        yield f"{counted(harvest.odd, 'row')} of Polyv's list cannot be read, and left out"
    if harvest.missing:
        yield f"Polyv counts {harvest.missing} or more videos that it did not list; run again"


def _line(harvest: Harvest, verb: str) -> str:
    """Return the summary."""
    from fetcher.report.text import counted

    parts: dict[str, Any] = {
        "failed before": harvest.again,
        "under way": harvest.open,
        "done": harvest.done,
        "failed": harvest.failed,
        "over the limit": harvest.left_out,
        "not published": harvest.unpublished.total(),
    }
    told = ", ".join(f"{count} {name}" for name, count in parts.items() if count)
    statuses = ", ".join(f"status {status}: {count}" for status, count in sorted(harvest.unpublished.items()))
    return (
        f"{harvest.chosen} of {counted(harvest.listed, 'video')} {verb}"
        + (f" ({told})" if told else "")
        + (f"; left out until published: {statuses}" if statuses else "")
    )
