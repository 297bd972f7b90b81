"""Rows that go to SQLite, and come from it, as one JSON text."""

from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from ledger_cases import opened
from sqlalchemy import Connection, delete, select

from fetcher.ledger.bulk import as_one, fetch, insert_rows, one_of, packed, update_rows
from fetcher.ledger.schema import videos


class _Row(msgspec.Struct, array_like=True):
    id: int
    vid: str
    title: str | None
    size: int | None


_ROWS = msgspec.json.Decoder(list[_Row])
_SELECT = as_one(select(videos.c.id, videos.c.vid, videos.c.title, videos.c.size).where(videos.c.id.in_(one_of())))
_TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=40)
_INTEGER = st.integers(-(2**63), 2**63 - 1)


def _made(connection: Connection, titles: list[str | None]) -> list[int]:
    connection.execute(delete(videos))
    rows = [
        {"id": number, "vid": f"v{number}", "status": "wanted", "added_at": 1, "title": title}
        for number, title in enumerate(titles, start=1)
    ]
    insert_rows(connection, videos, rows)
    return [row["id"] for row in rows if isinstance(row["id"], int)]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.none() | _TEXT, st.none() | _INTEGER), max_size=20))
@example([(text, 1) for text in (r"\u0000", r"\\u0000", r"a\u0000b", "\\", '\\"', r"\x00", "\x01", "\u2028")])
def test_what_goes_in_comes_out(tmp_path: Path, values: list[tuple[str | None, int | None]]) -> None:
    with opened(tmp_path) as database, database.writing() as connection:
        ids = _made(connection, ["before"] * len(values))
        changed = [
            {"id": one, "title": title, "size": size} for one, (title, size) in zip(ids, values, strict=True)
        ]
        update_rows(connection, videos, changed)
        found = fetch(connection, _SELECT, packed(ids), _ROWS)

    assert values == [(row.title, row.size) for row in sorted(found, key=lambda row: row.id)]


def test_ten_thousand_rows_are_one_statement(tmp_path: Path) -> None:
    with opened(tmp_path) as database, database.writing() as connection:
        ids = _made(connection, [None] * 10_000)
        assert 10_000 == len(fetch(connection, _SELECT, packed(ids), _ROWS))
        assert [] == fetch(connection, _SELECT, packed([]), _ROWS)


@pytest.mark.parametrize("rows", [["a\0b"], [["a", "\0"]], ["\\\0"], [r"\u0000", "\\\\\0"]])
def test_a_text_that_sqlite_would_cut_is_refused(rows: list[Any]) -> None:
    with pytest.raises(ValueError, match="NUL"):
        packed(rows)
