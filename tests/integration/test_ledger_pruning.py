"""Which runs go: none that anything is made of."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from ledger_cases import NOW, opened, raw, ready, rows, taken

from fetcher.ledger.engine import Database
from fetcher.ledger.prospects import past
from fetcher.ledger.pruning import old_runs, remove_old_runs
from fetcher.ledger.requests import measured_rate
from fetcher.ledger.views import totals

_RUNS: Final = """
    WITH RECURSIVE n(i) AS (VALUES (0) UNION ALL SELECT i + 1 FROM n WHERE i < 1999)
    INSERT INTO runs (owner, started_at, ended_at, exit_code, bytes, bytes_per_s)
    SELECT 'run' || i, :now + i, :now + i + 500, iif(i BETWEEN 300 AND 399, 0, 3),
        CASE WHEN i BETWEEN 150 AND 299 THEN 5 * 1048576 + i WHEN i < 900 THEN 1 ELSE 0 END,
        iif(i < 150, 1000 + i, NULL)
    FROM n
"""


@pytest.fixture(name="ledger")
def _ledger(tmp_path: Path) -> Iterator[Database]:
    """Two thousand runs: some measured the line, others fetched much or did well, most of them nothing of that."""
    with opened(tmp_path) as ledger:
        with raw(ledger.path) as connection:
            connection.execute(_RUNS, {"now": NOW})
        yield ledger


def test_what_plans_and_status_are_made_of_is_the_same_afterwards(ledger: Database) -> None:
    with ledger.reading() as connection:
        before = past(connection), measured_rate(connection), totals(connection)
    with ledger.writing() as connection:
        counted = old_runs(connection, before=NOW + 5000)
        removed = remove_old_runs(connection, before=NOW + 5000)

    with ledger.reading() as connection:
        assert before == (past(connection), measured_rate(connection), totals(connection))
    assert counted == removed == 1600
    assert 400 == len(rows(ledger, "SELECT id FROM runs"))


def test_what_is_young_or_holds_a_claim_stays(ledger: Database) -> None:
    """A claim that a run has left is told by the run's end."""
    ready(ledger, 1)
    (claimed,) = taken(ledger, owner="run500", now=NOW)
    assert "run500" == claimed.fence.owner

    with ledger.writing() as connection:
        removed = remove_old_runs(connection, before=NOW + 1000)

    assert removed == 699
    owners = {row["owner"] for row in rows(ledger, "SELECT owner FROM runs")}
    assert {"run500", "run1000", "run1999", "run50", "run149", "run200", "run399"} <= owners
    assert not {"run0", "run49", "run199", "run400", "run999"} & owners


def test_the_outages_of_the_last_weeks_stay(ledger: Database) -> None:
    """What names go by is the share of the time that was worked in: a run without an outage tells of it, too."""
    with raw(ledger.path) as connection:
        connection.execute("UPDATE runs SET stood_ms = 1000, bytes = 400000, bytes_per_s = 1 WHERE id % 5 = 0")
        connection.execute("UPDATE runs SET stood_ms = 0, bytes = 400000, bytes_per_s = 1 WHERE id % 5 = 1")
    with ledger.reading() as connection:
        before = past(connection)
    with ledger.writing() as connection:
        removed = remove_old_runs(connection, before=NOW + 5000)

    with ledger.reading() as connection:
        assert before == past(connection)
    assert (400_000, True) == (before.stood_ms, removed > 900)


def test_two_are_never_called_the_same(ledger: Database) -> None:
    """The ids of what was removed are not given again: the last run always stays."""
    with ledger.writing() as connection:
        remove_old_runs(connection, before=NOW + 5000)
    with raw(ledger.path) as connection:
        assert [(2000,)] == connection.execute("SELECT max(id) FROM runs").fetchall()
