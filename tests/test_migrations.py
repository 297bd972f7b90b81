"""Migrations: what they make equals the code's schema; an upgrade leaves the old ledger or the new one whole."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from ledger_cases import at_revision, opened, raw, ready, rows, statuses
from sqlalchemy import create_engine

from fetcher.domain.errors import LedgerDamagedError, LedgerTooNewError
from fetcher.ledger import schema, upgrade
from fetcher.ledger.engine import Database, open_database

VERSIONS: Final = upgrade.migrations_directory() / "versions"
NEXT: Final = "9999"
SECOND: Final = f"""
import sqlalchemy as sa
from alembic import op

revision = "{NEXT}"
down_revision = "{schema.REVISIONS[-1]}"


def upgrade():
    with op.batch_alter_table("videos") as batch:
        batch.add_column(sa.Column("extra", sa.Text()))
        batch.create_check_constraint("ck_videos_extra", "extra IS NULL OR extra <> ''")
    op.create_table("novelties", sa.Column("id", sa.Integer(), primary_key=True), sqlite_strict=True)
    {{ending}}
"""


def fingerprint(path: Path) -> dict[str, Any]:
    """Return the shape of a ledger: all that ``alembic check`` is silent about included."""
    shape: dict[str, Any] = {}
    with raw(path) as connection:
        tables = connection.execute(
            "SELECT name, wr, strict FROM pragma_table_list WHERE schema = 'main' AND name NOT LIKE 'sqlite_%'"
        ).fetchall()
        for name, without_rowid, strict in tables:
            if name == "alembic_version":
                continue
            made = connection.execute("SELECT sql FROM sqlite_schema WHERE name = ?", (name,)).fetchone()[0]
            keys = connection.execute(f"SELECT * FROM pragma_foreign_key_list('{name}')").fetchall()
            shape[name] = {
                "without rowid": without_rowid,
                "strict": strict,
                "columns": connection.execute(f"SELECT * FROM pragma_table_xinfo('{name}')").fetchall(),
                "keys": {key[2:] for key in keys},
                "constraints": {
                    *re.findall(r"CONSTRAINT .*?(?=, CONSTRAINT|\) ?STRICT|\) ?WITHOUT|\)$)", flat(made))
                },
            }
        indexes = connection.execute(
            "SELECT name, tbl_name, sql FROM sqlite_schema WHERE type = 'index' AND tbl_name <> 'alembic_version'"
        ).fetchall()
        shape["indexes"] = {(table, flat(made) if made else "automatic") for _, table, made in indexes}
    return shape


def flat(made: str) -> str:
    """Return a statement with single blanks."""
    return re.sub(r"\s+", " ", made).replace("( ", "(").replace(" )", ")")


@pytest.fixture(name="made")
def _made(tmp_path: Path) -> Path:
    """Make tables as the code describes them."""
    path = tmp_path / "made.db"
    engine = create_engine(f"sqlite:///{path}")
    schema.metadata.create_all(engine)
    engine.dispose()
    return path


@pytest.fixture(name="ledger")
def _ledger(tmp_path: Path) -> Any:
    with opened(tmp_path) as ledger:
        ready(ledger, 1, 2, 3)
        yield ledger


@pytest.fixture(name="scripts")
def _scripts(tmp_path: Path) -> Path:
    """Copy the migrations to where another one can be added."""
    return Path(shutil.copytree(VERSIONS.parent, tmp_path / "scripts"))


def second(scripts: Path, ending: str = "") -> None:
    """Add another migration."""
    (scripts / "versions" / f"{NEXT}_next.py").write_text(SECOND.format(ending=ending), encoding="utf-8")


def upgraded(ledger: Database, scripts: Path) -> None:
    """Bring a ledger to the next schema."""
    upgrade.require_current(ledger, revisions=(*schema.REVISIONS, NEXT), scripts=scripts)


def copies(directory: Path) -> list[Path]:
    """Return the copies that upgrades left."""
    return sorted(directory.glob("ledger.db.before-*"))


def test_a_migrated_ledger_has_the_shape_that_the_code_describes(ledger: Database, made: Path) -> None:
    assert fingerprint(made) == fingerprint(ledger.path)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("length(sha256) = 64", "length(sha256) = 65"),
        ("STRICT", ""),
        ("WITHOUT ROWID", ""),
        ("held_until IS NOT NULL", "held_until IS NULL"),
        ("attempts INTEGER DEFAULT 0", "attempts INTEGER DEFAULT 1"),
    ],
)
def test_the_comparison_sees_what_alembic_does_not(made: Path, tmp_path: Path, old: str, new: str) -> None:
    with raw(made) as connection, raw(tmp_path / "other.db") as other:
        statements = connection.execute(
            "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY rowid"
        ).fetchall()
        changed = [flat(made_by).replace(old, new).rstrip(" ,") for (made_by,) in statements]
        assert changed != [flat(made_by) for (made_by,) in statements]
        for statement in changed:
            other.execute(statement)
    assert fingerprint(made) != fingerprint(tmp_path / "other.db")


def test_alembic_finds_nothing_to_add(ledger: Database) -> None:
    with ledger.reading() as connection:
        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "compare_server_default": True}
        )
        assert [] == compare_metadata(context, schema.metadata)


def test_the_known_revisions_are_the_migrations_that_are_there() -> None:
    assert schema.REVISIONS == tuple(sorted(path.name.partition("_")[0] for path in VERSIONS.glob("[0-9]*.py")))


def test_every_constraint_has_a_name() -> None:
    """Only what has a name can be changed by a later migration."""
    tables = schema.metadata.tables.values()
    assert [] == [one for table in tables for one in table.constraints if not one.name]


def test_a_current_ledger_is_left_alone_without_loading_alembic(ledger: Database) -> None:
    code = "import sys; from pathlib import Path\n"
    code += "from fetcher.ledger.engine import open_database; from fetcher.ledger.upgrade import require_current\n"
    code += "require_current(open_database(Path(sys.argv[1]))); sys.exit('alembic' in sys.modules)"
    assert 0 == subprocess.run([sys.executable, "-c", code, str(ledger.path)], check=False).returncode
    assert [] == copies(ledger.path.parent)


def test_an_older_ledger_is_copied_first_then_changed(ledger: Database, scripts: Path) -> None:
    """F74."""
    second(scripts)
    before, shape = statuses(ledger), fingerprint(ledger.path)

    upgraded(ledger, scripts)

    assert [{"version_num": NEXT}] == rows(ledger, "SELECT version_num FROM alembic_version")
    assert before == statuses(ledger)
    assert 3 == len(rows(ledger, "SELECT * FROM events")), "a rebuilt table takes nothing with it"
    assert 1 == fingerprint(ledger.path)["videos"]["strict"]
    (copy,) = copies(ledger.path.parent)
    assert shape == fingerprint(copy)
    assert 0o600 == copy.stat().st_mode & 0o777
    again = open_database(copy)
    assert before == statuses(again)
    again.close()


def test_foreign_keys_are_checked_again_after_an_upgrade(ledger: Database, scripts: Path) -> None:
    second(scripts)
    upgraded(ledger, scripts)
    assert [{"foreign_keys": 1}] == rows(ledger, "PRAGMA foreign_keys")


@pytest.mark.parametrize(
    ("ending", "error"),
    [
        ("raise RuntimeError('midway')", RuntimeError),
        (
            "op.execute('INSERT INTO task_items (task, video, said, seen_at) VALUES (77, 77, 0, 0)')",
            LedgerDamagedError,
        ),
    ],
)
def test_a_failing_upgrade_leaves_the_old_ledger_whole(
    ledger: Database, scripts: Path, ending: str, error: type[Exception]
) -> None:
    """F74: and no copy either, or each try would leave another one."""
    second(scripts, ending)
    before, shape = statuses(ledger), fingerprint(ledger.path)
    with pytest.raises(error):
        upgraded(ledger, scripts)
    assert (shape, before) == (fingerprint(ledger.path), statuses(ledger))
    assert [{"version_num": schema.REVISIONS[-1]}] == rows(ledger, "SELECT version_num FROM alembic_version")
    assert [{"foreign_keys": 1}] == rows(ledger, "PRAGMA foreign_keys")
    assert [] == copies(ledger.path.parent)
    ready(ledger, 4, task=2)


def test_an_upgrade_killed_midway_leaves_the_old_ledger_whole_and_is_made_up_for(
    ledger: Database, scripts: Path
) -> None:
    """F74."""
    second(scripts, "import os; os.kill(os.getpid(), 9)")
    before, shape = statuses(ledger), fingerprint(ledger.path)
    assert {-9} == {upgrader.wait() for upgrader in upgraders(ledger.path, scripts, 1)}
    assert (shape, before) == (fingerprint(ledger.path), statuses(ledger))
    second(scripts)
    upgraded(ledger, scripts)
    assert before == statuses(ledger)


def test_of_four_that_upgrade_at_once_one_does_and_all_go_on(ledger: Database, scripts: Path) -> None:
    second(scripts)
    assert [0] * 4 == [upgrader.wait() for upgrader in upgraders(ledger.path, scripts, 4)]
    assert [{"version_num": NEXT}] == rows(ledger, "SELECT version_num FROM alembic_version")
    assert 1 == len(copies(ledger.path.parent))


def upgraders(path: Path, scripts: Path, count: int) -> list["subprocess.Popen[bytes]"]:
    """Start processes that upgrade a ledger."""
    code = "import sys; from pathlib import Path\n"
    code += "from fetcher.ledger.engine import open_database; from fetcher.ledger.upgrade import require_current\n"
    code += "from fetcher.ledger.schema import REVISIONS\n"
    code += "ledger = open_database(Path(sys.argv[1]))\n"
    code += f"require_current(ledger, revisions={(*schema.REVISIONS, NEXT)!r}, scripts=Path(sys.argv[2]))"
    return [subprocess.Popen([sys.executable, "-c", code, str(path), str(scripts)]) for _ in range(count)]


def test_a_newer_ledger_is_refused_by_older_code(ledger: Database, scripts: Path) -> None:
    """F74."""
    second(scripts)
    upgraded(ledger, scripts)
    with pytest.raises(LedgerTooNewError, match=f"schema {NEXT}, this version knows up to {schema.REVISIONS[-1]}"):
        upgrade.require_current(ledger)


def test_what_is_ready_in_an_older_ledger_has_to_be_begun_by_what_ends_first(tmp_path: Path) -> None:
    """As it was ordered before; nothing is known of how links are signed."""
    ledger = at_revision(tmp_path / "ledger.db", schema.REVISIONS[schema.REVISIONS.index("0008") - 1])
    clocks = {"a": (5, 9), "b": (9, 5), "c": (5, None), "d": (None, 9), "e": (None, None)}
    with raw(ledger.path) as connection:
        connection.executemany(
            "INSERT INTO videos (vid, status, link, deadline, window_ends_at, added_at)"
            " VALUES (?, 'ready', 'https://h/a.mp4', ?, ?, 1)",
            [(vid, *ends) for vid, ends in clocks.items()],
        )
        connection.execute(
            "INSERT INTO videos (vid, status, window_ends_at, added_at) VALUES ('f', 'waiting', 9, 1)"
        )
        connection.execute("INSERT INTO link_clocks (host, worked_ms, updated_at) VALUES ('h', 7, 1)")

    upgrade.require_current(ledger)

    begun_by = {row["vid"]: row["start_by"] for row in rows(ledger, "SELECT vid, start_by FROM videos")}
    assert {"a": 5, "b": 5, "c": 5, "d": None, "e": None, "f": None} == begun_by
    assert [{"worked_ms": 7, "signs_anew": None}] == rows(ledger, "SELECT worked_ms, signs_anew FROM link_clocks")
    ledger.close()


def test_of_an_older_ledgers_files_only_what_it_tells_is_known_to_have_been_listed_wrong(tmp_path: Path) -> None:
    """What was kept although its size differs says so; any other size may have come since."""
    ledger = at_revision(tmp_path / "ledger.db", schema.REVISIONS[schema.REVISIONS.index("0010") - 1])
    details = {
        "a": (4, 5, "kept, although it has 4 bytes, Polyv says 5"),
        "b": (4, 5, "kept, although it has 4 bytes, Polyv says 5 and its MD5 is x, Polyv says y"),
        "c": (4, 5, "kept, although it has 4 bytes, Polyv says 51"),
        "d": (4, 5, None),
        "e": (4, None, "kept, although its MD5 is x, Polyv says y"),
    }
    with raw(ledger.path) as connection:
        connection.executemany(
            "INSERT INTO videos (vid, status, size, size_expected, detail, path, path_key, sha256, evidence,"
            " done_at, added_at) VALUES (?1, 'done', ?2, ?3, ?4, ?1, ?1, ?5, 'size', 1, 1)",
            [(vid, *facts, "0" * 64) for vid, facts in details.items()],
        )

    upgrade.require_current(ledger)

    then = {row["vid"]: row["size_listed_then"] for row in rows(ledger, "SELECT vid, size_listed_then FROM videos")}
    assert {"a": 5, "b": 5, "c": None, "d": None, "e": None} == then
    ledger.close()


def layout(root: Path, *files: str) -> Path:
    """Make empty files below *root*, return the package's directory."""
    for name in files:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return root / "fetcher"


def test_a_checkout_uses_its_own_migrations_and_no_stale_copy(tmp_path: Path) -> None:
    package = layout(tmp_path, "pyproject.toml", "migrations/env.py", "fetcher/migrations/env.py")
    assert tmp_path / "migrations" == upgrade.migrations_directory(package)


def test_an_installed_package_uses_what_is_inside_and_not_its_neighbours(tmp_path: Path) -> None:
    """Other programs leave a ``migrations`` package in site-packages, too."""
    package = layout(tmp_path, "migrations/env.py", "fetcher/migrations/env.py")
    assert package / "migrations" == upgrade.migrations_directory(package)


def test_a_package_without_migrations_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(LedgerDamagedError, match="Install fetcher again"):
        upgrade.migrations_directory(layout(tmp_path, "migrations/env.py", "fetcher/__init__.py"))


def test_the_migrations_found_here_are_those_of_this_checkout() -> None:
    assert (VERSIONS.parent / "env.py").is_file()
    assert not os.path.islink(VERSIONS.parent)
