"""Many rows in one step.

The driver lets go of the interpreter's lock around every row that it steps to, and beside busy threads getting it
back costs more than the row. So rows go in, and come out, as one JSON text: a statement is one step, however many.

Source: CPython, Modules/_sqlite/cursor.c (each sqlite3_step runs without the lock, those of executemany too);
SQLite, "JSON Functions And Operators" (json_each, json_extract, json_group_array); UPDATE FROM since SQLite 3.33.
"""

import functools
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, TypeVar

import msgspec
from sqlalchemy import Connection, Insert, Select, Table, Text, Update, bindparam, func, insert, select, update

T = TypeVar("T")

_ROWS: Final = "rows"
_NUL: Final = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")
"""In JSON. Behind an even number of backslashes only: a text may speak of a NUL without having one."""


def one_of() -> Select[Any]:
    """Return a sub-select of the values bound as ``rows`` (see ``packed``), to compare a column with."""
    return select(_each().c.value)


def packed(rows: Iterable[Any]) -> dict[str, str]:
    """Return the parameters of a statement of this module for *rows*: values, or sequences of them.

    Raises:
        ValueError: Something in them would not come out as it went in.
    """
    text = msgspec.json.encode(rows if isinstance(rows, list) else list(rows)).decode()
    if "\\u0000" in text and _NUL.search(text):
        raise ValueError("a text with a NUL in it, which SQLite would cut there")
    return {_ROWS: text}


def insert_rows(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert *rows*, which all have the same columns, in their order."""
    if rows:
        names = tuple(rows[0])
        connection.execute(_insert(table, names), packed([[row[name] for name in names] for row in rows]))


def update_rows(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Set the columns of *rows*, all the same, each where the id is the row's. No id may come twice."""
    if rows:
        names = tuple(rows[0])
        connection.execute(_update(table, names), packed([[row[name] for name in names] for row in rows]))


def as_one(query: Select[Any]) -> Select[Any]:
    """Return a statement whose only row holds all those of *query*, for ``fetch``; to be made once."""
    inner = query.subquery()
    return select(func.json_group_array(func.json_array(*inner.c)))


def fetch(
    connection: Connection,
    statement: Select[Any],
    parameters: Mapping[str, Any],
    rows: msgspec.json.Decoder[list[T]],
) -> list[T]:
    """Return the rows of a statement made by ``as_one``.

    Args:
        connection: In a transaction.
        statement: What to ask.
        parameters: Of it.
        rows: Reads a list of array-like Structs with its columns, in their order.
    """
    return rows.decode(connection.execute(statement, parameters).scalar_one())


def _each() -> Any:
    return func.json_each(bindparam(_ROWS, type_=Text)).table_valued("value", name="each_row")


@functools.cache
def _insert(table: Table, names: tuple[str, ...]) -> Insert:
    each = _each()
    fields = [func.json_extract(each.c.value, f"$[{number}]") for number in range(len(names))]
    return insert(table).from_select(list(names), select(*fields))


@functools.cache
def _update(table: Table, names: tuple[str, ...]) -> Update:
    each = _each()
    fields = {
        name: func.json_extract(each.c.value, f"$[{number}]", type_=table.c[name].type)
        for number, name in enumerate(names)
    }
    return update(table).where(table.c.id == fields.pop("id")).values(fields)
