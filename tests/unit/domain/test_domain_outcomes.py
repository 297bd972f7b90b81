"""Errors and exit codes: the tree, the table, and which one counts."""

import inspect
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fetcher.domain import errors
from fetcher.domain.exit_code import CODES, ExitCode, code_of, gravest

CLASSES = sorted(
    (one for _, one in inspect.getmembers(errors, inspect.isclass) if issubclass(one, Exception)),
    key=lambda one: one.__name__,
)


def drawn() -> dict[str, str | None]:
    """Return each class that the docstring draws with the one above it."""
    above: dict[str, str | None] = {}
    stack: list[tuple[int, str]] = []
    for line in (errors.__doc__ or "").split("::", 1)[1].splitlines():
        name = line.lstrip(" │├└─").split(" ")[0]
        if not name:
            continue
        depth = line.index(name)
        while stack and stack[-1][0] >= depth:
            stack.pop()
        above[name] = stack[-1][1] if stack else None
        stack.append((depth, name))
    return above


def test_the_tree_in_the_docstring_is_the_tree_of_the_classes() -> None:
    is_root = errors.FetcherError
    tree = {one.__name__: None if one is is_root else one.__bases__[0].__name__ for one in CLASSES}
    assert tree == drawn()


def test_every_name_ends_in_error_and_every_class_says_what_it_means() -> None:
    odd = [one for one in CLASSES if not one.__name__.endswith("Error") or not one.__dict__.get("__doc__")]
    assert [] == odd


def test_every_error_has_a_code_and_only_those_that_mean_a_bug_are_unexpected() -> None:
    found = {one: code_of(one.__new__(one)) for one in CLASSES}
    assert ExitCode.OK not in found.values()
    unexpected = {one for one, code in found.items() if code is ExitCode.UNEXPECTED}
    assert {errors.FetcherError, errors.IllegalTransitionError} == unexpected


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.UsageError, 2),
        (errors.CredentialsRefusedError, 6),
        (errors.StorageError, 7),
        (errors.DiskFullError, 7),
        (errors.LedgerMissingError, 10),
        (errors.LedgerDamagedError, 10),
        (errors.LedgerTooNewError, 10),
        (errors.LedgerLockedError, 10),
        (errors.ArchiveBusyError, 11),
        (errors.PolyvBlockedError, 3),
        (errors.WindowClosedError, 3),
        (errors.ConflictError, 4),
    ],
)
def test_errors_end_with_the_codes_of_the_contract(error: type[errors.FetcherError], code: int) -> None:
    assert code == code_of(error("what happened"))


def test_a_foreign_error_is_unexpected() -> None:
    assert ExitCode.UNEXPECTED is code_of(ValueError("x"))


def test_the_table_names_each_class_once_and_the_nearest_counts() -> None:
    for kind, code in CODES.items():
        assert code is code_of(kind.__new__(kind))


@pytest.mark.parametrize(("graver", "lesser"), list(itertools.combinations((6, 2, 10, 7, 3, 4, 5, 9, 8), 2)))
def test_the_graver_code_wins_in_the_order_of_the_contract(graver: int, lesser: int) -> None:
    assert graver == gravest([ExitCode(lesser), ExitCode(graver)]) == gravest([ExitCode(graver), ExitCode(lesser)])


@given(st.lists(st.sampled_from(ExitCode), min_size=1))
def test_success_never_hides_a_failure(codes: list[ExitCode]) -> None:
    """Promise 6: a run ends with 0 only if all of it did."""
    assert (gravest(codes) is ExitCode.OK) == (set(codes) == {ExitCode.OK})
    assert gravest(codes) in codes


def test_nothing_to_say_is_success() -> None:
    assert ExitCode.OK is gravest([])
