"""``fetcher export``."""

from __future__ import annotations

import itertools
import re
from typing import TYPE_CHECKING, Final

import click

from fetcher.domain.status import Status

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from fetcher.archive.bags import Payload
    from fetcher.archive.home import Home
    from fetcher.cli.context import Session
    from fetcher.ledger.engine import Database
    from fetcher.ledger.finished import Finished
    from fetcher.ledger.views import Selection

_STDOUT: Final = "-"
_AT_ONCE: Final = 500
"""Lines that are written with one call."""
_OPENINGS: Final = {
    "sha256sum": re.compile(rb"\\?[0-9a-f]{64}  ."),
    "md5sum": re.compile(rb"\\?[0-9a-f]{32}  ."),
    "csv": re.compile(rb"vid,"),
    "jsonl": re.compile(rb'\{"vid":'),
}
"""How an earlier export begins, which may be replaced."""


@click.command("export")
@click.option(
    "--format", "form", type=click.Choice([*_OPENINGS, "bagit"]), required=True, help="What to make of the archive."
)
@click.option("-o", "--output", metavar="PATH", help="Where to; stdout where none is named.")
@click.option(
    "--status",
    "statuses",
    multiple=True,
    type=click.Choice([one.value for one in Status]),
    help="Only these (csv, jsonl).",
)
@click.option("-n", "--dry-run", is_flag=True, help="Only say what would be written.")
@click.pass_obj
def command(session: Session, form: str, output: str | None, statuses: tuple[str, ...], dry_run: bool) -> int:
    """Hand on what is archived: lists of digests, a table, or a bag.

    sha256sum and md5sum list the done files for 'sha256sum -c' and 'md5sum -c', run in the archive. csv and jsonl
    are the rows of 'list', all statuses. bagit makes PATH a bag (RFC 8493) whose files are hard links to those of
    the archive; it has to be on the archive's file system. Digests are the ledger's, no file is read. A file PATH
    is replaced only where it is an earlier export of the same format, a bag never.
    """
    from fetcher.domain.errors import UsageError
    from fetcher.ledger.views import Selection

    if statuses and form not in ("csv", "jsonl"):
        raise UsageError(f"--status goes with csv and jsonl; {form} is of done videos")
    if form == "bagit" and output in (None, _STDOUT):
        raise UsageError("a bag is a directory: name it with -o DIR")
    home = session.home()
    to = _place(home, output)
    chosen = Selection(statuses=[Status(one) for one in statuses] if form in ("csv", "jsonl") else [Status.DONE])
    database = session.ledger(home)
    try:
        if dry_run:
            return _said_only(database, chosen, form, to)
        if form == "bagit" and to is not None:
            return _bag(database, home, to)
        return _written(_lines(database, chosen, form), form, to)
    finally:
        database.close()


def _place(home: Home, output: str | None) -> Path | None:
    """Return where to write, None for stdout.

    Raises:
        UsageError: It is among fetcher's own, or its directory is not there.
    """
    if output is None or output == _STDOUT:
        return None
    from pathlib import Path

    from fetcher.domain.errors import UsageError

    try:
        above = Path(output).parent.resolve(strict=True)
        own = home.dot.resolve()
    except (OSError, RuntimeError) as exc:
        raise UsageError(f"{output} cannot be written: its directory is not there. Make it first.") from exc
    to = above / Path(output).name
    if to.name in ("", "..") or own in (to, *to.parents):
        raise UsageError(f"{output} is no place for an export: .fetcher/ is for fetcher itself.")
    return to


def _said_only(database: Database, chosen: Selection, form: str, to: Path | None) -> int:
    from fetcher.cli.output import Output
    from fetcher.ledger.finished import count
    from fetcher.report.text import counted

    with database.reading() as connection:
        number = count(connection, chosen)
    return Output().lines([f"would write {form} of {counted(number, 'video')} to {to or 'stdout'}"])


def _lines(database: Database, chosen: Selection, form: str) -> Iterator[str]:
    from fetcher.ledger.finished import finished, rows
    from fetcher.report.formats import formatted
    from fetcher.report.rows import video_row

    match form:
        case "sha256sum":
            return _sums(finished(database), lambda file: file.sha256)
        case "md5sum":
            return _sums(finished(database), lambda file: file.md5)
        case _:
            return formatted((video_row(row) for row in rows(database, chosen)), form)


def _sums(files: Iterable[Finished], digest_of: Callable[[Finished], str | None]) -> Iterator[str]:
    from fetcher.archive.sums import sum_line

    lacking = 0
    for file in files:
        digest = digest_of(file)
        if digest is None:
            lacking += 1
        else:
            yield sum_line(digest, file.path)
    if lacking:
        from fetcher.report.text import counted

        left_out = counted(lacking, "done video", "have")
        _warn("%s no MD5: left out; --format sha256sum has all", left_out)


def _written(lines: Iterator[str], form: str, to: Path | None) -> int:
    """Write lines, some hundred at a time, return the exit code."""
    joined = ("\n".join(some) for some in iter(lambda: list(itertools.islice(lines, _AT_ONCE)), []))
    if to is None:
        from fetcher.cli.output import Output

        return Output().lines(joined)
    from fetcher.archive.drafts import whole_file

    with whole_file(to, may_replace=lambda opening: not opening or bool(_OPENINGS[form].match(opening))) as file:
        for text in joined:
            file.write(text.encode("utf-8", "backslashreplace") + b"\n")
    return 0


def _bag(database: Database, home: Home, to: Path) -> int:
    import datetime as dt
    import importlib.metadata

    from fetcher.archive.bags import make_bag
    from fetcher.cli.logs import complain
    from fetcher.domain.exit_code import ExitCode
    from fetcher.domain.identifiers import printable
    from fetcher.report.text import counted

    about = {
        "Bag-Software-Agent": f"fetcher {importlib.metadata.version('fetcher')}",
        "Bagging-Date": dt.datetime.now(dt.UTC).date().isoformat(),
        "External-Description": "Source files of a Polyv video library; videos.jsonl says what is known of each",
    }

    def tell(path: str, why: str) -> None:
        complain(f"{printable(path)}: {why}; left out")

    made = make_bag(home.root, to, _payload(database), about=about, tell=tell)
    if made.with_percent:
        names = counted(made.with_percent, "name")
        _warn("%s with a %%, in manifests %%25 (RFC 8493); bagit for Python does not read that", names)
    if made.left_out:
        gone = f"{counted(made.left_out, 'done file', 'are')} not as the ledger says"
        complain(
            f"{gone}. 'fetcher verify' tells what was only moved; 'fetcher sync' fetches again what is gone "
            "or was cut"
        )
    return ExitCode.DAMAGE if made.left_out else ExitCode.OK


def _payload(database: Database) -> Iterator[Payload]:
    import msgspec

    from fetcher.archive.bags import Payload
    from fetcher.ledger.finished import rows
    from fetcher.ledger.views import Selection
    from fetcher.report.rows import video_row

    for row in rows(database, Selection(statuses=[Status.DONE])):
        yield Payload(
            path=row["path"],
            size=row["size"],
            sha256=row["sha256"],
            md5=row["md5"],
            row=msgspec.json.encode(video_row(row)),
        )


def _warn(text: str, *values: object) -> None:
    import logging  # Help needs none.

    logging.getLogger(__name__).warning(text, *values)
