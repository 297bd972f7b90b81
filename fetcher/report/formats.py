"""Rows of videos as lines of text: for programs, for spreadsheets, for people."""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import msgspec

from fetcher.report.rows import COLUMNS
from fetcher.report.text import table_lines

_FORMULA: Final = (*"=+-@\t\r\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""How a cell begins that a spreadsheet would take for something to work out, or to call; the last four are the
full-width forms, which Chinese keyboards have."""
_END: Final = "\r\n"
"""Of a line, for the writer alone: it quotes a cell that has one of these."""


def formatted(rows: Iterable[Mapping[str, Any]], form: str) -> Iterator[str]:
    """Yield *rows* (see ``video_row``) as lines without their ends.

    Args:
        rows: What to show.
        form: ``jsonl``, ``csv`` or ``table``.
    """
    match form:
        case "jsonl":
            yield from (msgspec.json.encode(row).decode() for row in rows)
        case "csv":
            yield from _csv_lines(rows)
        case _:
            yield from table_lines(rows)


def _csv_lines(rows: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    line = io.StringIO()
    writer = csv.writer(line, lineterminator=_END)
    yield ",".join(COLUMNS)
    for row in rows:
        line.seek(0)
        line.truncate()
        writer.writerow([_cell(row[name]) for name in COLUMNS])
        yield line.getvalue().removesuffix(_END)


def _cell(value: Any) -> Any:
    """Return a value as a cell that no spreadsheet runs: titles are whatever somebody typed at Polyv.

    Source: OWASP, "CSV Injection": an apostrophe before what begins like a formula. jsonl has texts as they are.
    """
    if isinstance(value, list):
        return " ".join(value)
    if isinstance(value, str) and value.startswith(_FORMULA):
        return f"'{value}"
    return value
