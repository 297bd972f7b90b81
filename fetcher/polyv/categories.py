"""The names on the way to a category, asked for when they are needed and remembered."""

from collections.abc import Mapping
from typing import Any, Final, Protocol

from fetcher.domain.errors import PolyvRefusedError, UsageError, VideoRefusedError
from fetcher.domain.identifiers import printable
from fetcher.polyv.listing import CategoryRow, is_category_id, parse_categories

_GET_CATEGORY: Final = "/v3/category/get"
_ROOT: Final = "1"
_ABOVE_ALL: Final = frozenset({None, "0", "-1"})
_PAGE_SIZE: Final = 1000
_DEEPEST: Final = 32
"""Steps of a path; what is deeper, or goes in a circle, loses its upper ones."""


class Asker(Protocol):
    """Who asks Polyv what may be asked twice."""

    async def get(self, path: str, params: Mapping[str, str]) -> Any:
        """Return an answer's ``data``, unchecked."""
        ...


class Categories:
    """Categories by id. One call tells a category and the thousand right below it, so few calls tell all.

    Args:
        polyv: Who is asked.
    """

    def __init__(self, polyv: Asker) -> None:
        self._polyv = polyv
        self._known: dict[str, CategoryRow] = {}
        self._paths: dict[str, str | None] = {}
        self._asked: set[str] = set()

    async def path_of(self, category_id: str, *, name: str | None = None) -> str | None:
        """Return the names from below the root to a category, ``/`` between them; None where Polyv tells none.

        A ``/`` inside of a name is told as ``_``. The root's own name stands for what lies in no other category.

        Args:
            category_id: Polyv's.
            name: What is known of its name, for where Polyv does not tell of the category itself.

        Raises:
            PolyvError: No usable answer.
            CredentialsRefusedError: No call can succeed.
        """
        if category_id not in self._paths:
            names = await self._names(category_id)
            self._paths[category_id] = "/".join(names) or None
        return self._paths[category_id] or (_step(name) if name else None)

    async def require(self, category_id: str) -> None:
        """See that Polyv knows a category.

        Raises:
            UsageError: It does not.
            PolyvError: No usable answer.
        """
        if not is_category_id(category_id):
            raise UsageError(f"no category id: {printable(category_id, limit=60)!r}; Polyv's are numbers")
        try:
            await self._ask(category_id)
        except VideoRefusedError:  # Its code for any parameter that is wrong.
            raise UsageError(f"Polyv knows no category {category_id}; its console shows them") from None

    async def _names(self, category_id: str) -> list[str]:
        names: list[str] = []
        at: str | None = category_id
        passed: set[str] = set()
        while at not in _ABOVE_ALL and at not in passed and len(passed) < _DEEPEST:
            passed.add(str(at))
            row = await self._row(str(at))
            if row is None:
                break
            if row.category_id != _ROOT or not names:
                names.insert(0, _step(row.name or row.category_id))
            at = row.parent_id
        return names

    async def _row(self, category_id: str) -> CategoryRow | None:
        """Return a category, asked for where it is not known: the root first, which tells of most."""
        for ask_for in (_ROOT, category_id):
            if category_id not in self._known and ask_for not in self._asked:
                try:
                    await self._ask(ask_for)
                except PolyvRefusedError:
                    self._asked.add(ask_for)
        return self._known.get(category_id)

    async def _ask(self, category_id: str) -> None:
        """Ask for a category and all that is right below it."""
        page, told = 1, 0
        while True:
            params = {"cateId": category_id, "page": str(page), "pageSize": str(_PAGE_SIZE)}
            rows, total = parse_categories(await self._polyv.get(_GET_CATEGORY, params))
            new = [row for row in rows if row.category_id not in self._known]
            self._known |= {row.category_id: row for row in new}
            told += max(len(rows) - 1, 0)
            page += 1
            if not new or told >= (total or 0):
                break
        self._asked.add(category_id)


def _step(name: str) -> str:
    return name.replace("/", "_")
