"""docs/faults.md has a row for every fault, and what it names holds it."""

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import pytest
from api_misbehaviours import APIS
from misbehaviours import Misbehaviour
from origin_misbehaviours import ORIGINS

_TESTS: Final = Path(__file__).resolve().parent
_TABLE: Final = (_TESTS.parent / "docs" / "faults.md").read_text(encoding="utf-8")
_IDS: Final = [f"F{number:02}" for number in range(1, 111)]
_ROW: Final = re.compile(r"^\| (F\d+) \| (.+?) \| (.+?) \| (.+?) \|$", re.MULTILINE)
_TEST: Final = re.compile(r"`(test_\w+\.py)::(test_\w+)`")
_NAMED: Final = re.compile(r"\bF(\d{2,3})(?: to F(\d{2,3}))?\b")


@dataclass(frozen=True, slots=True)
class Row:
    """One fault."""

    fault: str
    what: str
    happens: str
    held_by: str

    @property
    def tests(self) -> list[tuple[str, str]]:
        """The tests that it names, by file and function."""
        return _TEST.findall(self.held_by)


ROWS: Final = [Row(*found) for found in _ROW.findall(_TABLE)]


@cache
def _functions() -> Mapping[tuple[str, str], str]:
    """Return name and docstring of every test, by file and function."""
    return {
        (path.name, node.name): f"{_spelled(node.name)} {ast.get_docstring(node) or ''}"
        for path in sorted(_TESTS.rglob("test_*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_")
    }


def _spelled(name: str) -> str:
    """Return a test's name as its docstring would spell it: ``test_f12_f46_a_cut`` names F12 and F46."""
    return name.replace("_", " ").upper()


def _ids_in(text: str) -> Iterator[str]:
    """Yield the ids that *text* names, ``F12 to F14`` being three."""
    for first, last in _NAMED.findall(text):
        yield from (f"F{number:02}" for number in range(int(first), int(last or first) + 1))


def test_every_fault_has_one_row_and_they_are_in_order() -> None:
    """And no line of a table is anything else."""
    assert _IDS == [row.fault for row in ROWS]
    assert len(_IDS) == sum(line.startswith("| F") for line in _TABLE.splitlines())


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.fault)
def test_what_a_row_names_is_there_and_names_it_too(row: Row) -> None:
    """Or it says why there is none."""
    if not row.tests:
        assert re.fullmatch(r"none: \S.{9,}", row.held_by)
    rest = _TEST.sub("", row.held_by) if row.tests else ""
    assert "" == rest.replace(",", "").strip()
    for test in row.tests:
        assert test in _functions(), f"{test} is not there"
        assert row.fault in set(_ids_in(_functions()[test])), f"{test} does not name {row.fault}"


def test_no_test_names_a_fault_that_is_none() -> None:
    """A slip in a docstring would leave a row without its test."""
    named = {test: set(_ids_in(text)) - set(_IDS) for test, text in _functions().items()}

    assert {} == {test: strange for test, strange in named.items() if strange}


@pytest.mark.parametrize(
    ("test", "misbehaviours"),
    [
        (("test_misbehaving_origin.py", "test_an_origin_that"), ORIGINS),
        (("test_misbehaving_api.py", "test_an_api_that"), APIS),
    ],
)
def test_the_misbehaviours_are_those_of_their_ids(
    test: tuple[str, str], misbehaviours: Mapping[str, Misbehaviour]
) -> None:
    """What the docstring names is what is injected, no more and no less; and each id's row names the test."""
    injected = {misbehaviour.fault for misbehaviour in misbehaviours.values()}

    assert injected == set(_ids_in(_functions()[test]))
    assert injected == {row.fault for row in ROWS if test in row.tests}
